"""Values of tags: how many there are of each key, which are allowed, and those that did not fit."""

from __future__ import annotations

import gc
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from unit_calls import CLIENT, OPUS, success

from otel_claude import semconv as c
from otel_claude import tags
from otel_claude.settings import Settings
from otel_claude.tags import current
from otel_claude.telemetry.attributes import AttributeSets
from otel_claude.telemetry.metrics import instruments_of

ALLOWED = (("tenant", "acme"), ("tenant", "globex"))


def shown(sets, value, key="tenant"):
    return sets.of(CLIENT, OPUS, tags=((key, value),)).attributes[f"claude.tag.{key}"]


def test_hostile_values_push_no_real_one_out():
    """Without a list they do, for the life of the process."""
    for sets, expected in ((AttributeSets(200), "_other"), (AttributeSets(200, ALLOWED), "acme")):
        for number in range(1_000):
            shown(sets, f"made up {number}")
        assert shown(sets, "acme") == expected


def test_of_a_key_with_a_list_only_the_list_is_recorded():
    sets = AttributeSets(1, ALLOWED)
    assert [shown(sets, value) for value in ("other", "acme", "globex", "ACME", "acme ", "_other")] == [
        "_other", "acme", "globex", "_other", "_other", "_other",
    ]  # fmt: skip
    # Other keys have the limit, whatever the lists are.
    assert [shown(sets, value, "user") for value in ("a", "b")] == ["a", "_other"]


def test_a_list_may_be_longer_than_the_limit():
    sets = AttributeSets(2, tuple(("tenant", f"t{number}") for number in range(300)))
    assert [shown(sets, f"t{number}") for number in range(300)] == [f"t{number}" for number in range(300)]


def test_another_list_holds_from_now_on_and_what_was_seen_stays():
    sets = AttributeSets(200)
    assert [shown(sets, value) for value in ("acme", "initech")] == ["acme", "initech"]
    sets.limit_tags(200, ALLOWED)
    assert [shown(sets, value) for value in ("acme", "initech", "hooli")] == ["acme", "initech", "_other"]
    sets.limit_tags(200)
    assert shown(sets, "hooli") == "hooli"


def test_the_list_of_the_settings_reaches_the_metrics(bench):
    instruments_of(bench.metering, "1", 200, tag_values=ALLOWED)
    for value in ("acme", "evil", "globex"):
        success(bench.recorder, tags=(("tenant", value),))
    assert bench.values(c.CALLS, "claude.tag.tenant") == {"acme": 1, "_other": 1, "globex": 1}
    assert bench.values(c.TAG_VALUES, c.TAG_KEY) == {"tenant": 2}
    # The span has what the application said.
    assert [span.attributes["claude.tag.tenant"] for span in bench.spans] == ["acme", "evil", "globex"]


def test_how_full_each_key_is(bench):
    bench.instruments.sets.limit_tags(3)
    assert c.TAG_VALUES.name not in bench.points()
    for number in range(5):
        success(bench.recorder, tags=(("feature", "search"), ("tenant", f"t{number % 4}")))
        success(bench.recorder, tags=(("tenant", f"t{number % 4}"),))
    assert bench.values(c.TAG_VALUES, c.TAG_KEY) == {"feature": 1, "tenant": 3}


def test_calls_without_tags_have_no_such_series(bench):
    success(bench.recorder, tags=())
    assert {c.TAG_VALUES.name, c.TAG_CHANGES.name}.isdisjoint(bench.points())


def test_what_is_said_of_tags_says_which_process(bench):
    bench.instruments.instance_id.choose("on")
    success(bench.recorder, tags=(("tenant", "acme"),))
    tags(tenant="")
    for metric in c.TAG_METRICS:
        assert set(bench.values(metric, c.INSTANCE_ID)) == {bench.instruments.instance_id.value}


def test_values_that_did_not_fit(bench):
    for _ in range(3):
        with tags(tenant="", feature="a\nb" * 100, plan=5, user="u"):
            pass
    assert bench.values(c.TAG_CHANGES, c.TAG_KEY, c.TAG_CHANGE) == {
        ("tenant", "empty"): 3,
        ("feature", "too_long"): 3,
        ("feature", "control_characters"): 3,
        ("plan", "not_text"): 3,
    }


def test_values_that_did_not_fit_are_counted_without_a_reader_in_bounded_memory():
    provider = MeterProvider([], shutdown_on_exit=False)
    made = instruments_of(provider, "1", 200)
    for _ in range(1_000):
        tags(tenant="")
    assert len(made.counters.pending) <= 64
    reader = InMemoryMetricReader()
    del provider, made, reader
    gc.collect()
    tags(tenant="")  # nobody is left to count it


def test_many_threads_lose_no_count(bench):
    def run():
        for _ in range(500):
            tags(tenant="")

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bench.value(c.TAG_CHANGES) == 4_000


def test_a_count_that_fails_is_not_the_applications(bench, monkeypatch, warnings):
    monkeypatch.setattr(type(bench.instruments), "count_tag_change", lambda *_: 1 / 0)
    with tags(tenant="", user="u"):
        assert current(()) == (("user", "u"),)
    assert "could not count a value of a tag that did not fit (ZeroDivisionError)" in warnings()[0]


def test_a_gauge_that_fails_is_said_once(bench, monkeypatch, warnings):
    success(bench.recorder, tags=(("tenant", "acme"),))
    monkeypatch.setattr(AttributeSets, "tag_values", lambda _: 1 / 0)
    assert c.TAG_VALUES.name not in bench.points()
    assert bench.value(c.CALLS) == 1
    assert len(warnings()) == 1


@pytest.mark.process
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_child_starts_from_nothing(bench):
    tags(tenant="")
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        counted = bench.value(c.TAG_CHANGES)
        tags(tenant="")
        os.write(theirs, f"{counted} {bench.value(c.TAG_CHANGES)}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(ours, 100) == b"None 1"
    assert bench.value(c.TAG_CHANGES) == 1


@given(st.lists(st.text(max_size=210), max_size=30), st.integers(1, 5))
def test_whatever_baggage_says_real_tenants_stay_themselves(values, limit):
    sets = AttributeSets(limit, ALLOWED)
    for value in values:
        token = context.attach(baggage.set_baggage("tenant", value))
        carried = current(("tenant",))
        context.detach(token)
        assert sets.of(CLIENT, OPUS, tags=carried).attributes.get("claude.tag.tenant", "acme") in {
            "acme", "globex", "_other",
        }  # fmt: skip
    assert shown(sets, "acme") == "acme"


def test_the_default_is_no_list():
    assert Settings().tag_values == ()
