"""A program that terminates many workers before they have begun, or just when they wait for work. Makes no call."""

import multiprocessing
import os

if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # on one processor, most have not begun
    context = multiprocessing.get_context("fork")
    for _ in range(25):
        with context.Pool(8) as pool:
            pool.map(abs, range(2), 1)
