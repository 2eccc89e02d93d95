"""RQ jobs of one call each. The worker forks a work-horse for each job.

cd examples/running
opentelemetry-instrument rq worker --url redis://localhost:6379
python rq_jobs.py          # sends five jobs
"""

import os

import anthropic


def summarize(text):
    anthropic.Anthropic().messages.create(
        model="claude-sonnet-5-5", max_tokens=300, messages=[{"role": "user", "content": f"Sum up: {text}"}]
    )


if __name__ == "__main__":
    from redis import Redis
    from rq import Queue

    queue = Queue(connection=Redis.from_url(os.environ.get("REDIS_URL", "redis://localhost:6379")))
    for number in range(5):
        queue.enqueue("rq_jobs.summarize", f"report {number}")
