"""Amazon's event-stream framing (`application/vnd.amazon.eventstream`). Knows bytes and checksums.

A frame: total length, headers' length, CRC of these eight bytes, headers, payload, CRC of all before it; big-endian.
"""

from __future__ import annotations

import struct
from base64 import b64encode
from zlib import crc32

from otel_claude_demo.simulator.jsons import Json, compact

_STRING = 7


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """One frame."""
    named = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack("!II", 16 + len(named) + len(payload), len(named))
    prelude += struct.pack("!I", crc32(prelude))
    body = prelude + named + payload
    return body + struct.pack("!I", crc32(body))


def chunk(data: Json) -> bytes:
    """An event of the Messages API, as Bedrock wraps it."""
    payload = compact({"bytes": b64encode(compact(data).encode()).decode(), "p": "abcdefghijk"}).encode()
    return frame({":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}, payload)


def exception(kind: str, message: str) -> bytes:
    """An error in mid-stream."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, compact({"message": message}).encode())


def _header(name: str, value: str) -> bytes:
    written = value.encode()
    return struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", _STRING, len(written)) + written
