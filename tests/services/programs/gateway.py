"""A gateway: it knows whose request it is, says so once as W3C baggage, and passes on. Claude is unknown to it."""

import os

import fastapi
import httpx
import uvicorn
from opentelemetry import baggage, context

app = fastapi.FastAPI()
behind = httpx.AsyncClient(timeout=30)


@app.middleware("http")
async def carry(request, call_next):
    carried = baggage.set_baggage("tenant", request.headers["x-tenant"])
    carried = baggage.set_baggage("feature", request.url.path.rsplit("/", 1)[-1], carried)
    carried = baggage.set_baggage("session", "not-for-telemetry", carried)
    token = context.attach(carried)
    try:
        return await call_next(request)
    finally:
        context.detach(token)


@app.post("/{port}/{path}")
async def pass_on(port: int, path: str, request: fastapi.Request):
    answer = await behind.post(f"http://127.0.0.1:{port}/{path}", json=await request.json())
    return fastapi.Response(answer.content, answer.status_code)


uvicorn.run(app, port=int(os.environ["PORT"]), log_level="warning")
