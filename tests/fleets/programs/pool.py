"""`multiprocessing.Pool`, forked: closed and joined. Then one that is left by its `with` block, which terminates it."""

import multiprocessing

from asking import ask

context = multiprocessing.get_context("fork")
pool = context.Pool(2)
pool.starmap(ask, [(2, 1), (1, 2)])
pool.close()
pool.join()
with context.Pool(2) as terminated:
    terminated.starmap(ask, [(2, 3), (1, 4)])
