"""A web service: `POST /ask` answers as a whole, `POST /stream` while it is written. Needs FastAPI.

curl -d '{"question": "Why is the sky blue?"}' -H 'content-type: application/json' http://127.0.0.1:8000/ask
"""

import os
from collections.abc import AsyncIterator

import uvicorn
from anthropic import AsyncAnthropic
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

MODEL = "claude-sonnet-5-5"


class Question(BaseModel):
    """The body of a request."""

    question: str


app = FastAPI()
client = AsyncAnthropic()


@app.post("/ask")
async def ask(asked: Question) -> dict[str, str]:
    """The whole answer."""
    message = await client.messages.create(
        model=MODEL, max_tokens=300, messages=[{"role": "user", "content": asked.question}]
    )
    return {"answer": "".join(block.text for block in message.content if block.type == "text")}


@app.post("/stream")
async def stream(asked: Question) -> StreamingResponse:
    """The answer as it comes."""

    async def pieces() -> AsyncIterator[str]:
        async with client.messages.stream(
            model=MODEL, max_tokens=300, messages=[{"role": "user", "content": asked.question}]
        ) as opened:
            async for text in opened.text_stream:
                yield text

    return StreamingResponse(pieces(), media_type="text/plain")


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8000")))
