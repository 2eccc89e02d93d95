"""The id that tells this process's series from those of others, where the provider's resource does not.

Two processes that write one series overwrite each other, and a restart would reset it. The resource should tell them
apart by `service.instance.id`; operators and environments fix it, and OpenTelemetry's SDK draws none up to 1.42. Then
every metric of ours has `claude.instance.id`. Imports nothing of the SDK, and knows of its objects what is read here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final

from opentelemetry.metrics import NoOpHistogram

from .. import semconv
from .._diagnostics import log_internal_error, logger
from ..settings import InstanceIdMode
from .attributes import Attributes, AttributeSet

RESOURCE_ID: Final = "service.instance.id"
RESOURCE_VARIABLE: Final = "OTEL_RESOURCE_ATTRIBUTES"
_WRAPPERS: Final = ("_real_instrument", "_instrument")
"""Where wrapped instruments have the SDK's: the API's until a provider is set (1.30 to 1.45), and Logfire's."""
FIXED: Final = (
    f"{RESOURCE_VARIABLE} fixes {RESOURCE_ID}, which restarts and workers share. Take it out of there, and have "
    "OpenTelemetry's SDK 1.44 or newer"
)
NONE: Final = f"The resource has no {RESOURCE_ID}. OpenTelemetry's SDK 1.44 or newer draws one for each process"
KEPT: Final = (
    f"OpenTelemetry's SDK 1.43 leaves a forked process the {RESOURCE_ID} of its parent. 1.44 or newer draws another one"
)
GIVEN: Final = (
    f"The program's code or a resource detector gives {RESOURCE_ID}, which restarts and workers can share. Leave it to "
    "OpenTelemetry's SDK 1.44 or newer"
)
PULLED: Final = "What Prometheus scrapes of OpenTelemetry's exporter has no service.instance.id"
NOT_KNOWN: Final = object()
"""The resource's attributes, and the consumer, while there is no provider."""

_warned: set[bool] = set()


class _Process:
    """This process, and its id: 12 hex digits."""

    # Of the system: what Python's `random` gives is the same in every forked child.
    id = os.urandom(6).hex()


def this_process() -> str:
    """The process's id, another one after a fork."""
    return _Process.id


def renew_after_fork() -> None:
    """This is a forked child: another process, which needs another id."""
    _Process.id = os.urandom(6).hex()


_plain: Final[Callable[[AttributeSet], Attributes]] = attrgetter("attributes")


class InstanceId:
    """Whether the metrics of one provider carry the process's id: resolved once its provider is known.

    Args:
        mode: As `OTEL_CLAUDE_INSTANCE_ID`.
        resource: Gives the attributes of the provider's resource: None where they cannot be read, `NOT_KNOWN` while
            there is no provider.
        is_pulled: Whether an exporter of the provider leaves the resource out of the series.
    """

    def __init__(self, mode: InstanceIdMode, resource: Callable[[], Any], is_pulled: Callable[[], bool] = bool) -> None:
        self._mode: InstanceIdMode = mode
        self._resource = resource
        self._is_pulled = is_pulled
        self._withholding = False
        self._reset()

    def _reset(self) -> None:
        self.is_resolved = False
        # Until it is resolved they carry it: a record without it could never be told apart.
        self.value: str | None = None if self._mode == "off" else this_process()
        self.attributes_of: Callable[[AttributeSet], Attributes] = _plain if self.value is None else self._with_id
        """What is exported for a set. Hot path: use it if `is_resolved`, else what `resolve()` gives."""

    def _with_id(self, attributes: AttributeSet) -> Attributes:
        exported = attributes.exported
        if exported.get(semconv.INSTANCE_ID) != self.value:
            # Not bounded: it is ours, and a child of many forks has another one than all before it.
            exported = attributes.exported = {**attributes.attributes, semconv.INSTANCE_ID: self.value or ""}
        return exported

    def choose(self, mode: InstanceIdMode) -> None:
        """What the user set. Once it is resolved it stays, for sums under two names would count twice."""
        if mode != self._mode:
            if self.is_resolved:
                logger.warning(
                    "instance_id is %r, but this meter provider has exported with %r, so it keeps that.",
                    mode,
                    self._mode,
                )
                return
            self._mode = mode
            self._reset()

    def resolve(self) -> Callable[[AttributeSet], Attributes]:
        """`attributes_of` from now on: resolved now if the provider is known."""
        if not self.is_resolved:
            try:
                self._resolve()
            except Exception:
                # It stays as it is, which is exact.
                log_internal_error("find out whether the resource tells processes apart")
                self.is_resolved = True
        return self.attributes_of

    def renew_after_fork(self, *, withholding: bool) -> None:
        """This is a forked child. `withholding`: the parent's points can only be told by the parent's id."""
        self._withholding = withholding
        self._reset()

    def _resolve(self) -> None:
        attributes = self._resource()
        if attributes is NOT_KNOWN:
            return
        pulled = self._is_pulled()
        apart = not pulled and attributes is not None and distinguishes_processes(attributes)
        if self._mode == "auto" and apart and not self._withholding:
            self.value, self.attributes_of = None, _plain
        # Last: whoever reads it of one that is resolved reads the right one.
        self.is_resolved = True
        if attributes is not None and not apart:
            _warn_once(PULLED if pulled else cause(attributes, os.environ), carried=self.value is not None)


def resource_of(consumer: Any) -> Mapping[str, Any] | None:
    """The attributes of the resource of the SDK's measurement consumer. None for what is none (SDK 1.30 to 1.45)."""
    resource = getattr(getattr(consumer, "_sdk_config", None), "resource", None)
    attributes = getattr(resource, "attributes", None)
    return attributes if isinstance(attributes, Mapping) else None  # pyright: ignore[reportUnknownVariableType]


def is_pulled(consumer: Any) -> bool:
    """Whether Prometheus scrapes what this consumer measures: its exporter says the resource once, and of no series."""
    return any(
        base.__module__ == "opentelemetry.exporter.prometheus"
        for reader in getattr(consumer, "_reader_storages", ())
        for base in type(reader).__mro__
    )


def consumer_of(instrument: Any) -> Any:
    """The SDK's measurement consumer of an instrument; None for one of another implementation.

    `NOT_KNOWN` while no provider is set, and for an instrument that measures nothing.
    """
    for name in _WRAPPERS:
        wrapped = getattr(instrument, name, NOT_KNOWN)
        if wrapped is None:
            return NOT_KNOWN
        if wrapped is not NOT_KNOWN:
            instrument = wrapped
    return NOT_KNOWN if isinstance(instrument, NoOpHistogram) else getattr(instrument, "_measurement_consumer", None)


def distinguishes_processes(attributes: Mapping[str, Any]) -> bool:
    """Whether a resource with these attributes is of this process alone: the SDK drew its id, in this very process."""
    if not draws_for_each_process():
        return False
    detector: Any = _detector()
    drawn = detector().detect().attributes.get(RESOURCE_ID)
    return drawn is not None and attributes.get(RESOURCE_ID) == drawn


def draws_for_each_process() -> bool:
    """Whether the SDK that is imported draws an id for each process, forked ones too: 1.44 and later."""
    # 1.43 has the detector, and leaves a forked child its parent's id.
    return hasattr(_detector(), "is_process_dependent")


def cause(attributes: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    """Why a resource does not tell processes apart, and what to do about it."""
    if fixes(environment):
        return FIXED
    if RESOURCE_ID not in attributes:
        return NONE
    return KEPT if _detector() is not None and not draws_for_each_process() else GIVEN


def fixes(environment: Mapping[str, str]) -> bool:
    """Whether these variables give every process the same id."""
    pairs = environment.get(RESOURCE_VARIABLE, "").split(",")
    return any(pair.partition("=")[0].strip() == RESOURCE_ID for pair in pairs)


def _detector() -> Any:
    resources = sys.modules.get("opentelemetry.sdk.resources")
    return getattr(resources, "ServiceInstanceIdResourceDetector", None)


def _warn_once(why: str, *, carried: bool) -> None:
    """One line for a process and those that it forks."""
    if carried in _warned:
        return
    _warned.add(carried)
    if carried:
        logger.info("Every metric carries claude.instance.id, which tells processes apart. %s.", why)
    else:
        logger.warning(
            "What several processes spend can be lost or counted twice: OTEL_CLAUDE_INSTANCE_ID is off, and the "
            "resource does not tell processes apart. %s; or set OTEL_CLAUDE_INSTANCE_ID=auto.",
            why,
        )
