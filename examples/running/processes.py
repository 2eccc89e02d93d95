"""Calls in child processes of the standard library, with each start method, and in the parent.

opentelemetry-instrument python examples/running/processes.py fork         # or spawn, forkserver
"""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

import anthropic


def summarize(text):
    anthropic.Anthropic().messages.create(
        model="claude-sonnet-5-5", max_tokens=300, messages=[{"role": "user", "content": f"Sum up: {text}"}]
    )


if __name__ == "__main__":
    context = multiprocessing.get_context(*sys.argv[1:])
    process = context.Process(target=summarize, args=("a report, in a process",))
    process.start()
    process.join()
    with context.Pool(2) as pool:
        pool.map(summarize, ["a report, in a pool", "another one"])
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        list(executor.map(summarize, ["a report, in an executor", "another one"]))
    summarize("all of them")
