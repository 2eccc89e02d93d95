"""RQ's work-horses leave by `os._exit` when their job is done: what they measured is exported before."""

import sys
import types

import pytest

from otel_claude.shutdown import Client, ShutdownHooks

JOB = ("job", "queue")


class JobError(Exception):
    """What a job raised, where RQ passes it on."""


@pytest.fixture
def rq(monkeypatch):
    """As `rq.worker` of rq 3.0: the method stands in a base class."""

    class BaseWorker:
        is_horse = True
        job = staticmethod(lambda: True)

        def perform_job(self, *args, **kwargs):
            return self.job(), args, kwargs

    module = types.ModuleType("rq.worker")
    module.BaseWorker, module.Worker = BaseWorker, type("Worker", (BaseWorker,), {})
    monkeypatch.setitem(sys.modules, "rq.worker", module)
    return module


@pytest.fixture
def exports():
    return []


@pytest.fixture
def hooks(exports):
    class Provider:
        def force_flush(self):
            exports.append("flushed")

    class Hooks(ShutdownHooks):
        """This process forks, and is terminated, as if they were not there."""

        def _watch_forks(self):
            pass

        def watch_signal(self):
            pass

    hooks, provider = Hooks(), Provider()
    hooks.client = Client(lambda: exports.append("ended calls"), lambda: [provider])
    yield hooks
    hooks.remove(hooks.client)


def test_the_sdk_is_imported_within_the_job(rq, hooks, exports):
    original = rq.BaseWorker.perform_job
    stop = hooks.expect()

    def job():
        hooks.add(hooks.client)
        hooks.start()
        return "done"

    rq.Worker.job = staticmethod(job)
    assert rq.Worker().perform_job(*JOB, execution=1) == ("done", JOB, {"execution": 1})
    assert exports == ["ended calls", "flushed"]
    hooks.remove(hooks.client)
    stop()
    assert rq.BaseWorker.perform_job is original


def test_a_job_that_fails(rq, hooks, exports):
    hooks.add(hooks.client)
    hooks.start()

    def job():
        raise JobError

    rq.Worker.job = staticmethod(job)
    with pytest.raises(JobError):
        rq.Worker().perform_job(*JOB)
    assert exports == ["ended calls", "flushed"]


def test_a_job_that_measured_nothing(rq, hooks, exports):
    hooks.add(hooks.client)
    rq.Worker().perform_job(*JOB)
    assert exports == []


def test_a_worker_that_goes_on_with_further_jobs(rq, hooks, exports):
    hooks.add(hooks.client)
    hooks.start()
    worker = rq.Worker()
    worker.is_horse = False
    worker.perform_job(*JOB)
    assert exports == []


def test_a_worker_of_another_shape_takes_nothing_else_with_it(rq, hooks, exports):
    del rq.BaseWorker.perform_job
    stop = hooks.expect()
    hooks.add(hooks.client._replace(at_once=True))
    assert "celery.signals" in hooks._imports
    assert hooks._started
    stop()


def test_what_somebody_put_in_its_place_stays(rq, hooks):
    hooks.add(hooks.client)
    ours = rq.BaseWorker.perform_job

    def theirs(worker, *args):
        return ours(worker, *args)

    rq.BaseWorker.perform_job = theirs
    hooks.remove(hooks.client)
    assert rq.BaseWorker.perform_job is theirs
    assert rq.Worker().perform_job(*JOB) == (True, JOB, {})
