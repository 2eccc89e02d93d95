"""Acting once a module is imported: now or later, after each import, and not if it was cancelled."""

import sys
import threading
from importlib import import_module, reload
from types import SimpleNamespace

import pytest

from otel_claude._import_hooks import on_import


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The name of a module that nobody has imported yet."""
    name = f"imported_by_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text("done = True\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


def test_it_acts_when_the_module_is_imported_and_has_run(module):
    seen = []
    on_import(module, lambda: seen.append(sys.modules[module].done))
    assert seen == []
    assert module not in sys.modules
    import_module(module)
    import_module(module)
    assert seen == [True]


def test_it_acts_at_once_if_it_was_imported_before(module):
    import_module(module)
    seen = []
    cancel = on_import(module, lambda: seen.append(1))
    assert seen == [1]
    cancel()
    assert seen == [1]


def test_it_acts_once_another_thread_has_imported_it_if_that_is_at_it(module, tmp_path):
    begun, go_on = threading.Event(), threading.Event()
    sys.modules["steps_of_the_import"] = SimpleNamespace(begun=begun, go_on=go_on)
    lines = "import steps_of_the_import as steps\nsteps.begun.set()\nsteps.go_on.wait(10)\ndone = True\n"
    (tmp_path / f"{module}.py").write_text(lines, encoding="utf-8")
    importing = threading.Thread(target=import_module, args=(module,))
    importing.start()
    assert begun.wait(10)
    seen = []
    waiting = threading.Thread(
        target=on_import, args=(module, lambda: seen.append(getattr(sys.modules[module], "done", False)))
    )
    waiting.start()
    waiting.join(0.1)
    assert seen == []
    go_on.set()
    for thread in (importing, waiting):
        thread.join(10)
    del sys.modules["steps_of_the_import"]
    assert seen == [True]


@pytest.mark.parametrize("cancelled", [0, 1, 2])
def test_what_was_cancelled_does_not_act(module, cancelled):
    seen = []
    cancels = [on_import(module, lambda name=name: seen.append(name)) for name in range(3)]
    cancels[cancelled]()
    cancels[cancelled]()
    import_module(module)
    assert seen == [name for name in range(3) if name != cancelled]


def test_a_failure_stops_neither_the_import_nor_the_others(module, warnings):
    def fail():
        raise LookupError("secret")

    seen = []
    on_import(module, fail)
    on_import(module, lambda: seen.append(1))
    assert import_module(module).done
    assert seen == [1]
    (warning,) = warnings()
    assert "could not patch the client library (LookupError)" in warning
    assert "secret" not in warning


def test_it_acts_again_after_a_reload(module):
    seen = []
    cancel = on_import(module, lambda: seen.append(1))
    found = import_module(module)
    reload(found)
    assert seen == [1, 1]
    cancel()
    reload(found)
    assert seen == [1, 1]


def test_a_failure_now_is_the_callers(module):
    import_module(module)
    with pytest.raises(ZeroDivisionError):
        on_import(module, lambda: 1 // 0)
