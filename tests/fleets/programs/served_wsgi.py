"""The example's application, and a call when it is loaded: with `--preload` the parent of all workers makes it."""

from asking import ask
from wsgi_app import application

ask(1)

__all__ = ["application"]
