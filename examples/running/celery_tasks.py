"""A Celery task of one call. The broker is a folder: put yours in its place.

cd examples/running
opentelemetry-instrument celery --app celery_tasks worker --concurrency 2 --max-tasks-per-child 1
python celery_tasks.py          # sends five tasks
"""

import os

import anthropic
from celery import Celery

folder = os.environ.get("CELERY_FOLDER", "/tmp/celery-claude")  # noqa: S108 - an example's
os.makedirs(f"{folder}/control", exist_ok=True)  # noqa: PTH103

app = Celery("claude", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": folder,
    "data_folder_out": folder,
    "control_folder": f"{folder}/control",
}
app.conf.task_ignore_result = True


@app.task(name="summarize")
def summarize(text):
    anthropic.Anthropic().messages.create(
        model="claude-sonnet-5-5", max_tokens=300, messages=[{"role": "user", "content": f"Sum up: {text}"}]
    )


if __name__ == "__main__":
    for number in range(5):
        summarize.delay(f"report {number}")
