"""`ProcessPoolExecutor`: `executor.py fork|spawn`"""

import spawned  # noqa: F401, I001 - it comes first

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

from asking import ask

if __name__ == "__main__":
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(sys.argv[1])) as executor:
        list(executor.map(ask, (2, 2, 2), (1, 2, 3)))
    ask(1)
