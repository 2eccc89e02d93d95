"""A WSGI application for gunicorn: one call for each request. It answers with its process's id and Claude's text.

opentelemetry-instrument gunicorn --chdir examples/running --workers 3 wsgi_app:application
opentelemetry-instrument gunicorn --chdir examples/running --workers 3 --threads 4 wsgi_app:application
opentelemetry-instrument gunicorn --chdir examples/running --workers 3 --worker-class gevent wsgi_app:application
opentelemetry-instrument gunicorn --chdir examples/running --workers 3 --preload wsgi_app:application
"""

import os
from functools import cache

import anthropic

# Each worker makes its own client at its first request: connections must not be shared across a fork.
client = cache(anthropic.Anthropic)


def application(_environ, start_response):
    message = client().messages.create(
        model="claude-sonnet-5-5", max_tokens=300, messages=[{"role": "user", "content": "Say hello."}]
    )
    text = "".join(block.text for block in message.content if block.type == "text")
    start_response("200 OK", [("content-type", "text/plain; charset=utf-8")])
    return [f"{os.getpid()}: {text}\n".encode()]
