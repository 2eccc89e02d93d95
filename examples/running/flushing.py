"""Exporting before an answer, for platforms that take a process's CPU away after it: AWS Lambda, Cloud Run."""

import logging
from functools import wraps

from opentelemetry import metrics, trace


def flushed(function):
    """The function returns when what it measured has been exported. A failure of that is logged, and nothing else."""

    @wraps(function)
    def call(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        finally:
            for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
                try:
                    if hasattr(provider, "force_flush"):  # not while OpenTelemetry is not set up
                        provider.force_flush(3000)
                except Exception:
                    logging.getLogger(__name__).exception("Telemetry was not exported")

    return call
