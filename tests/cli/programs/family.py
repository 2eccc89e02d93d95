"""A program that makes two calls, and starts others that make more."""

import gc
import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor

gc.disable()  # it would take a quarter of the import's time

import anthropic  # noqa: E402

# As servers do before they fork: what the SDK is made of is no garbage, and takes each process long to look through.
gc.freeze()
gc.enable()


def ask(_=None):
    anthropic.Anthropic().messages.create(
        model="claude-haiku-4-5", max_tokens=20, messages=[{"role": "user", "content": "Hello"}]
    )


def main(how, method="fork"):
    ask()
    ask()
    context = multiprocessing.get_context(method)
    if how == "pool":
        # Its end terminates the workers.
        with context.Pool(2) as pool:
            pool.map(ask, range(4), 1)
    elif how == "executor":
        with ProcessPoolExecutor(2, context) as executor:
            list(executor.map(ask, range(4)))
    elif how == "process":
        process = context.Process(target=ask)
        process.start()
        process.join()
        sys.exit(process.exitcode)
    elif how == "fork":
        pid = os.fork()
        if not pid:
            ask()
            sys.exit(5)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    elif how == "subprocess":
        sys.exit(subprocess.run([sys.executable, __file__, "alone"], check=False).returncode)
    elif how == "outlives":
        if not os.fork():
            ask()
            while os.getppid() == int(os.environ["ROOT"]):
                time.sleep(0.01)
            ask()
        return


if __name__ == "__main__":
    os.environ.setdefault("ROOT", str(os.getpid()))
    main(*sys.argv[1:])
