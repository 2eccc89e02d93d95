"""Acting once a module is imported: now or later, once, and not if it was taken back."""

import sys
import threading
from importlib import import_module
from types import SimpleNamespace

import pytest

from otel_claude._import_hooks import when_imported


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
    when_imported(module, lambda: seen.append(sys.modules[module].done))
    assert seen == []
    assert module not in sys.modules
    import_module(module)
    import_module(module)
    assert seen == [True]


def test_it_acts_at_once_if_it_was_imported_before(module):
    import_module(module)
    seen = []
    take_back = when_imported(module, lambda: seen.append(1))
    assert seen == [1]
    take_back()
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
        target=when_imported, args=(module, lambda: seen.append(getattr(sys.modules[module], "done", False)))
    )
    waiting.start()
    waiting.join(0.1)
    assert seen == []
    go_on.set()
    for thread in (importing, waiting):
        thread.join(10)
    del sys.modules["steps_of_the_import"]
    assert seen == [True]


@pytest.mark.parametrize("taken_back", [0, 1, 2])
def test_what_was_taken_back_does_not_act(module, taken_back):
    seen = []
    take_backs = [when_imported(module, lambda name=name: seen.append(name)) for name in range(3)]
    take_backs[taken_back]()
    take_backs[taken_back]()
    import_module(module)
    assert seen == [name for name in range(3) if name != taken_back]


def test_a_failure_stops_neither_the_import_nor_the_others(module, warnings):
    def fail():
        raise LookupError("secret")

    seen = []
    when_imported(module, fail)
    when_imported(module, lambda: seen.append(1))
    assert import_module(module).done
    assert seen == [1]
    (told,) = warnings()
    assert "patched the SDK (LookupError)" in told
    assert "secret" not in told


def test_a_failure_now_is_the_callers(module):
    import_module(module)
    with pytest.raises(ZeroDivisionError):
        when_imported(module, lambda: 1 // 0)
