"""The headers of a response, by what httpx keeps them in where that is as expected, else by what is public."""

import httpx
import httpx2
import pytest

from otel_claude.http import headers as module
from otel_claude.http.headers import LISTING, raw_headers

PAIRS = [(b"Request-Id", b"req_1"), (b"anthropic-ratelimit-tokens-limit", b"5"), (b"Request-Id", b"req_2")]


@pytest.fixture(autouse=True)
def nothing_is_known(monkeypatch):
    monkeypatch.setattr(module, "_not_listing", set())
    known = LISTING.copy()
    LISTING.clear()
    yield
    LISTING.clear()
    LISTING.update(known)


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_headers_of_httpx_are_taken_as_they_are_kept(library):
    headers = library.Headers(PAIRS)
    for _ in range(2):
        assert [(header[0], header[-1]) for header in raw_headers(headers)] == PAIRS
        assert {library.Headers} == LISTING
    assert raw_headers(headers) is headers._list


def test_empty_headers_say_nothing_of_their_class():
    assert list(raw_headers(httpx2.Headers())) == []
    assert set() == LISTING == module._not_listing


class Another:
    """Headers of another version, or a stand-in of a test."""

    def __init__(self, listed):
        self.raw = PAIRS
        if listed is not None:
            self._list = listed


OTHERS = [None, 5, [], [(b"a", b"b")], [5, 6, 7], [(name, name, value) for name, value in PAIRS[:2]], [PAIRS, PAIRS]]


@pytest.mark.parametrize("listed", OTHERS)
def test_of_others_what_is_public_is_taken(listed):
    for _ in range(2):
        assert raw_headers(Another(listed)) is PAIRS
    assert (LISTING, module._not_listing) == (set(), {Another})


def test_classes_are_remembered_in_part():
    for number in range(100):
        assert raw_headers(type(f"Another{number}", (Another,), {})(None)) is PAIRS
    assert len(module._not_listing) == module._MAX_CLASSES == 20
