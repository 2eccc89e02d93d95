"""A call while it runs, and once it has ended: state alone. The recorder acts on it.

A call is the one mutable object. Several threads may change it, and it ends once: `OpenCalls.remove` is atomic.
"""

from __future__ import annotations

import time
from typing import Any, Final

from .. import semconv
from ..api.errors import ApiError
from ..api.headers import HeaderLayout
from ..api.request import RequestFeatures, RequestSize
from ..api.response import Response
from ..pricing import CallCost, Platform
from ..tags import Tags

_NO_SIZE: Final = RequestSize()
NATIVE_SCOPES: Final[tuple[str, ...]] = (semconv.NATIVE_SCOPE,)
FIRST_ERROR_STATUS: Final = 400
INVALID_RESPONSE: Final = "invalid_response"
"""As `claude.unpriced.reason` and as `error.type`: HTTP 200, and not what was asked for."""


class ClientInfo:
    """Who calls whom. Compared by identity: the same values are the same object (`client_info`).

    Attributes:
        provider: as `gen_ai.provider.name`.
        library: the client library, as `claude.client.library`.
        platform: who serves the calls, with the region where it has one: what prices depend on.
        server_address: of the client's base URL.
        server_port: of the client's base URL, or its scheme's.
        api_key_hint: the key as telemetry shows it, if it does.
    """

    __slots__ = ("api_key_hint", "library", "platform", "provider", "server_address", "server_port")

    def __init__(
        self,
        provider: str | None,
        library: str | None,
        platform: Platform | None,
        server_address: str | None = None,
        server_port: int | None = None,
        api_key_hint: str | None = None,
    ) -> None:
        self.provider = provider
        self.library = library
        self.platform = platform
        self.server_address = server_address
        self.server_port = server_port
        self.api_key_hint = api_key_hint


UNKNOWN_CLIENT: Final = ClientInfo(None, None, None)
"""Where it could not be found out."""
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_infos: dict[tuple[Any, ...], ClientInfo] = {}
_MAX_INFOS: Final = 1_000


def client_info(*values: Any) -> ClientInfo:
    """The `ClientInfo` of these values, the same object for the same ones: programs make a client for each request."""
    if len(_infos) >= _MAX_INFOS:
        _infos.clear()
    return _infos.get(values) or _infos.setdefault(values, ClientInfo(*values))


class Attempt:
    """One HTTP request within a call.

    Attributes:
        status: of its response; None while there is none.
        error_type: as `error.type`, if it failed.
        blocked: what blocked it, as `claude.blocked.reason`.
        outcome: `success`, `retried`, `failed`, or None until it is known.
        delay: seconds that the client library waits before the next one.
        layout: of its response's headers.
        rate_limits: the values of `layout`.
        limits_understood: whether each of these values is known.
        never_sent: whether it surely did not reach the API, as when no connection could be made.
        streams: whether its response is a stream that the application reads.
        body_pending: whether its body, or its stream, was left for the application to read.
        response_id: the `id` of the response whose body is observed.
        passed_on: whether a middleware gave the application that response as it is.
        reader: of the bytes that the application reads of its raw response, until the call has ended.
        options_id: the `id` of what the client library built it from, which lives until its response is processed.
        http_response: only while the library has the whole body and its method has not returned.
    """

    # What most attempts leave as it is stands here, so that making one sets little.
    status: int | None = None
    error_type: str | None = None
    blocked: str | None = None
    outcome: str | None = None
    delay: float | None = None
    layout: HeaderLayout | None = None
    rate_limits: tuple[Any, ...] = ()
    limits_understood = True
    never_sent = False
    streams = False
    body_pending = False
    response_id = 0
    passed_on = False
    reader: Any = None
    http_response: Any = None
    options_id = 0

    def __init__(self, call: Call, number: int) -> None:
        self.call = call
        self.number = number

    @property
    def is_last(self) -> bool:
        """Whether the call made no further attempt since, and is not over."""
        return self.number == len(self.call.attempts) - 1 and not self.call.ended

    @property
    def no_response(self) -> bool:
        """Whether the API may have served it, and billed it, without our seeing a response."""
        return self.status is None and not self.never_sent

    @property
    def is_waiting(self) -> bool:
        """Whether nothing came of it yet: no response, and nothing that the library went on from."""
        return self.status is None and self.outcome is None

    def reject(self, error: ApiError) -> None:
        """The API rejected this attempt. Of two reports, the one that says more wins."""
        self.status = error.status
        self.error_type = error.error_type or self.error_type
        self.blocked = error.blocked or self.blocked

    def fail_in_stream(self, error_type: str, blocked: str | None) -> None:
        """The API answered with HTTP 200, and its stream said an error."""
        self.outcome, self.error_type, self.blocked = "failed", error_type, blocked
        self.call.no_usage_reason = "error_event"

    def fail_as_invalid(self) -> None:
        """The API, or what stands before it, gave no error by its status, and something else than was asked for."""
        self.outcome, self.error_type = "failed", INVALID_RESPONSE
        self.call.no_usage_reason = INVALID_RESPONSE


class Call:
    """One use of a method that reaches the Messages API: all its attempts and the reading of its stream.

    Attributes:
        started_at: seconds since the epoch.
        duration: seconds, once it has ended.
        responses: what bodies said, by number of the attempt, in the order in which they came.
        error_type: as `error.type`; None for a call that succeeded and for one that the application stopped.
        no_usage_reason: as `claude.unpriced.reason`, where an attempt with HTTP 200 said nothing of its usage.
        cancelled: whether the application stopped it.
        time_to_first_chunk: seconds from the start to the first piece of content of a stream.
        span: the client library's own or ours, if there is one; `span_is_ours` says which.
        context: of the span, for exemplars.
        cost: what it cost, once that is worked out.
        series: the `CallSeries` of an ordinary call, which it shares with calls alike.
        counts: of an ordinary call: uncached input, output, cache reads, cache writes (5m, 1h) and thinking.
        total_input: of an ordinary call, in tokens.
        native_scopes: what the scope begins with of a span that is this call's, where the client library, or another
            instrumentation of it, opens one.
        opens_own_span: whether ours is opened at the first attempt if there is no such span then.
        http_route: of its requests.
    """

    # What most calls leave as it is stands here, so that making a call sets little.
    span: Any = None
    span_is_ours = False
    context_token: Any = None
    context: Any = None
    size = _NO_SIZE
    cost: CallCost | None = None
    series: Any = None
    counts: tuple[int, ...] = ()
    total_input = 0
    duration = 0.0
    error_type: str | None = None
    cancelled = False
    returned = False
    time_to_first_chunk: float | None = None
    request_id: str | None = None
    organization_id: str | None = None
    workspace_id: str | None = None
    no_usage_reason: str | None = None
    idempotency_key: str | None = None
    has_middleware = False
    native_scopes: tuple[str, ...] = NATIVE_SCOPES
    opens_own_span = False
    http_route = "/v1/messages"

    def __init__(
        self, request: RequestFeatures, client: ClientInfo, tags: Tags, *, expects_native_span: bool = False
    ) -> None:
        self.request = request
        self.client = client
        self.tags = tags
        self.expects_native_span = expects_native_span
        self.attempts: list[Attempt] = []
        self.responses: dict[int, Response] = {}
        self.started_at = time.time()
        self.clock = time.perf_counter()
        self.ended = False

    def finish(self, error_type: str | None, *, cancelled: bool) -> None:
        """It is over: with an error, or stopped by the application, or neither. Called once."""
        self.ended = True
        self.duration = time.perf_counter() - self.clock
        if error_type is not None:
            self.error_type = error_type
        complete = False
        for response in self.responses.values():
            complete = complete or response.complete
        if complete and self.error_type is None:
            self.cancelled = cancelled
        else:
            if not self.responses and self.attempts and self.attempts[-1].error_type == INVALID_RESPONSE:
                self.error_type = INVALID_RESPONSE  # Whatever the client library made of it.
            if self.error_type is not None:
                self.cost = None
            self.cancelled = cancelled or self.error_type is None
        for attempt in self.attempts:
            attempt.http_response = attempt.reader = None
            if attempt.outcome is None:
                attempt.outcome = "failed"
                attempt.error_type = attempt.error_type or self.error_type

    def no_response_reason(self) -> str | None:
        """Why there is no response: `rejected` or `not_sent`, which cost nothing, or a reason why it has no price."""
        if self.responses:
            return None
        if any(attempt.no_response for attempt in self.attempts):
            return "no_response"
        status = self.attempts[-1].status if self.attempts else None
        if status is None:
            return "not_sent"
        if status >= FIRST_ERROR_STATUS:
            return "rejected"
        return self.no_usage_reason or ("incomplete_stream" if self.request.stream else "unread_body")
