"""One span per call, also where another instrumentation of LiteLLM, or a callback of its own, makes one."""

import pytest

litellm = pytest.importorskip("litellm", exc_type=ImportError)
theirs = pytest.importorskip("openinference.instrumentation.litellm")

from litellm.integrations.custom_logger import CustomLogger  # noqa: E402 - only where it is
from litellm.litellm_core_utils.litellm_logging import Logging  # noqa: E402
from messages_api import LIST, TOKENS, refused  # noqa: E402
from test_litellm_calls import (  # noqa: E402
    PLAIN,
    STREAM,
    VERSION,
    acomplete,
    acomplete_stream,
    anthropic,
    complete,
    complete_stream,
    run,
)

from otel_claude.litellm import ClaudeLiteLLMInstrumentor  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
USES = {complete: PLAIN, complete_stream: STREAM, acomplete: PLAIN, acomplete_stream: STREAM}


@pytest.fixture(params=["before ours", "after ours"])
def both(request, measured):
    """OpenInference's instrumentation with ours, in both orders."""
    if VERSION < (1, 65):
        pytest.skip("it instruments no older version")
    ours, other = ClaudeLiteLLMInstrumentor(), theirs.LiteLLMInstrumentor()
    if request.param == "before ours":
        ours.uninstrument()
    other.instrument(tracer_provider=measured.tracer_provider)
    if request.param == "before ours":
        ours.instrument(tracer_provider=measured.tracer_provider, meter_provider=measured.meter_provider)
    yield measured
    other.uninstrument()


@pytest.mark.parametrize("use", USES)
def test_their_span_is_enriched(both, server, use):
    server.answers = [USES[use]]
    run(use, **anthropic(server))
    assert (both.tokens(), both.usd()) == (TOKENS, LIST)
    (span,) = both.spans
    assert span.instrumentation_scope.name == "openinference.instrumentation.litellm"
    assert round(span.attributes["gen_ai.usage.cost.amount"], 12) == LIST
    assert span.attributes["claude.cost.status"] == "exact"


def test_of_what_is_retried_within_their_span_it_has_the_last(both, server):
    server.answers = [refused(529, "overloaded_error"), PLAIN]
    complete(num_retries=1, **anthropic(server))
    assert both.calls() == {("overloaded_error", None): 1, (None, "end_turn"): 1}
    spans = [span for span in both.spans if span.attributes.get("claude.cost.status") == "exact"]
    assert {span.instrumentation_scope.name for span in both.spans} == {"openinference.instrumentation.litellm"}
    assert any(round(span.attributes["gen_ai.usage.cost.amount"], 12) == LIST for span in spans)


@pytest.mark.parametrize("callback", ["otel", "OpenTelemetry"])
def test_with_the_callback_of_litellm_there_is_none_of_ours(measured, server, monkeypatch, callback):
    """It makes its span once the call is over: there is none that could be enriched."""
    made = callback if callback == "otel" else type(callback, (CustomLogger,), {})()
    server.answers = [PLAIN]
    with monkeypatch.context() as changed:
        changed.setattr(litellm, "success_callback", [made])
        # LiteLLM itself makes no span here: the callback wants the exporter of OTLP.
        changed.setattr(Logging, "success_handler", lambda *_, **__: None)
        complete(**anthropic(server))
    assert (measured.usd(), measured.spans) == (LIST, [])
