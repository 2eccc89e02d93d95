"""The fleets, and on what each is run."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from fleets_ways import (
    EXAMPLES,
    after_each_other,
    asks_of_celery,
    asks_of_gunicorn,
    asks_of_rq,
    asks_of_uvicorn,
    asks_of_uvicorn_in_code,
    asks_of_uwsgi,
    at_once,
    ended_by_sigterm,
    injected_by_the_operator,
    invoked_by_lambda,
    scraped_gunicorn,
    scraped_restarts,
    served_by_cloud_run,
)

# What the OpenTelemetry Operator sets for every container: the same for all its processes, and after a restart.
OPERATOR = (
    "service.instance.id=shop.chat-7d9f5c8b44-x2x7p.app,k8s.namespace.name=shop,"
    "k8s.pod.name=chat-7d9f5c8b44-x2x7p,k8s.container.name=app"
)
WHOLE = os.environ.get("FLEET_TESTS") == "1"
NEWEST = "otel-newest"
OLDEST = "otel-1.30"
EVERY = (OLDEST, "otel-1.42", "otel-1.43", "otel-1.44", NEWEST)
"""Environments, made of requirements/fleets. `dev` is that of the tests themselves: no Celery, no gunicorn."""


@dataclass(frozen=True)
class Fleet:
    """Processes of one service. `way` starts them and waits for their end.

    `calls`: how many it makes, where requests do not decide that. `exits`: what its programs must exit with.
    `resource`: `OTEL_RESOURCE_ATTRIBUTES`.
    """

    name: str
    way: Callable
    calls: int | None
    resource: str = ""
    exits: frozenset[int] = frozenset({0})
    variables: dict[str, str] = field(default_factory=dict)

    def named(self, name: str, **variables: str) -> Fleet:
        return replace(self, name=name, variables=variables)

    def under_the_operators_id(self) -> Fleet:
        return replace(self, name=f"{self.name}-fixed", resource=OPERATOR)


THREE = (("calls", 4, 1), ("calls", 3, 2), ("calls", 2, 3))
REPLICAS = Fleet("replicas", at_once(*THREE), 9)
RESTARTS = Fleet("restarts", after_each_other(*THREE), 9)
FORKED = Fleet("forked", at_once(("forks",)), 9)
FORKED_WORKERS = Fleet("forked-workers", at_once(("workers", "fork")), 9)
SPAWNED_WORKERS = Fleet("spawned-workers", at_once(("workers", "spawn")), 9)
JOBS = Fleet("forked-jobs", at_once(("jobs",)), 6)
SIGTERM = Fleet("sigterm", ended_by_sigterm("waits"), 3, exits=frozenset({-signal.SIGTERM}))

IDENTITY = (
    REPLICAS,
    *(fleet.under_the_operators_id() for fleet in (REPLICAS, RESTARTS)),
    *(FORKED, FORKED_WORKERS, SPAWNED_WORKERS),
    *(fleet.under_the_operators_id() for fleet in (FORKED, FORKED_WORKERS, SPAWNED_WORKERS)),
)
"""Two processes never write one series. Each process ends in a way that exports what it has without our doing."""

ENDINGS = (
    JOBS,
    JOBS.under_the_operators_id(),
    Fleet("forked-executor", at_once(("executor", "fork")), 7),
    Fleet("spawned-executor", at_once(("executor", "spawn")), 7),
    Fleet("forkserver-executor", at_once(("executor", "forkserver")), 7),
    Fleet("forked-pool", at_once(("pool",)), 6),
    SIGTERM,
    Fleet("uvicorn-in-code", asks_of_uvicorn_in_code, None),
    Fleet("uvicorn-by-itself", asks_of_uvicorn("served_by_itself:app"), None),
)
"""No export but that at the end brings the numbers."""
SERVERS = (
    Fleet("celery", asks_of_celery, 5),
    Fleet("gunicorn", asks_of_gunicorn(), None),
    Fleet("gunicorn-preload", asks_of_gunicorn("--preload"), None),
)
"""Those that `dev` lacks."""

# `opentelemetry-instrument` of OpenTelemetry 0.51b0 does not reach the workers of the command.
UVICORN = Fleet("uvicorn", asks_of_uvicorn("asgi_app:app"), None)

GREEN = Fleet("gevent-sigterm", ended_by_sigterm("green", "waits"), 3, exits=frozenset({-signal.SIGTERM}))
RQ = Fleet("jobs", asks_of_rq("worker"), 5)
RQ_POOL = Fleet("pool", asks_of_rq("worker-pool", "--num-workers", "2"), 5)
RQ_SPAWNED = Fleet("spawned", asks_of_rq("worker", "--worker-class", "rq.worker.SpawnWorker"), 5)
UWSGI = Fleet("uwsgi", asks_of_uwsgi("--enable-threads", "--py-call-uwsgi-fork-hooks"), None)
UWSGI_LAZY = Fleet("lazy", asks_of_uwsgi("--threads", "2", "--py-call-uwsgi-fork-hooks", "--lazy-apps"), None)
UWSGI_UNHOOKED = Fleet("unhooked", asks_of_uwsgi("--enable-threads"), None)
UWSGI_LAZY_UNHOOKED = Fleet("lazy-unhooked", asks_of_uwsgi("--enable-threads", "--lazy-apps"), None)
AIRFLOW = Fleet("tasks", at_once(("airflow_tasks",)), 2)
KILLED = frozenset({-signal.SIGKILL})
SCRAPED_RESTARTS = Fleet("scraped-restarts", scraped_restarts, 9, exits=frozenset({-signal.SIGTERM}))
WRAPPER = (str(EXAMPLES / "lambda_wrapper"), "python")
BY_ITSELF = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "aws-lambda"}
LAMBDA = Fleet("function", invoked_by_lambda("lambda_handler.handler", *WRAPPER), 4, exits=KILLED)
LAMBDA_LAYER = Fleet("layer", invoked_by_lambda("lambda_plain.handler", *WRAPPER), 4, exits=KILLED)
CLOUD_RUN = Fleet("cloud-run", served_by_cloud_run("cloud_run:application", signal.SIGKILL), 4, exits=KILLED)
OPERATOR_PODS = Fleet("operator", injected_by_the_operator, 16)
CRON = Fleet("cron", after_each_other(*[("cron",)] * 3), 3)
RUNNING = (
    Fleet("gunicorn-threads", asks_of_gunicorn("--threads", "4"), None),
    Fleet("gunicorn-gevent", asks_of_gunicorn("--worker-class", "gevent"), None),
    Fleet("gevent", at_once(("green",)), 3),
    Fleet("gevent-job", at_once(("green", "job")), 5),
    GREEN,
    *(Fleet(f"processes-{method}", at_once(("processes", method)), 6) for method in ("fork", "spawn", "forkserver")),
    CRON,
    Fleet("notebook", at_once(("notebook",)), 1),
    CLOUD_RUN,
    Fleet("cloud-run-sigterm", served_by_cloud_run("wsgi_app:application", signal.SIGTERM), 4),
    SCRAPED_RESTARTS,
    Fleet("scraped-gunicorn", scraped_gunicorn, None),
)
"""Ways of running that docs/running.md describes, by its examples."""

NAMED = {fleet.name: fleet for fleet in (*IDENTITY, *ENDINGS, *SERVERS, UVICORN)}
PART = [
    NAMED[name]
    for name in (
        *("replicas-fixed", "restarts-fixed", "forked", "forked-workers-fixed", "spawned-workers-fixed"),
        *("forked-jobs", "forked-executor", "forked-pool", "sigterm", "uvicorn"),
    )
]
"""What runs in CI: each kind of loss once, on the newest OpenTelemetry SDK."""

OFF = {"OTEL_CLAUDE_INSTANCE_ID": "off"}
UNFLUSHED = {"OTEL_CLAUDE_FLUSH_ON_EXIT": "false"}
UNIDENTIFIED = ("replicas-fixed", "restarts-fixed", "spawned-workers-fixed") if WHOLE else ("replicas-fixed",)
ENDED_UNFLUSHED = ("forked-jobs", "sigterm")
WITHOUT = (
    *(NAMED[name].named(f"{name}-without-identity", **OFF) for name in UNIDENTIFIED),
    *(NAMED[name].named(f"{name}-without-flush", **UNFLUSHED) for name in ENDED_UNFLUSHED),
)
"""What holds the numbers together is switched off: they are not complete, or the tests could not fail."""


@dataclass(frozen=True)
class Case:
    """A fleet in an environment, with one temporality. Delta goes through the Collector."""

    environment: str
    fleet: Fleet
    temporality: str = "cumulative"

    @property
    def name(self) -> str:
        return "-".join((self.environment, *(["delta"] * (self.temporality == "delta")), self.fleet.name))

    @property
    def job(self) -> str:
        """In Prometheus. The operator gives every service a namespace."""
        return f"shop/{self.name}" if self.fleet.way is injected_by_the_operator else self.name


def environments(case: Case) -> set[str]:
    """What is to be made for it."""
    return {case.environment, *(["operator"] if case.fleet.way is injected_by_the_operator else [])} - {"dev"}


def _cases() -> list[Case]:
    running = [
        *(Case(NEWEST, fleet) for fleet in RUNNING),
        *(Case("uwsgi", fleet) for fleet in (UWSGI, UWSGI_LAZY)),
        Case("airflow", AIRFLOW),
        *(Case("rq", fleet) for fleet in (RQ, RQ_POOL, RQ_SPAWNED)),
        Case("lambda", replace(LAMBDA, variables=BY_ITSELF)),
        Case("lambda", LAMBDA_LAYER),
        Case("application", OPERATOR_PODS),
    ]
    if not WHOLE:
        part = [*(Case("dev", fleet) for fleet in PART), Case("dev", NAMED["forked-workers-fixed"], "delta")]
        return [*part, *(Case(NEWEST, fleet) for fleet in SERVERS), *running]
    ends = (*ENDINGS, *SERVERS)
    return [
        *running,
        *(Case(environment, fleet) for environment in EVERY for fleet in IDENTITY),
        *(Case(OLDEST, fleet) for fleet in ends),
        *(Case(NEWEST, fleet) for fleet in (*ends, UVICORN)),
        *(Case(NEWEST, fleet, "delta") for fleet in (*IDENTITY, *ends, UVICORN)),
    ]


COMPLETE = {case.name: case for case in _cases()}
SCRAPED = [name for name in COMPLETE if name.endswith("scraped-gunicorn")]
"""Its series are looked at one by one."""


def _under_one_id(fleet: Fleet) -> Fleet:
    return fleet.under_the_operators_id().named(f"{fleet.name}-without-identity", **OFF)


LOST = (
    Case(NEWEST, NAMED["celery"].named("celery-without-flush", **UNFLUSHED)),
    Case(NEWEST, GREEN.named("gevent-sigterm-without-flush", **UNFLUSHED)),
    Case(NEWEST, SCRAPED_RESTARTS.named("scraped-restarts-without-identity", **OFF)),
    Case(
        NEWEST,
        replace(CLOUD_RUN, name="cloud-run-unflushed", way=served_by_cloud_run("wsgi_app:application", signal.SIGKILL)),
    ),
    *(Case("uwsgi", fleet) for fleet in (UWSGI_UNHOOKED, UWSGI_LAZY_UNHOOKED)),
    Case("airflow", AIRFLOW.named("tasks-without-flush", **UNFLUSHED)),
    Case("rq", RQ.named("jobs-without-flush", **UNFLUSHED)),
    Case("lambda", LAMBDA_LAYER.named("unflushed", **BY_ITSELF)),
    Case("application", OPERATOR_PODS.named("operator-without-identity", **OFF)),
    *(Case(NEWEST, _under_one_id(fleet)) for fleet in (UVICORN, CRON)),
    # 1.44 and later draw an id for a forked child by themselves.
    *(Case(OLDEST, _under_one_id(NAMED[name])) for name in ("gunicorn", "gunicorn-preload", "forked-workers") if WHOLE),
)
"""Ways of running without what docs/running.md says of them."""
INCOMPLETE = {
    case.name: case
    for case in (
        *LOST,
        *(Case(NEWEST if WHOLE else "dev", fleet) for fleet in WITHOUT),
        # Before 1.43 replicas need no fixed id to write one series.
        *([Case(OLDEST, REPLICAS.named("replicas-without-identity", **OFF))] if WHOLE else []),
    )
}
