"""What the Messages API says: JSON bodies, stream events and headers, as frozen values.

Pure functions of decoded JSON and of header pairs. Nothing of ours outside this package is imported, no SDK, no
OpenTelemetry. Nothing here raises on what a server can send: a field that is absent or null leaves the old value, one
of a wrong type counts as unknown and marks its usage as malformed. The types are named tuples because some of them
are made for every call.
"""

from .batches import Batch, Result, batches, result
from .errors import Refusal, refusal
from .headers import Head, Limit, head
from .managed_agents import Session, sessions
from .request import Request, Shape, request, shape
from .response import Answer
from .usage import Counts, Iteration, Usage

__all__ = [
    "Answer",
    "Batch",
    "Counts",
    "Head",
    "Iteration",
    "Limit",
    "Refusal",
    "Request",
    "Result",
    "Session",
    "Shape",
    "Usage",
    "batches",
    "head",
    "refusal",
    "request",
    "result",
    "sessions",
    "shape",
]
