"""gevent: calls of two greenlets, then an end as any other. `waits`: by SIGTERM. `job`: after a forked process."""

from gevent import monkey

monkey.patch_all()

import multiprocessing
import sys
import time

import gevent
from asking import ask

gevent.joinall([gevent.spawn(ask, 2, 1), gevent.spawn(ask, 1, 2)], raise_error=True)
if sys.argv[1:] == ["waits"]:
    print("ready", flush=True)
    time.sleep(600)
elif sys.argv[1:] == ["job"]:
    job = multiprocessing.get_context("fork").Process(target=ask, args=(2, 3))
    job.start()
    job.join()
    sys.exit(job.exitcode)
