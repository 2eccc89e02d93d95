"""A WSGI application that makes a call when it is loaded and one for each request. It answers with its process id."""

import os

from asking import ask

ask(1)


def application(_environ, start_response):
    ask(1, 1)
    start_response("200 OK", [("content-type", "text/plain")])
    return [str(os.getpid()).encode()]
