"""The rules of advice: what they take for granted of prices and names, and what other models would cost."""

import re
from datetime import datetime, timezone
from decimal import Decimal

import promql_parser
import pytest

from otel_claude.pricing import shipped
from otel_claude.promql.names import STYLES, NameTranslator
from otel_claude.promql.queries import RAW, Queries
from otel_claude.spending import advice
from otel_claude.spending.options import Costs, Place, options, retirements

TABLE = shipped()
DAY = 86_400
TODAY = datetime.fromisoformat(TABLE.date).replace(tzinfo=timezone.utc)
NUMBER = int(TODAY.timestamp()) // DAY
CURRENT = [each for each in TABLE.models.values() if each.status != "retired" and not each.unpriced]


def in_force(periods):
    return [period for period in periods if period.covers(NUMBER)][:1]


@pytest.mark.parametrize("model", CURRENT, ids=lambda model: model.id)
def test_what_multiplies_prices_is_what_the_table_says(model):
    for period in in_force(model.standard):
        for prices in (period.prices, *(tier for _, tier in period.tiers)):
            assert prices.cache_write_5m == pytest.approx(advice._WRITE_5M * prices.input)
            assert prices.cache_write_1h == pytest.approx(advice._WRITE_1H * prices.input)
            assert prices.cache_read / prices.input == pytest.approx(period.prices.cache_read / period.prices.input)
        for fast in in_force(model.fast):
            assert fast.prices.input == advice._FAST * period.prices.input
            assert fast.prices.output == advice._FAST * period.prices.output
    assert model.us is None or float(model.us) == advice._US
    assert model.batch is None or float(model.batch) == advice._BATCH


def share_of(name):
    """What a cache read costs of the price of input, by the matchers of the rules: one alone may match."""
    *others, (usual, not_these) = advice._read_prices()
    found = [share for share, names in others if re.fullmatch(names, name)]
    return found + ([] if re.fullmatch(not_these, name) else [usual])


WRITTEN = ("{}", "anthropic/{}", "us.anthropic.{}-v1:0", "{}-20260928", "{}@20260928", "vertex_ai/{}", "{}:fast")


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("model", CURRENT, ids=lambda model: model.id)
def test_each_writing_of_a_model_has_its_own_price_of_cache_reads(model, written):
    (period,) = in_force(model.standard)
    assert share_of(written.format(model.id)) == [period.prices.cache_read / period.prices.input]


def test_a_model_is_not_taken_for_one_that_its_name_begins_with():
    assert share_of("claude-sonnet-5") == [0.1]
    assert share_of("claude-sonnet-5-5") == [0.05]
    assert share_of("claude-opus-5") == [0.1]
    assert share_of("claude-opus-5-5") == [0.05]


@pytest.mark.parametrize("slots", ["", "5m", "1h", RAW])
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("rule", advice.RULES, ids=lambda rule: rule.id)
def test_each_query_can_be_read(rule, style, slots):
    queries = Queries(NameTranslator(style), slots=slots)
    for expression in (rule.usd, *rule.evidence.values(), rule.named):
        promql_parser.parse(expression(queries, "604800s"))


@pytest.mark.parametrize("rule", advice.RULES, ids=lambda rule: rule.id)
def test_what_reads_single_slots_says_so(rule):
    """They are in no raw series."""
    written = rule.usd(Queries(NameTranslator(), slots=RAW), "3600s")
    assert (":increase" in written) == rule.slots


def costs(**usd):
    kinds = {kind: Decimal(amount) for kind, amount in usd.items()}
    return Costs(kinds, sum(kinds.values()), dict(kinds))


def choices(model, spent):
    return {each.id: each for each in options({Place("shop", model): spent}, TABLE, TODAY)}


def test_the_next_cheaper_model_is_the_dearest_of_the_cheaper_ones():
    # Opus 5.5: 4 and 20 USD per million; Sonnet 5.5: 2 and 10, cache reads 0.10 and not 0.20.
    found = choices("claude-opus-5-5", costs(input="40", output="20", cache_read="2"))["cheaper_model"]
    assert (found.model, found.usd, found.usd_then, found.saved) == ("claude-sonnet-5-5", 62, 31, 31)


def test_the_cheapest_model_has_none_below():
    assert choices("claude-haiku-5-5", costs(input="1")).keys() == {"batch"}


def test_a_model_that_costs_more_for_longer_prompts_says_so():
    found = choices("claude-sonnet-5-5", costs(input="20"))["cheaper_model"]
    assert (found.model, found.usd_then, found.longer) == ("claude-haiku-5-5", 1, 100_000)


def test_batches_cost_half_of_what_calls_cost():
    spent = costs(input="10", output="10")
    spent.calls = Decimal(8)
    assert choices("claude-sonnet-5-5", spent)["batch"].saved == 4


def test_nobody_is_sent_to_a_model_of_limited_availability():
    for model in CURRENT:
        found = choices(model.id, costs(input="10"))
        assert "mythos" not in getattr(found.get("cheaper_model"), "model", "")


def retiring(model, spent, at):
    return [each[:6] for each in retirements({Place("shop", model): spent}, TABLE, at)]


def test_a_model_that_retires_is_named_with_its_successor():
    model = "claude-sonnet-4-5-20250929"
    retires = TABLE.models[model].retires
    near, far = (datetime.fromtimestamp((retires - days) * DAY, timezone.utc) for days in (90, 91))
    spent = costs(input="30", output="15")
    # 3 and 15 USD per million become 2 and 10.
    wanted = ("model_retires", Place("shop", model), Decimal(45), Decimal(30), "claude-sonnet-5-5", retires)
    assert retiring(model, spent, max(near, TODAY)) == [wanted]
    assert retiring(model, spent, far) == []
    elsewhere = costs(input="30")
    elsewhere.own_platform = {}
    assert retiring(model, elsewhere, max(near, TODAY)) == []
    # What a cloud serves beside it has other dates, and is no part of it.
    beside = costs(input="90", output="15")
    beside.own_platform = {"input": Decimal(30), "output": Decimal(15)}
    assert retiring(model, beside, max(near, TODAY)) == [wanted]
