"""A Celery application whose broker is a folder."""

import os

from asking import ask
from celery import Celery

FOLDER = os.environ["FLEET_FOLDER"]

app = Celery("fleet", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": FOLDER,
    "data_folder_out": FOLDER,
    "control_folder": f"{FOLDER}/control",
}
app.conf.task_ignore_result = True


@app.task
def summarize(times, who):
    ask(times, who)
