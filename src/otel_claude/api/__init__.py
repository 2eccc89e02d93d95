"""What the API says: JSON bodies, stream events and headers, as frozen values.

Pure functions of decoded JSON and of header pairs: no client library, no OpenTelemetry, nothing of ours outside this
package. Nothing here raises on what a server can send: a field that is absent or null leaves the old value, one of a
wrong type counts as unknown and marks its usage as malformed. The types are named tuples because some of them are made
for every call.
"""

from .api_keys import redact_api_key
from .batches import Batch, BatchResult, parse_batch_result, parse_batches
from .errors import ApiError, parse_error
from .headers import HeaderLayout, RateLimit, ResponseHeaders, parse_headers
from .managed_agents import Session, parse_sessions
from .request import RequestFeatures, RequestSize, measure_request, parse_request
from .response import (
    Counts,
    Iteration,
    Response,
    Usage,
    merge_message_delta,
    parse_message,
    parse_message_start,
    parse_usage,
)

__all__ = [
    "ApiError",
    "Batch",
    "BatchResult",
    "Counts",
    "HeaderLayout",
    "Iteration",
    "RateLimit",
    "RequestFeatures",
    "RequestSize",
    "Response",
    "ResponseHeaders",
    "Session",
    "Usage",
    "measure_request",
    "merge_message_delta",
    "parse_batch_result",
    "parse_batches",
    "parse_error",
    "parse_headers",
    "parse_message",
    "parse_message_start",
    "parse_request",
    "parse_sessions",
    "parse_usage",
    "redact_api_key",
]
