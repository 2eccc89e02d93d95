"""A program whose worker says what threads it has while it works. Makes no call."""

import multiprocessing
import sys
import threading


def names(_):
    return [thread.name for thread in threading.enumerate()]


if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        sys.stdout.write(" ".join(pool.map(names, [1])[0]))
