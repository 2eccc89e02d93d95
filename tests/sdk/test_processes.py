"""What only a process of its own shows: order of imports, late providers, forks, the exit."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from support.library import PYTHON, anthropic

pytestmark = pytest.mark.process

HERE = Path(__file__).parent
SETUP = """
import gc, json, logging, os, sys
gc.disable()  # it would take a quarter of the time of the SDK's import
sys.path.insert(0, {here!r})
said = []
class Said(logging.Handler):
    def emit(self, record): said.append(record.getMessage())
logging.getLogger("otel_claude").addHandler(Said())
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider, SpanProcessor
from otel_claude import ClaudeInstrumentor
reader = InMemoryMetricReader()
ended = []
class Ended(SpanProcessor):
    def on_end(self, span): ended.append(span.name)
def providers():
    metrics.set_meter_provider(MeterProvider([reader]))
    provider = TracerProvider()
    provider.add_span_processor(Ended())
    trace.set_tracer_provider(provider)
def sums(name):
    data = reader.get_metrics_data()
    return sum(p.value if hasattr(p, "value") else p.count for r in (data.resource_metrics if data else ())
               for s in r.scope_metrics for m in s.metrics if m.name == name for p in m.data.data_points)
def make(*replies, **more):
    from support.face import Face
    from support.server import Server
    gc.enable()
    gc.freeze()  # what the SDK is made of is no garbage, and takes long to look through at the exit
    return Face("sync", Server(*replies), "ours", **more).client
def tell(**what):
    print(json.dumps(what), flush=True)
"""


def run(script):
    """What a script of its own process told, line by line."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "ANTHROPIC_"))}
    done = subprocess.run(
        [*PYTHON, "-c", SETUP.format(here=str(HERE)) + script],
        check=False, capture_output=True, text=True, timeout=60, env=environment,
    )  # fmt: skip
    return told_by(done.returncode, done.stdout, done.stderr)


def told_by(code, out, err):
    assert code == 0, err
    # A stream that is open while Python takes its modules apart can fail by itself (seen on 3.15, without us too).
    by_itself = "Exception ignored while closing generator" in err and "otel_claude" not in err
    assert by_itself or "Traceback" not in err, err
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


@pytest.fixture
def run_imported(fork):
    """The same, where nothing depends on when the SDK is imported: in a fork of a process that has done so."""
    return lambda script: told_by(*fork(SETUP.format(here=str(HERE)) + script))


def test_instrumenting_imports_neither_the_sdk_nor_what_only_its_calls_need():
    assert run("""
ClaudeInstrumentor().instrument()
ours = ("runtime", "telemetry.metrics", "telemetry.recorder", "sdk", "api", "pricing")
heavy = ("anthropic", "pydantic", "httpx", "httpx2", *(f"otel_claude.{name}" for name in ours))
tell(imported=[name for name in heavy if name in sys.modules])
import anthropic
tell(missing=[name for name in heavy[4:] if name not in sys.modules])
""") == [{"imported": []}, {"missing": []}]


def test_the_sdk_is_patched_when_it_is_imported_later():
    assert run("""
providers()
ClaudeInstrumentor().instrument()
ClaudeInstrumentor().uninstrument()
ClaudeInstrumentor().instrument()
from support.server import plain
from support.api import ARGS
make(plain()).messages.create(**ARGS)
tell(calls=sums("claude.client.calls"), spans=ended, said=said)
""") == [{"calls": 1, "spans": ["chat claude-sonnet-4-6"], "said": []}]


def test_nothing_is_patched_later_if_it_was_taken_back():
    assert run("""
providers()
ClaudeInstrumentor().instrument()
ClaudeInstrumentor().uninstrument()
from support.server import plain
from support.api import ARGS
make(plain()).messages.create(**ARGS)
tell(calls=sums("claude.client.calls"), spans=ended)
""") == [{"calls": 0, "spans": []}]


def test_nothing_is_patched_if_it_is_taken_back_while_it_is_set_up():
    """Our modules load in the thread that imports the SDK: meanwhile another thread can uninstrument."""
    assert run("""
import threading, wrapt
providers()
def elsewhere(_module):
    thread = threading.Thread(target=ClaudeInstrumentor().uninstrument)
    thread.start()
    thread.join()
wrapt.register_post_import_hook(elsewhere, "otel_claude.runtime")
ClaudeInstrumentor().instrument()
from support.server import plain
from support.api import ARGS
client = make(plain())
client.messages.create(**ARGS)
import anthropic
tell(calls=sums("claude.client.calls"), patched=hasattr(anthropic._base_client.SyncAPIClient.request, "__wrapped__"))
ClaudeInstrumentor().instrument()
client.messages.create(**ARGS)
tell(calls=sums("claude.client.calls"), said=said)
""") == [{"calls": 0, "patched": False}, {"calls": 1, "said": []}]


def test_a_missing_function_is_warned_of_at_the_import():
    (told,) = run("""
import wrapt
def break_it(module): del module.BaseClient._process_response_data
wrapt.register_post_import_hook(break_it, "anthropic._base_client")
ClaudeInstrumentor().instrument()
import anthropic
tell(said=said, patched=hasattr(anthropic._base_client.SyncAPIClient.request, "__wrapped__"))
""")
    (warning,) = told["said"]
    assert "BaseClient._process_response_data" in warning
    assert anthropic.__version__ in warning
    assert not told["patched"]


def test_providers_that_are_set_after_instrument(run_imported):
    assert run_imported("""
ClaudeInstrumentor().instrument()
from support.server import plain
from support.api import ARGS
client = make(plain())
client.messages.create(**ARGS)
providers()
client.messages.create(**ARGS)
tell(calls=sums("claude.client.calls"), durations=sums("gen_ai.client.inference.duration"), spans=len(ended))
""") == [{"calls": 2, "durations": 1, "spans": 1}]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_starts_from_zero(run_imported):
    told = run_imported("""
import warnings
providers()
ClaudeInstrumentor().instrument()
from support.server import plain, stream
from support.api import ARGS
client = make(plain())
client.messages.create(**ARGS)
client.messages.create(**ARGS)
client.messages.create(**ARGS)
streaming = make(stream())
read_in_part = streaming.messages.create(**ARGS, stream=True)
next(read_in_part)
dropped = streaming.messages.create(**ARGS, stream=True)
next(dropped)
del dropped
# This one is only queued: nobody collected since.
unread = streaming.messages.create(**ARGS, stream=True)
del unread
gc.collect()
warnings.simplefilter("ignore")
child = os.fork()
if child == 0:
    before = sums("claude.client.calls")
    client.messages.create(**ARGS)
    read_in_part.close()
    del read_in_part
    gc.collect()
    tell(who="child", before=before, after=sums("claude.client.calls"), cost=sums("claude.client.cost.usd"),
         attempts=sums("claude.client.attempts"), limits=sums("claude.client.rate_limit.limit"))
    sys.stdout.flush()
    os._exit(0)
os.waitpid(child, 0)
list(read_in_part)
tell(who="parent", after=sums("claude.client.calls"), attempts=sums("claude.client.attempts"))
""")
    child = {"who": "child", "before": 0, "after": 1, "cost": 0.001545, "attempts": 1, "limits": 100}
    assert told == [child, {"who": "parent", "after": 6, "attempts": 6}]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_does_not_count_again_what_its_parent_counted(run_imported):
    told = run_imported("""
import warnings
providers()
ClaudeInstrumentor().instrument()
from support.server import Chunks, http
def line(name):
    return json.dumps({"custom_id": name, "result": {"type": "canceled"}}).encode() + b"\\n"
lines = [line("a"), line("b")]
watched = {"id": "watched", "type": "message_batch", "processing_status": "in_progress"}
def reply(request):
    if request.url.path.endswith("/results"):
        return http.Response(200, stream=Chunks(lines))
    return http.Response(200, json={**watched, "request_counts": {"processing": 5}})
batches = make(reply)
def read():
    batches.get("/v1/messages/batches/b/results", cast_to=http.Response, stream=True).read()
batches.get("/v1/messages/batches/watched", cast_to=object)
read()
warnings.simplefilter("ignore")
child = os.fork()
if child == 0:
    before = sums("claude.client.batch.results")
    lines.append(line("c"))
    read()
    tell(who="child", before=before, after=sums("claude.client.batch.results"),
         progress=sums("claude.client.batch.requests"))
    sys.stdout.flush()
    os._exit(0)
os.waitpid(child, 0)
read()
tell(who="parent", after=sums("claude.client.batch.results"), progress=sums("claude.client.batch.requests"))
""")
    child = {"who": "child", "before": 0, "after": 1, "progress": 0}
    assert told == [child, {"who": "parent", "after": 2, "progress": 5}]


@pytest.mark.parametrize("left", ["read in part", "dropped", "never iterated", "dropped unread"])
def test_streams_that_are_open_at_the_exit(run_imported, left):
    told = run_imported(f"""
import atexit
LEFT = {left!r}
providers()
trace.get_tracer_provider()
ClaudeInstrumentor().instrument()
from support.server import stream
from support.api import ARGS
opened = make(stream()).messages.create(**ARGS, stream=True)
if LEFT in ("read in part", "dropped"):
    next(opened)
if LEFT.startswith("dropped"):
    del opened
    gc.collect()
class Last(SpanProcessor):
    def shutdown(self): tell(spans=len(ended))
trace.get_tracer_provider().add_span_processor(Last())
""")
    assert told == [{"spans": 1}]


def test_an_exit_while_instrumented_without_any_provider_is_quiet(run_imported):
    assert run_imported("""
ClaudeInstrumentor().instrument()
from support.server import stream
from support.api import ARGS
opened = make(stream()).messages.create(**ARGS, stream=True)
next(opened)
tell(said=said)
""") == [{"said": []}]
