"""The ASGI application, which is measured by its own doing: uvicorn has set its handlers when it loads this."""

import spawned  # noqa: F401, I001 - it comes first

from asgi_app import app

__all__ = ["app"]
