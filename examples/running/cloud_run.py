"""A service on Cloud Run, whose CPU is taken away after each response: it exports before it answers.

opentelemetry-instrument gunicorn --chdir examples/running --bind :8080 --threads 8 cloud_run:application
"""

from opentelemetry import metrics, trace
from wsgi_app import application as answer


def application(environ, start_response):
    try:
        return answer(environ, start_response)
    finally:
        for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
            provider.force_flush(3000)
