"""A program that terminates many workers just when they begin to wait for work. Makes no call."""

import multiprocessing

if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    for _ in range(12):
        with context.Pool(4) as pool:
            pool.map(abs, range(4), 1)
