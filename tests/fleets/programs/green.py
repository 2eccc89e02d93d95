"""gevent: calls of two greenlets, then an end as any other or, with `waits`, by SIGTERM."""

from gevent import monkey

monkey.patch_all()

import sys
import time

import gevent
from asking import ask

gevent.joinall([gevent.spawn(ask, 2, 1), gevent.spawn(ask, 1, 2)], raise_error=True)
if sys.argv[1:] == ["waits"]:
    print("ready", flush=True)
    time.sleep(600)
