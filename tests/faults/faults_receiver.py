"""A collector that can be slow, broken or away: OTLP over HTTP, on a port of this machine."""

import gzip
import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_ID = "service.instance.id"
_DELTA = 1


class Receiver:
    """Keeps the latest value of each metric of each instance, and every span's name. `status` is what it answers.

    `added` has what came under delta temporality, of all instances together; `exports` how often each metric came.
    """

    def __init__(self):
        self.status = 200
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.asked = threading.Event()
        self.spans = []
        self.added = Counter()
        self.exports = Counter()
        self.requests = 0
        self._latest = {}
        self._server = None
        self._port = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_error):
        self.may_answer.set()
        self.stop()

    def start(self):
        """Listens, where it listened before."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                receiver._take(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # such as a TLS handshake with a server that has none
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self):
        """Goes away: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def total(self, metric):
        """The sum of a metric, or the number of a histogram's values, over all instances and attributes."""
        return sum(sum(metrics.get(metric, {}).values()) for metrics in self._latest.values())

    def by_instance(self, metric):
        """The same of each instance that has any."""
        each = {instance: sum(metrics.get(metric, {}).values()) for instance, metrics in self._latest.items()}
        return {instance: total for instance, total in each.items() if total}

    def _take(self, handler):
        body = handler.rfile.read(int(handler.headers["content-length"]))
        self.asked.set()
        self.may_answer.wait(60)
        if self.status == 200:
            if handler.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            (self._metrics if handler.path == "/v1/metrics" else self._traces)(body)
        self.requests += 1
        handler.send_response(self.status)
        handler.send_header("content-length", "0")
        handler.end_headers()

    def _metrics(self, body):
        told = ExportMetricsServiceRequest.FromString(body)
        for resource in told.resource_metrics:
            instance = {pair.key: pair.value.string_value for pair in resource.resource.attributes}.get(_ID, "")
            latest = self._latest.setdefault(instance, {})
            for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                points = getattr(metric, metric.WhichOneof("data")).data_points
                latest[metric.name] = {_key(point): _value(point) for point in points}
                data = getattr(metric, metric.WhichOneof("data"))
                self.exports[metric.name] += 1
                if getattr(data, "aggregation_temporality", None) == _DELTA:
                    self.added[metric.name] += sum(map(_value, points))

    def _traces(self, body):
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.spans += [span.name for scope in resource.scope_spans for span in scope.spans]


def _key(point):
    return json.dumps(sorted((pair.key, str(pair.value)) for pair in point.attributes))


def _value(point):
    return point.count if hasattr(point, "bucket_counts") else getattr(point, point.WhichOneof("value"))
