"""Google Cloud's metric API, as far as an exporter of counters uses it: what it was sent, by gRPC."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, empty_pb2, message_factory

# google.monitoring.v3, of which no package is installed: the fields that are read, by their numbers there.
MESSAGES = {
    "Request": {"series": (2, "Series", True)},
    "Series": {"metric": (1, "Metric", False), "resource": (2, "Resource", False), "kind": (3, int, False),
               "points": (5, "Point", True)},
    "Metric": {"labels": (2, "Label", True), "type": (3, str, False)},
    "Resource": {"type": (1, str, False), "labels": (2, "Label", True)},
    "Label": {"key": (1, str, False), "value": (2, str, False)},
    "Point": {"interval": (1, "Interval", False), "value": (2, "Value", False)},
    "Interval": {"start": (1, "Time", False), "end": (2, "Time", False)},
    "Time": {"seconds": (1, int, False), "nanos": (2, int, False)},
    "Value": {"int64": (2, int, False), "double": (3, float, False)},
}  # fmt: skip
CUMULATIVE = 3
SCALARS = {str: 9, int: 3, float: 1}


def request_class():
    file = descriptor_pb2.FileDescriptorProto(name="monitoring.proto", package="m", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, repeated) in fields.items():
            added = message.field.add(name=field, number=number, label=3 if repeated else 1)
            if isinstance(kind, str):
                added.type, added.type_name = 11, f".m.{kind}"
            else:
                added.type = SCALARS[kind]
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("m.Request"))


@contextmanager
def monitoring():
    """Its address, and the time series of all requests so far."""
    received, parse = [], request_class().FromString

    def create(request, _context):
        received.extend(request.series)
        return empty_pb2.Empty()

    handler = grpc.unary_unary_rpc_method_handler(
        create, request_deserializer=parse, response_serializer=empty_pb2.Empty.SerializeToString
    )
    server = grpc.server(ThreadPoolExecutor(1))
    service = "google.monitoring.v3.MetricService"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"CreateTimeSeries": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}", received
    finally:
        server.stop(None).wait()
