"""The SDK imported anew: reloaded, or purged from `sys.modules`. In processes of their own, as it changes them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

HERE = Path(__file__).parent
PROGRAM = """
import gc, importlib, json, sys
gc.disable()  # it would take a quarter of the time of the SDK's import
sys.path.insert(0, {here!r})
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from otel_claude import ClaudeInstrumentor

reader = InMemoryMetricReader()
provider = MeterProvider([reader], shutdown_on_exit=False)
{before}
from support.server import Server, plain, refused
from support.shapes import ARGS

def client(sdk, *replies):
    http = Server(*replies).client()
    return sdk.Anthropic(api_key="k", base_url="https://api.anthropic.com", http_client=http, max_retries=0)

def create(sdk):
    client(sdk, plain()).messages.create(**ARGS)

def purge(*also):
    for name in [name for name in sys.modules if name.partition(".")[0] == "anthropic"]:
        del sys.modules[name]

def seen():
    data = reader.get_metrics_data()
    found = {{}}
    for resource in data.resource_metrics if data else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points:
                    if metric.name in ("claude.client.calls", "claude.client.attempts"):
                        status = point.attributes.get("http.response.status_code", "")
                        key = metric.name.rpartition(".")[2] + str(status)
                        found[key] = found.get(key, 0) + point.value
    return found

import anthropic
{act}
print(json.dumps(seen()))
"""
INSTRUMENT = "ClaudeInstrumentor().instrument(meter_provider=provider)"
IMPORTED_BEFORE = f"import anthropic\n{INSTRUMENT}"
RELOADED = """
import anthropic._base_client as base, anthropic._client as made
importlib.reload(base)
importlib.reload(made)
importlib.reload(anthropic)
"""
BARE = """
def bare(module):
    base, errors = sys.modules["anthropic._base_client"], sys.modules["anthropic._exceptions"]
    owners = [base.SyncAPIClient, base.AsyncAPIClient, base.BaseClient, errors.APIStatusError, base]
    functions = [value for owner in owners for value in vars(owner).values()]
    return not [value for value in functions if "otel_claude" in str(getattr(value, "__code__", ""))]
"""


@pytest.fixture
def ran(fork):
    """What a program measured: in a fork of a process that has imported the SDK, unless that is to come later."""

    def run(act, before=IMPORTED_BEFORE):
        program = PROGRAM.format(here=str(HERE), before=before, act=act)
        if before == IMPORTED_BEFORE:
            code, out, err = fork(program)
        else:
            command = [sys.executable, "-c", program]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
            code, out, err = done.returncode, done.stdout, done.stderr
        assert code == 0, err
        assert "otel-claude" not in err
        return json.loads(out.splitlines()[-1])

    return run


@pytest.mark.parametrize("before", [INSTRUMENT, IMPORTED_BEFORE], ids=["imported later", "imported before"])
def test_a_reloaded_sdk_is_measured_once(ran, before):
    act = f"create(anthropic)\n{RELOADED}\n{RELOADED}\ncreate(anthropic)"
    assert ran(act, before) == {"calls": 2, "attempts200": 2}


@pytest.mark.parametrize("before", [INSTRUMENT, IMPORTED_BEFORE], ids=["imported later", "imported before"])
def test_an_sdk_that_was_purged_and_imported_anew_is_measured_once(ran, before):
    act = (
        "create(anthropic)\nold = anthropic\npurge()\nimport anthropic\nassert anthropic is not old\ncreate(anthropic)"
    )
    assert ran(act, before) == {"calls": 2, "attempts200": 2}


def test_errors_that_are_reloaded_alone_are_measured(ran):
    act = """
import anthropic._exceptions as errors
importlib.reload(errors)
try:
    client(anthropic, refused(400, "invalid_request_error")).messages.create(**ARGS)
except Exception as error:
    assert type(error).__name__ == "BadRequestError"
"""
    assert ran(act) == {"calls": 1, "attempts400": 1}


def test_a_reload_of_the_package_alone_changes_nothing(ran):
    assert ran("importlib.reload(anthropic)\ncreate(anthropic)") == {"calls": 1, "attempts200": 1}


def test_uninstrument_restores_all_of_them_and_nothing_is_patched_after_it(ran):
    act = f"""
{BARE}
import anthropic._base_client as base
first = dict(sys.modules)
assert not bare(anthropic)
{RELOADED}
assert not bare(anthropic)
old = {{name: sys.modules[name] for name in list(sys.modules) if name.startswith("anthropic")}}
purge()
import anthropic
assert not bare(anthropic)
ClaudeInstrumentor().uninstrument()
assert bare(anthropic)
sys.modules.update(old)
assert bare(anthropic)
assert not [finder for finder in sys.meta_path if type(finder).__module__.startswith("otel_claude")]
import anthropic
importlib.reload(sys.modules["anthropic._base_client"])
assert bare(anthropic)
create(anthropic)
"""
    assert ran(act.replace("{{", "{").replace("}}", "}")) == {}


def test_instrumented_again_it_is_measured_once(ran):
    act = f"ClaudeInstrumentor().uninstrument()\n{INSTRUMENT}\n{RELOADED}\npurge()\nimport anthropic\ncreate(anthropic)"
    assert ran(act) == {"calls": 1, "attempts200": 1}
