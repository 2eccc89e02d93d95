"""An ASGI application for uvicorn: one call for each request. It answers with its process's id and Claude's text.

opentelemetry-instrument uvicorn --app-dir examples/running --workers 3 asgi_app:app
"""

import os
from functools import cache

import anthropic

# Each worker makes its own client at its first request.
client = cache(anthropic.AsyncAnthropic)


async def app(scope, _receive, send):
    if scope["type"] != "http":
        return
    message = await client().messages.create(
        model="claude-sonnet-5-5", max_tokens=300, messages=[{"role": "user", "content": "Say hello."}]
    )
    text = "".join(block.text for block in message.content if block.type == "text")
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": f"{os.getpid()}: {text}\n".encode()})
