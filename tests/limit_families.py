"""Rate limits by the prefix of their headers: what each is called in telemetry."""

FAMILIES = {
    "anthropic-ratelimit-requests": "requests",
    "anthropic-ratelimit-tokens": "tokens",
    "anthropic-ratelimit-input-tokens": "input_tokens",
    "anthropic-ratelimit-output-tokens": "output_tokens",
    "anthropic-priority-input-tokens": "priority_input_tokens",
    "anthropic-priority-output-tokens": "priority_output_tokens",
    "anthropic-fast-input-tokens": "fast_input_tokens",
    "anthropic-fast-output-tokens": "fast_output_tokens",
}
