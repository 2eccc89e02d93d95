"""A local server that answers as `bedrock-runtime` does, with what a test gives it."""

import base64
import json
import struct
import sys
import threading
import zlib
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import NamedTuple


class Answer(NamedTuple):
    """One answer. A `body` of pieces is sent piece by piece; `cut`: the connection is lost before the end."""

    status: int = 200
    body: bytes | list[bytes] = b""
    headers: Mapping[str, str] = MappingProxyType({})
    cut: bool = False


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """One message of an AWS event stream (the form of its specification, CRCs included)."""
    names = b"".join(
        struct.pack("!B", len(name)) + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", 16 + len(names) + len(payload), len(names))
    prelude += struct.pack("!I", zlib.crc32(prelude))
    message = prelude + names + payload
    return message + struct.pack("!I", zlib.crc32(message))


def event(kind: str, said: object) -> bytes:
    """One event of `ConverseStream`."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, json.dumps(said).encode())


def chunk(said: object) -> bytes:
    """One event of `InvokeModelWithResponseStream`, which holds one of the Messages API."""
    inner = base64.b64encode(json.dumps(said, separators=(",", ":")).encode()).decode()
    return event("chunk", {"bytes": inner, "p": "abc"})


def failure(kind: str, message: str) -> bytes:
    """An exception within a stream."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, json.dumps({"message": message}).encode())


def message(body: object, **headers: str) -> Answer:
    """A whole answer in JSON."""
    said = {"content-type": "application/json", "x-amzn-requestid": "req-1", **headers}
    return Answer(200, json.dumps(body).encode(), said)


def stream(*events: bytes, cut: bool = False) -> Answer:
    """A stream of events."""
    headers = {"content-type": "application/vnd.amazon.eventstream", "x-amzn-requestid": "req-1"}
    return Answer(200, list(events), headers, cut)


def error(status: int, code: str, text: str = "no") -> Answer:
    """An error, as AWS says it."""
    headers = {"content-type": "application/json", "x-amzn-errortype": code, "x-amzn-requestid": "req-1"}
    return Answer(status, json.dumps({"message": text}).encode(), headers)


class _Quiet(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The same in all answers: tests compare answers with each other."""
        return super().date_time_string(0 if timestamp is None else timestamp)


class BedrockServer:
    """Gives its answers one after the other, the last one again and again, and keeps the requests' paths.

    Where `answer_to` is set, it gives the answer to a path and its headers.
    """

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.answer_to: Callable[[str, Mapping[str, str]], Answer] | None = None
        self.paths: list[str] = []
        lock = threading.Lock()
        outer = self

        class Handler(_Quiet):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                with lock:
                    outer.paths.append(self.path)
                    if outer.answer_to is not None:
                        answer = outer.answer_to(self.path, self.headers)
                    else:
                        answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if isinstance(answer.body, bytes):
                    self.send_header("content-length", str(len(answer.body) + 9 * answer.cut))
                    self.end_headers()
                    self.wfile.write(answer.body)
                    self.close_connection = answer.cut
                    return
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for piece in answer.body:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                if answer.cut:
                    self.wfile.flush()
                    self.close_connection = True
                    return
                self.wfile.write(b"0\r\n\r\n")

        class Server(ThreadingHTTPServer):
            request_queue_size = 64

            def handle_error(self, *_: object) -> None:
                # A client that leaves before the end is what some tests are about.
                if not isinstance(sys.exc_info()[1], ConnectionError):
                    super().handle_error(*_)

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
