"""gunicorn's configuration for workers that Prometheus scrapes: each one listens on a port of its own.

export OTEL_METRICS_EXPORTER=prometheus OTEL_EXPORTER_PROMETHEUS_HOST=0.0.0.0 PROMETHEUS_PORTS=9465,9466,9467
opentelemetry-instrument gunicorn --chdir examples/running -c gunicorn_prometheus.py wsgi_app:application

Prometheus scrapes the three ports. OpenTelemetry itself listens on 9464, for the master, which makes no calls.
"""

import os
from contextlib import suppress

from prometheus_client import start_http_server

ports = [int(port) for port in os.environ["PROMETHEUS_PORTS"].split(",")]
workers = len(ports)


def post_fork(_server, _worker):
    for port in ports:
        with suppress(OSError):  # another worker listens there
            start_http_server(port, addr=os.environ.get("OTEL_EXPORTER_PROMETHEUS_HOST", "localhost"))
            return
