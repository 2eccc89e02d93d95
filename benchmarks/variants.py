"""What is compared: each variant, and what its environment has. Data alone."""

from __future__ import annotations

from typing import Final, NamedTuple

NEWEST: Final = "2.12.0"
"""Of the SDK."""
_COMMON: Final = (f"anthropic=={NEWEST}", "opentelemetry-sdk")
_BEDROCK: Final = ("boto3", "opentelemetry-sdk", "opentelemetry-instrumentation", "wrapt")
_LITELLM: Final = ("litellm==1.110.2", "opentelemetry-sdk", "opentelemetry-instrumentation", "wrapt")
ENVIRONMENTS: Final[dict[str, tuple[str, ...]]] = {
    "ours": (*_COMMON, "opentelemetry-instrumentation", "wrapt"),
    "official": (*_COMMON, "opentelemetry-instrumentation-genai-anthropic==1.3b0"),
    "traceloop": (*_COMMON, "opentelemetry-instrumentation-anthropic==0.62.4"),
    "openinference": (*_COMMON, "openinference-instrumentation-anthropic==3.1.0"),
    "bedrock": _BEDROCK,
    "bedrock_botocore": (*_BEDROCK, "opentelemetry-instrumentation-botocore"),
    "bedrock_openinference": (*_BEDROCK, "openinference-instrumentation-bedrock==0.1.61"),
    "litellm": _LITELLM,
    "litellm_openinference": (*_LITELLM, "openinference-instrumentation-litellm==0.1.51"),
}
"""What is installed for each. Ours is read from the sources, so its environment has its dependencies alone."""
PACKAGES: Final = {
    "ours": ("anthropic", "httpx2", "pydantic", "opentelemetry-sdk", "opentelemetry-instrumentation", "wrapt"),
    "official": ("opentelemetry-instrumentation-genai-anthropic",),
    "traceloop": ("opentelemetry-instrumentation-anthropic",),
    "openinference": ("openinference-instrumentation-anthropic",),
}
"""Of each environment, the packages whose versions are told."""


class Variant(NamedTuple):
    """One way to run the program. `instrumented` names what is switched on: `ours`, `floor`, or a peer."""

    name: str
    title: str
    environment: str = "ours"
    native: bool = True
    instrumented: str | None = None


BARE: Final = Variant("bare", "SDK, its own tracing off", native=False)
NATIVE: Final = Variant("native", "SDK, native tracing")
AGAIN: Final = Variant("again", "native, measured twice: the noise")
FLOOR: Final = Variant("floor", "native + floor", instrumented="floor")
OURS: Final = Variant("ours", "native + otel-claude", instrumented="ours")
OURS_ALONE: Final = Variant("ours_alone", "otel-claude without native", native=False, instrumented="ours")
OFFICIAL: Final = Variant("official", "native + official OpenTelemetry", "official", instrumented="official")
TRACELOOP: Final = Variant("traceloop", "native + Traceloop", "traceloop", instrumented="traceloop")
OPENINFERENCE: Final = Variant("openinference", "native + OpenInference", "openinference", instrumented="openinference")
VARIANTS: Final = {
    variant.name: variant
    for variant in (BARE, NATIVE, AGAIN, FLOOR, OURS, OURS_ALONE, OFFICIAL, TRACELOOP, OPENINFERENCE)
}
"""Each is measured in a process of its own."""
_WITH_FLOOR: Final = (NATIVE.name, FLOOR.name, OURS.name)
COMPARED: Final[dict[str, tuple[str, ...]]] = {
    "create": (*_WITH_FLOOR, OFFICIAL.name),
    "create_async": (*_WITH_FLOOR, OFFICIAL.name),
    "stream": _WITH_FLOOR,
    "stream_async": _WITH_FLOOR,
    "helper": _WITH_FLOOR,
}
"""What the goals of each of `measures.TIMES` compare."""

INSTRUMENTORS: Final = {
    "ours": ("otel_claude", "ClaudeInstrumentor"),
    "official": ("opentelemetry.instrumentation.genai.anthropic", "AnthropicInstrumentor"),
    "traceloop": ("opentelemetry.instrumentation.anthropic", "AnthropicInstrumentor"),
    "openinference": ("openinference.instrumentation.anthropic", "AnthropicInstrumentor"),
}
"""The module and the class of each instrumentation."""
WITHOUT_CONTENT: Final = {
    "TRACELOOP_TRACE_CONTENT": "false",
    "OPENINFERENCE_HIDE_INPUTS": "true",
    "OPENINFERENCE_HIDE_OUTPUTS": "true",
}
"""Peers that record prompts and answers by default are measured without, which is less work for them."""
