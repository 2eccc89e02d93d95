"""What an Airflow worker does for two tasks after each other: its supervisor forks a process, which runs a DAG's task.

The API server, which says what to run and is told how it ended, is Airflow's own of dry runs. Of Airflow 3.3 its answer
about the run lacks what the client wants: that is added.
"""

import json
import os
import sys
import uuid
from pathlib import Path

os.environ["AIRFLOW_HOME"] = os.environ["FLEET_FOLDER"]
os.environ["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = json.dumps(
    [{
        "name": "examples",
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": os.environ["EXAMPLES"]},
    }]
)  # fmt: skip

import httpx
from airflow.sdk.api import client as api
from airflow.sdk.api.datamodels._generated import BundleInfo, TaskInstance
from airflow.sdk.execution_time.supervisor import supervise_task

MISSING = dict.fromkeys(("data_interval_start", "data_interval_end", "end_date", "partition_key"))


def respond(request):
    response = api.noop_handler(request)
    if not request.url.path.endswith("/run"):
        return response
    answer = response.json()
    answer["dag_run"] |= {"state": "running", **MISSING}
    return httpx.Response(200, json=answer)


def run():
    task = TaskInstance(
        id=uuid.uuid4(), dag_version_id=uuid.uuid4(), task_id="summarize", dag_id="claude", run_id="test_run",
        try_number=1,
    )  # fmt: skip
    return supervise_task(
        ti=task, bundle_info=BundleInfo(name="examples"), dag_rel_path=Path("airflow_dag.py"), token="",
        client=api.Client(base_url=None, dry_run=True, token="", transport=httpx.MockTransport(respond)),
        subprocess_logs_to_stdout=True,
    )  # fmt: skip


sys.exit(run() or run())
