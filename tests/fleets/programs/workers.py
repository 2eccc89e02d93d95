"""`multiprocessing`: the parent makes calls before its workers start and after. `workers.py fork|spawn`

Each worker flushes what it measured, as careful programs do: this program is about identity, not about ends.
"""

import spawned  # noqa: F401, I001 - it comes first

import multiprocessing
import sys

from asking import ask
from opentelemetry import metrics


def work(times, who):
    ask(times, who)
    metrics.get_meter_provider().force_flush()


if __name__ == "__main__":
    ask(2)
    context = multiprocessing.get_context(sys.argv[1])
    workers = [context.Process(target=work, args=(times, who)) for who, times in enumerate((3, 2, 1), start=1)]
    for worker in workers:
        worker.start()
    ask(1, 4)
    for worker in workers:
        worker.join()
    sys.exit(max(worker.exitcode for worker in workers))
