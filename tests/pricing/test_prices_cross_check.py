"""The table against other libraries' tables: every number that both have agrees, or stands here with its reason."""

from __future__ import annotations

import pytest
from pricing_values import MODELS, NOW, at

from otel_claude.cli.price_check import TOKEN_TYPES, check
from otel_claude.pricing import load, shipped

OLD = (
    "claude-3-haiku-20240307",
    "claude-3-opus-20240229",
    "claude-3-5-haiku-20241022",
    "claude-3-7-sonnet-20250219",
    "claude-opus-4-20250514",
    "claude-sonnet-4-20250514",
    "claude-opus-4-1-20250805",
)
# Known on 2026-11-22, of genai-prices 0.2.3 and litellm 1.109.1: (library, model, what): why.
KNOWN = {
    **{
        ("genai-prices", model, f"{kind} batch"): "prices batches only of models that are not retired"
        for model in OLD
        for kind in TOKEN_TYPES
    },
    ("genai-prices", "claude-mythos-5", "model"): "absent",
    ("genai-prices", "claude-mythos-5-1", "model"): "absent",
    **{("litellm", model, "model"): "retired models are removed" for model in OLD},
    ("litellm", "claude-fable-5-2", "model"): "released on 2026-11-09, after it",
    ("litellm", "claude-mythos-5-2", "model"): "released on 2026-11-09, after it",
    ("litellm", "claude-haiku-4-5-20251001", "web_search"): "absent; the price is the same for every model",
    ("litellm", "claude-mythos-preview", "model"): "10/50, against 25/125 in the press: nothing was published",
}
LACKS = {"genai-prices": ("us",), "litellm": ("cache_write_1h batch",)}
COMPARED = {"genai-prices": 240, "litellm": 270}


@pytest.mark.parametrize("library", ["genai-prices", "litellm"])
def test_every_shared_number_agrees(library):
    (result,) = (result for result in check(shipped(), at=at(NOW)) if result.library == library)
    if not result.installed:
        pytest.skip(f"{library} is not installed (genai-prices needs Python 3.11)")
    assert result.compared >= COMPARED[library]
    assert {(library, d.model, d.what) for d in result.differences} == {key for key in KNOWN if key[0] == library}
    # Not one number is different: what is known is missing on one side.
    assert [d for d in result.differences if d.ours is not None and d.theirs is not None] == []
    assert result.lacks == LACKS[library]


def test_the_check_finds_a_wrong_number(tmp_path):
    installed = [result.library for result in check(shipped(), at=at(NOW)) if result.installed]
    if not installed:
        pytest.skip("neither genai-prices nor litellm is installed")
    path = tmp_path / "p.json"
    row = {**MODELS["claude-opus-5"]["standard"][0], "cache_read": "0.51"}
    path.write_text(f'{{"models": {{"claude-opus-5": {{"standard": [{__import__("json").dumps(row)}]}}}}}}')
    for result in check(load(str(path)), at=at(NOW)):
        if result.installed:
            wrong = {d.what for d in result.differences if d.ours is not None and d.theirs is not None}
            assert {"cache_read", "cache_read batch", "cache_read fast"} <= wrong


@pytest.mark.parametrize(
    ("model", "day", "what"),
    [
        ("claude-opus-4-6", "2026-03-01", "input"),
        ("claude-sonnet-5", "2026-09-01", "input"),  # not the cancelled rise
        ("claude-opus-4-8", "2026-06-01", "output fast"),
    ],
)
def test_former_prices_agree_with_genai_prices(model, day, what):
    pytest.importorskip("genai_prices", reason="genai-prices needs Python 3.11")
    (result,) = (result for result in check(shipped(), at=at(day)) if result.library == "genai-prices")
    assert not [d for d in result.differences if (d.model, d.what) == (model, what)]
