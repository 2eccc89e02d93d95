"""What `--where` keeps where a dimension has several labels: the name that a row shows, and the one of the metrics."""

from __future__ import annotations

import pytest

from otel_claude import semconv as c
from otel_claude.cli.history import OpenedStore
from otel_claude.pricing import shipped
from otel_claude.prometheus import Prometheus
from otel_claude.promql.names import NameTranslator
from otel_claude.promql.queries import Queries
from otel_claude.semconv import claude_code as cc
from otel_claude.spending.usage import CODE_DIMENSIONS, DIMENSIONS, filter_of

HAIKU, ALIAS, BEDROCK = "claude-haiku-4-5-20251001", "claude-haiku-4-5", "anthropic.claude-haiku-4-5-20251001-v1:0"
ID = "c3" * 32
KEPT = [
    # The dimension, what is wanted, the labels of a series, and whether it is kept.
    ("model", HAIKU, {c.RESPONSE_MODEL: HAIKU}, True),
    ("model", HAIKU, {c.RESPONSE_MODEL: ALIAS}, True),
    ("model", HAIKU, {c.RESPONSE_MODEL: BEDROCK}, True),
    ("model", BEDROCK, {c.RESPONSE_MODEL: BEDROCK}, True),
    ("model", BEDROCK, {c.RESPONSE_MODEL: HAIKU}, False),
    ("model", ALIAS, {c.RESPONSE_MODEL: HAIKU, c.REQUEST_MODEL: ALIAS}, False),
    ("model", "my-own", {c.RESPONSE_MODEL: "my-own"}, True),
    # A call without an answer stands in the row of what was asked for.
    ("model", HAIKU, {c.REQUEST_MODEL: ALIAS}, True),
    ("model", HAIKU, {}, False),
    ("model", "", {}, True),
    ("user", ID[:12], {cc.USER_ID: ID}, True),
    ("user", ID, {cc.USER_ID: ID}, True),
    ("user", ID[:11], {cc.USER_ID: ID}, False),
    ("user", "ann@example.com", {cc.USER_ID: ID, cc.USER_EMAIL: "ann@example.com"}, True),
    ("user", ID, {cc.USER_ID: ID, cc.USER_EMAIL: "ann@example.com"}, False),
]


@pytest.mark.parametrize(("dimension", "wanted", "labels", "kept"), KEPT)
def test_what_is_kept(dimension, wanted, labels, kept):
    names = (DIMENSIONS | CODE_DIMENSIONS if dimension == "user" else DIMENSIONS)[dimension]
    assert filter_of(names, wanted, shipped().known).keeps(labels) is kept


@pytest.mark.parametrize(
    ("labels", "kept"),
    [({"gen_ai_response_model": ALIAS}, True), ({"gen_ai_response_model": "claude-opus-5-5"}, False), ({}, False)],
)
def test_series_that_are_asked_for_otherwise_are_kept_by_the_same(labels, kept):
    filters = (filter_of(DIMENSIONS["model"], HAIKU, shipped().known),)
    opened = OpenedStore(Prometheus("http://prometheus:9090"), Queries(NameTranslator()), filters)
    assert opened.keeps(labels | {"job": "shop"}) is kept
