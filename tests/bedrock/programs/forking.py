"""A program with a client of its own, and processes that it makes: each makes one call of each operation.

Three; one, where it is started anew.

python forking.py HOW URL
"""

import multiprocessing
import os
import sys
import warnings

from bedrock_client import make_client
from test_bedrock_calls import converse, converse_stream, invoke, invoke_stream

HOW = sys.argv[1]
# What Python says of a fork beside threads is the application's business.
warnings.simplefilter("ignore", DeprecationWarning)


class Server:
    url = sys.argv[2]


def calls(client=None):
    client = client or make_client(Server)
    for operation in (invoke, invoke_stream, converse, converse_stream):
        operation(client)


def processes(method, count):
    made = [multiprocessing.get_context(method).Process(target=calls) for _ in range(count)]
    for each in made:
        each.start()
    for each in made:
        each.join()


def pool():
    with multiprocessing.get_context("fork").Pool(3) as workers:
        workers.map(calls, [None] * 3, chunksize=1)


def prefork():
    """Workers of a server: a client that was made before and is used after the fork."""
    client, workers = make_client(Server), []
    for _ in range(3):
        worker = os.fork()
        if worker == 0:
            calls(client)
            sys.exit()
        workers.append(worker)
    for worker in workers:
        os.waitpid(worker, 0)


WAYS = {
    "fork": lambda: processes("fork", 3),
    "spawn": lambda: processes("spawn", 1),
    "pool": pool,
    "prefork": prefork,
}

if __name__ == "__main__":
    calls()
    WAYS[HOW]()
    calls()
