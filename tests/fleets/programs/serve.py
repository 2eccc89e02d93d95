"""Three workers of uvicorn, started in code. They import this module first. `serve.py PORT`"""

import spawned  # noqa: F401, I001 - it comes first

import sys

import uvicorn

if __name__ == "__main__":
    uvicorn.run("asgi_app:app", port=int(sys.argv[1]), workers=3, log_level="warning")
