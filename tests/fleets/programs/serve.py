"""uvicorn with three workers, started in code. They import this module first. `serve.py PORT`

What is loaded in the application's own module is too late for the last export of OpenTelemetry 0.51b0: uvicorn has set
its handler of SIGTERM by then, and ends by the default one when it has shut down.
"""

import spawned  # noqa: F401, I001 - it comes first

import sys

import uvicorn

if __name__ == "__main__":
    uvicorn.run("served_asgi:app", port=int(sys.argv[1]), workers=3, log_level="warning")
