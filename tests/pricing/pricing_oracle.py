"""The price of an answer once more, as plainly as possible: fractions, read from the JSON, nothing shared with the code.

It follows `facts/pricing.md` of 2026-11-22 and knows nothing of speed. It says the dollars that are sure, and whether
they are all.
"""

from __future__ import annotations

from fractions import Fraction

from pricing_values import CLASSES, DATA, MODELS

BY_NAME = {name: id for id, row in MODELS.items() for name in (id, *row["aliases"])}


def rate(row, kind):
    return Fraction(row[kind]) / 1_000_000


def in_force(rows, day):
    for row in rows:
        if row["effective_from"] <= day and (row["effective_to"] is None or day < row["effective_to"]):
            return row
    return None


def prompt_of(counts):
    return sum(getattr(counts, kind) for kind in CLASSES if kind != "output")


def tokens_price(model_id, counts, day, *, tier, speed, geo, premium, tools_ran=False):
    """(dollars, sure), or None if there is no price."""
    model = MODELS[BY_NAME[model_id]]
    if model.get("unpriced") or tier not in (None, "standard", "batch") or speed not in (None, "standard", "fast"):
        return None
    standard = in_force(model["standard"], day)
    if standard is None:
        return None
    row = standard
    if speed == "fast":
        row = in_force(model["fast"], day)
        if row is None or tier == "batch":
            return None
    sure = True
    tiers = [tier for tier in row.get("prompt_tiers", []) if prompt_of(counts) > tier["prompt_tokens_over"]]
    if tiers and tools_ran:
        sure = False
    elif tiers:
        row = max(tiers, key=lambda tier: tier["prompt_tokens_over"])
    total = Fraction(0)
    for kind in CLASSES:
        if kind in row:
            price = rate(row, kind)
        else:  # fast: the model's own cache ratios on the fast input price
            price = rate(row, "input") * rate(standard, kind) / rate(standard, "input")
        total += price * getattr(counts, kind)
    if tier == "batch":
        total *= Fraction(model["batch_multiplier"])
    if geo == "us":
        if model["inference_geo_us_multiplier"]:
            total *= Fraction(model["inference_geo_us_multiplier"])
        else:
            sure = False
    if premium is None:
        if model["regional_premium"]:
            sure = False
    elif premium != 1 and model["regional_premium"]:
        total *= premium
    return total, sure


def oracle(answer, day, *, premium=Fraction(1)):
    """(dollars that are sure, whether that is all of it). Premium: of the endpoint; None if it is not known."""
    usage = answer.usage
    refused = answer.stop_reason == "refusal" and answer.complete and usage.output == 0 and day >= "2026-06-02"
    entries = list(usage.iterations or ())
    tools_ran = bool(usage.web_searches or usage.web_fetches or usage.code_executions)
    common = {"tier": usage.service_tier, "geo": usage.inference_geo, "premium": premium}
    total, sure = Fraction(0), True
    if not answer.complete or usage.code_executions:
        sure = False

    def add(model, counts, speed, **more):
        nonlocal total, sure
        priced = tokens_price(model, counts, day, speed=speed, **common, **more) if model in BY_NAME else None
        if priced is None:
            sure = False
        else:
            total += priced[0]
            sure = sure and priced[1]

    if entries:
        fell_back = any(entry.type == "fallback_message" for entry in entries)
        sampled = [entry for entry in entries if entry.type in ("message", "fallback_message")]
        if sum(entry.output for entry in sampled) < usage.output:
            sure = False
        if sum(prompt_of(entry) for entry in sampled) < prompt_of(usage):
            sure = False
        for entry in entries:
            free = entry.output == 0 and ((refused and entry in sampled) or (fell_back and entry.type == "message"))
            if free:
                continue
            if refused and entry not in sampled:
                sure = False
                continue
            model = entry.model
            if model is None:
                if fell_back and entry.type != "fallback_message" or entry.type == "advisor_message":
                    sure = False
                    continue
                model = answer.model
            speed = usage.speed
            if speed == "fast" and model != answer.model:
                speed = "standard"
                if model in BY_NAME:
                    fast = in_force(MODELS[BY_NAME[model]]["fast"], day)
                    if fast and usage.service_tier != "batch":
                        sure = False
            add(model, entry, speed)
    elif not refused:
        counts = usage
        if not answer.complete:
            counts = type(usage)(**{**vars(usage), "output": 0})
        add(answer.model, counts, usage.speed, tools_ran=tools_ran)
    if usage.web_searches:
        known = answer.model in BY_NAME and tokens_price(
            answer.model, usage, day, speed=usage.speed, tier=usage.service_tier, geo=None, premium=Fraction(1)
        )
        price = MODELS[BY_NAME[answer.model]]["web_search_per_1000"] if known else None
        if refused or price is None:
            sure = False
        else:
            total += usage.web_searches * Fraction(price) / 1000 / (2 if usage.service_tier == "batch" else 1)
            if usage.service_tier == "batch":
                sure = False
            # The answer's own endpoint may be unknown even if its entries are priced at other models.
            if premium is None and MODELS[BY_NAME[answer.model]]["regional_premium"]:
                sure = False
            if usage.inference_geo == "us" and not MODELS[BY_NAME[answer.model]]["inference_geo_us_multiplier"]:
                sure = False
    return total, sure
