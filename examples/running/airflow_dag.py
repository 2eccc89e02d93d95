"""A DAG of one task, for Airflow 3. Its worker forks a process for each task, which is measured as any other.

opentelemetry-instrument airflow celery worker      # or: opentelemetry-instrument airflow scheduler, for LocalExecutor
"""

import anthropic
from airflow.sdk import dag, task


@dag(schedule=None)
def claude():
    @task
    def summarize():
        anthropic.Anthropic().messages.create(
            model="claude-sonnet-5-5", max_tokens=300, messages=[{"role": "user", "content": "Sum up the night."}]
        )

    summarize()


claude()
