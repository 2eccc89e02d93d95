"""Real exchanges with Bedrock, served once more to a real boto3 client: the tokens are those that the answers say."""

import base64
import json
from pathlib import Path
from urllib.parse import unquote

import pytest

from bedrock_server import Answer

RECORDED = Path(__file__).parents[3] / "shared" / "recorded" / "bedrock"
FILES = sorted(RECORDED.glob("*.json"))
pytestmark = pytest.mark.skipif(not FILES, reason="the recorded exchanges are not here")


def exchange(file):
    said = json.loads(file.read_text())
    answer = said["response"]
    body = base64.b64decode(answer["body_b64"]) if "body_b64" in answer else answer["body"].encode()
    _, _, model, _ = said["request"]["path"].split("/")
    return unquote(model), json.dumps(said["request"]["body"]), Answer(answer["status"], body, answer["headers"])


def last_counts(parts):
    """Input, output and the stop reason, as the Messages API's events say them one after the other."""
    found = {}
    stop = None
    for part in parts:
        message = part.get("message", part)
        found.update({name: count for name, count in (message.get("usage") or {}).items() if count is not None})
        stop = message.get("stop_reason") or part.get("delta", {}).get("stop_reason") or stop
    return found["input_tokens"], found["output_tokens"], stop


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_recorded_exchange(measured, server, client, file):
    model, body, answer = exchange(file)
    server.answers = [answer]
    if "stream" in file.stem:
        said = client.invoke_model_with_response_stream(modelId=model, body=body)["body"]
        parts = [json.loads(each["chunk"]["bytes"]) for each in said]
    else:
        parts = [json.loads(client.invoke_model(modelId=model, body=body)["body"].read())]
    uncached, output, stop = last_counts(parts)
    assert measured.tokens()[:2] == (uncached, output)
    assert measured.calls() == {(None, stop): 1}
    assert measured.attempts() == {("success", None): 1}
    assert uncached > 0
    assert output > 0
    measured.warnings()  # of models that retired long ago, such as anthropic.claude-v2


@pytest.mark.parametrize("file", [file for file in FILES if "stream" in file.stem], ids=lambda file: file.stem)
def test_a_recorded_stream_that_is_closed_before_it_is_read(measured, server, client, file):
    model, body, answer = exchange(file)
    server.answers = [answer]
    client.invoke_model_with_response_stream(modelId=model, body=body)["body"].close()
    assert sum(measured.calls().values()) == 1
    assert measured.tokens() == (0, 0, 0, 0, 0)
    assert measured.unpriced() == {"incomplete_stream": 1}
