"""Three short forked `multiprocessing` jobs that end by themselves: they run no `atexit`. The parent asks nothing."""

import multiprocessing
import sys

from asking import ask

context = multiprocessing.get_context("fork")
jobs = [context.Process(target=ask, args=(2, who)) for who in range(1, 4)]
for job in jobs:
    job.start()
for job in jobs:
    job.join()
sys.exit(max(job.exitcode for job in jobs))
