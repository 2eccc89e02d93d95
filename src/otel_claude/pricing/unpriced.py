"""Why a price is not exact: every reason, what it means and what to do. Text only; knows no numbers.

The keys are values of `claude.unpriced.reason`. Their order is the order of severity: when several apply to one
answer, the first is reported.
"""

from typing import NamedTuple


class Reason(NamedTuple):
    """A sentence that says what happened, and one that says what to do about it."""

    meaning: str
    remedy: str


UNPRICED_REASONS: dict[str, Reason] = {
    "billed_elsewhere": Reason(
        "The request's billing_policy lets another organization pay.",
        "Nothing: it is not on this organization's bill.",
    ),
    "no_response": Reason(
        "The call got no response, or only a part of one (timeout, lost connection, cancelled), but may have been "
        "served and billed.",
        "Compare with the organization's cost report if there are many of them.",
    ),
    "unread_body": Reason(
        "The application did not read the body of a raw response to its end, or read it where it is not seen: as it "
        "was compressed (iter_raw()), as the frames of Amazon Bedrock, or more than 32 MiB of it.",
        "Read it to its end with parse(), read(), json(), text(), iter_bytes() or iter_lines().",
    ),
    "invalid_response": Reason(
        "HTTP 200, or a redirect that leads nowhere, and not the message or the stream that was asked for: an error, a "
        "list, HTML or nothing.",
        "Look at what stands between the program and the API.",
    ),
    "error_event": Reason(
        "The stream said an error before it said any usage.",
        "Whether it is billed is not published: compare with the organization's cost report if there are many of them.",
    ),
    "invalid_result": Reason(
        "A line of a batch's results is no result that is understood. Of `otel-claude price`: a line, an event or an "
        "item of stored answers.",
        "Upgrade otel-claude; look at what stands between the program and the API. `otel-claude price` names the lines "
        "that it could not read.",
    ),
    "no_usage": Reason(
        "The answer has no usage.",
        "Look at what stands between the program and the API: a gateway may drop the field.",
    ),
    "no_price_table": Reason(
        "The price table in the package is missing, unreadable or broken: in an archive or a frozen program it was "
        "left out.",
        "Read the warning in the program's log: it names the file. Install otel-claude again, or put its data files "
        "into the archive or the frozen program (docs/deploy.md).",
    ),
    "pricing_error": Reason(
        "otel-claude failed while it read the response, priced the call, or found out who served it.",
        "Upgrade otel-claude, and report it with the traceback: set the logger otel_claude to DEBUG.",
    ),
    "unknown_model": Reason(
        "The price table has no such model, or the answer names none.",
        "Upgrade otel-claude, or give the model a price or an alias in the file that OTEL_CLAUDE_PRICES names.",
    ),
    "no_published_price": Reason(
        "Anthropic has published the model's id but no price for it.",
        "Write the price of your contract into the file that OTEL_CLAUDE_PRICES names.",
    ),
    "not_yet_priced": Reason(
        "The table has no price of the model for that day, usually because the day is before its release.",
        "Check the clock of the machine, or the dates in your own price file.",
    ),
    "provisioned_throughput": Reason(
        "The request went to provisioned throughput, which is paid by the hour.",
        "Nothing: tokens there have no price of their own.",
    ),
    "priority_tier": Reason(
        "Served by Priority Tier, which is committed money and has no price per token.",
        "Nothing: see the contract.",
    ),
    "unknown_service_tier": Reason(
        "The answer names a service tier that has no known price.",
        "Upgrade otel-claude.",
    ),
    "unknown_speed": Reason(
        "The answer names a speed that has no known price for this model on that day.",
        "Upgrade otel-claude, or add a fast period of the model to your own price file.",
    ),
    "fallback_credit": Reason(
        "The answer reports an outcome of the fallback credit that is not known.",
        "Upgrade otel-claude.",
    ),
    "ambiguous_refusal": Reason(
        "The model refused before any output. That is free on the Claude API since 2026-06-02; "
        "here (another platform, or parts that ran before) the terms are not published.",
        "Compare with the platform's bill. If refusals are free there too, your own price file can say since when: "
        "platforms.<name>.refusals_free_from.",
    ),
    "malformed_usage": Reason(
        "Some number in the answer's usage is missing its type, impossible, or contradicts another.",
        "Look at what stands between the program and the API; report it if there is nothing.",
    ),
    "incomplete_stream": Reason(
        "The stream ended before its final counts: it was left, failed, or its connection ended. Output was billed but "
        "its count is not known.",
        "Read streams to their end where the cost matters. The input is priced.",
    ),
    "missing_counts": Reason(
        "The answer does not say how many input or output tokens there were, or that output came of no input.",
        "Look at what stands between the program and the API. What it says is priced.",
    ),
    "unknown_inference_geo": Reason(
        "The answer names an inference region that has no known premium for this model and platform.",
        "Upgrade otel-claude. It is priced without a premium.",
    ),
    "unknown_endpoint": Reason(
        "It is not known at what price it was served: by a regional endpoint, which costs more, or by a gateway with "
        "prices of its own, which wrote a prefix such as vertex_ai/ before the model's id. It is priced at list price.",
        "Write into your own price file what the gateway charges (prefixes), the endpoint "
        "(platforms.bedrock.endpoint = regional), or what an application inference profile stands for (aliases).",
    ),
    "ambiguous_prompt_tier": Reason(
        "Server tools ran, the summed prompt is above the bound of the higher price, and the answer does not "
        "say how long each prompt was.",
        "Compare with the cost report. It is priced at the lower price; answers with usage.iterations are exact.",
    ),
    "unknown_iteration": Reason(
        "usage.iterations has an entry of a kind that is not known.",
        "Upgrade otel-claude. The other entries are priced.",
    ),
    "batch_web_search": Reason(
        "It is not published whether web searches in a batch cost half.",
        "Compare with the cost report. They are priced at half.",
    ),
    "unknown_web_search_price": Reason(
        "No price of a web search is known for this model or platform.",
        "Upgrade otel-claude. The tokens are priced.",
    ),
    "ambiguous_date": Reason(
        "A price changed while the batch was processed, and its results do not say when they were made.",
        "Nothing: it is priced at the lower price. Where the program reads the results by a URL of its own, let it ask "
        "for the batch before, as the SDK's results() does: that tells the times.",
    ),
    "after_price_table": Reason(
        "Of `otel-claude price --at` alone: the day is after the table's date, and prices may have changed since.",
        "Upgrade otel-claude once that day has come. Until then it is the price that is known today.",
    ),
    "code_execution": Reason(
        "Code execution is billed by container time beyond the free hours of the month, which no response reports.",
        "See the organization's cost report. Everything else is priced.",
    ),
}
