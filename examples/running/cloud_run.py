"""A service on Cloud Run, whose CPU is taken away after each response: it exports before it answers.

opentelemetry-instrument gunicorn --chdir examples/running --bind :8080 --threads 8 cloud_run:application
"""

from flushing import flushed
from wsgi_app import application as answer

application = flushed(answer)
