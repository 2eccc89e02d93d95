"""Real answers of the API, as golden calls without a file: every client and tracing leaves the same, and it costs that.

They lie beside the checkout and are not ours to copy: without them these tests are skipped.
"""

import json
from pathlib import Path

import pytest
from support.golden_acts import face_of, run
from support.golden_case import exactly
from support.golden_dump import dump_metrics
from support.golden_oracle import dollars
from support.library import NEWEST, VERSION
from test_golden_files import total

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "recorded"
FILES = sorted(FOLDER.glob("*.json"))

if not FILES or VERSION < NEWEST:
    pytest.skip(f"recorded exchanges in {FOLDER} are needed, and anthropic {NEWEST}", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore:The model .* is deprecated:DeprecationWarning")


def case_of(exchange):
    """The exchange as a golden file would have it."""
    asked, answer = exchange["request"]["body"], exchange["response"]
    known = {name: value for name, value in asked.items() if name in ("model", "max_tokens", "messages", "system")}
    others = {name: value for name, value in asked.items() if name not in known and name != "stream"}
    headers = {n: "2100-01-01T00:00:00Z" if n.endswith("-reset") else value for n, value in answer["headers"].items()}
    reply = {"status": answer["status"], "headers": headers}
    if asked.get("stream") and answer["status"] == 200:
        lines = [line for line in answer["body"].splitlines() if line.startswith("data: ")]
        reply["events"] = [json.loads(line.removeprefix("data: ")) for line in lines]
    else:
        reply["body"] = json.loads(answer["body"])
    return {
        "action": "stream" if asked.get("stream") else "create",
        "client": {"max_retries": 0},
        "request": {**known, "extra_body": others},
        "replies": [reply],
        **({} if answer["status"] == 200 else {"raises": "APIStatusError"}),
    }


FIRST: dict[str, str] = {}
"""What the first client and tracing left behind, by exchange."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_recorded(path, kind, tracing, telemetry, quiet):
    case = case_of(json.loads(path.read_text()))
    face = face_of(case, kind, tracing)
    await run(case, face)
    data = telemetry.reader.get_metrics_data()
    metrics = dump_metrics(data, telemetry.spans)
    assert exactly(metrics) == FIRST.setdefault(path.stem, exactly(metrics))
    assert len(telemetry.spans) == 1
    case["telemetry"] = {"requests": len(face.server.requests), "metrics": metrics}
    assert (total(case, "claude.client.cost.usd") or 0) == dollars(case)
    assert total(case, "claude.client.calls") == 1
