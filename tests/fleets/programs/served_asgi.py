"""An ASGI application that makes a call for each request. It answers with its process's id."""

import os

import anthropic
from asking import MODEL
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def answer(_request):
    async with anthropic.AsyncAnthropic() as client:
        question = [{"role": "user", "content": "How many are we?"}]
        await client.messages.create(model=MODEL, max_tokens=500, messages=question)
    return PlainTextResponse(str(os.getpid()))


app = Starlette(routes=[Route("/", answer)])
