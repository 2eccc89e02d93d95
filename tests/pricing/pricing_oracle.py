"""The price of an answer once more, as plainly as possible: fractions, from the JSON, nothing shared with the code.

It follows `facts/pricing.md` of 2026-11-22. It says the dollars that are sure, and whether they are all.
"""

from __future__ import annotations

from fractions import Fraction

from pricing_values import MODELS, TOKEN_TYPES

BY_NAME = {name: model for model, row in MODELS.items() for name in (model, *row["aliases"])}
SAMPLED = ("message", "fallback_message")


def in_force(rows, day):
    return next((row for row in rows if row["effective_from"] <= day < (row["effective_to"] or "9999")), None)


def prompt_of(counts):
    return sum(getattr(counts, kind) for kind in TOKEN_TYPES if kind != "output")


def oracle(answer, day, *, premium=Fraction(1)):
    """(dollars that are sure, whether that is all of it). `premium`: of the endpoint; None if it is not known."""
    plain = Oracle(answer, day, premium)
    plain.price()
    return plain.total, plain.sure


class Oracle:
    def __init__(self, answer, day, premium):
        self.answer, self.usage, self.day, self.premium = answer, answer.usage, day, premium
        self.total, self.sure = Fraction(0), True
        self.refused = (
            answer.stop_reason == "refusal" and answer.complete and answer.usage.output == 0 and day >= "2026-06-02"
        )

    def price(self):
        usage = self.usage
        if not self.answer.complete or usage.code_executions:
            self.sure = False
        if usage.iterations:
            self.compare_with_the_top_level()
            for entry in usage.iterations:
                self.price_entry(entry)
        elif not self.refused:
            counts = usage if self.answer.complete else usage._replace(output=0)
            loop = bool(usage.web_searches or usage.web_fetches or usage.code_executions)
            self.price_tokens(self.answer.model, counts, usage.speed, loop=loop)
        if usage.web_searches:
            self.price_searches()

    def compare_with_the_top_level(self):
        sampled = [entry for entry in self.usage.iterations if entry.type in SAMPLED]
        if sum(entry.output for entry in sampled) < self.usage.output:
            self.sure = False
        if sum(map(prompt_of, sampled)) < prompt_of(self.usage):
            self.sure = False

    def price_entry(self, entry):
        fell_back = any(other.type == "fallback_message" for other in self.usage.iterations)
        if entry.output == 0 and entry.type == "message" and fell_back:
            return
        if self.refused and entry.type in SAMPLED and entry.output == 0:
            return
        anonymous = entry.model is None and (
            entry.type == "advisor_message" or (fell_back and entry.type != "fallback_message")
        )
        if anonymous or (self.refused and entry.type not in SAMPLED):
            self.sure = False
            return
        model = entry.model or self.answer.model
        speed = self.usage.speed
        if speed == "fast" and model != self.answer.model:
            speed = "standard"
            if self.rate_row(model, "fast") is not None:
                self.sure = False
        self.price_tokens(model, entry, speed)

    def rate_row(self, name, speed):
        """The row that holds, or None."""
        tier = self.usage.service_tier
        if name not in BY_NAME or tier not in (None, "standard", "batch"):
            return None
        model = MODELS[BY_NAME[name]]
        standard = in_force(model["standard"], self.day)
        if model.get("unpriced") or standard is None:
            return None
        if speed == "fast":
            return None if tier == "batch" else in_force(model["fast"], self.day)
        return standard if speed in (None, "standard") else None

    def price_tokens(self, name, counts, speed, *, loop=False):
        row = self.rate_row(name, speed)
        if row is None:
            self.sure = False
            return
        model = MODELS[BY_NAME[name]]
        standard = in_force(model["standard"], self.day)
        for tier in row.get("prompt_tiers", []):
            if prompt_of(counts) > tier["prompt_tokens_over"]:
                if loop:
                    self.sure = False
                else:
                    row = tier
        total = Fraction(0)
        for kind in TOKEN_TYPES:
            # A fast row has no cache prices: the model's own ratios on its input price.
            dear = Fraction(row[kind] if kind in row else row["input"])
            ratio = 1 if kind in row else Fraction(standard[kind]) / Fraction(standard["input"])
            total += dear * ratio * getattr(counts, kind) / 1_000_000
        self.total += total * self.factor(model)

    def factor(self, model):
        factor = Fraction(model["batch_multiplier"]) if self.usage.service_tier == "batch" else Fraction(1)
        if self.usage.inference_geo == "us":
            if model["inference_geo_us_multiplier"] is None:
                self.sure = False
            else:
                factor *= Fraction(model["inference_geo_us_multiplier"])
        if model["regional_premium"]:
            if self.premium is None:
                self.sure = False
            else:
                factor *= self.premium
        return factor

    def price_searches(self):
        name = self.answer.model
        if self.refused or self.rate_row(name, self.usage.speed) is None:
            self.sure = False
            return
        model = MODELS[BY_NAME[name]]
        self.factor(model)  # what is not sure of the answer's own model
        if model["web_search_per_1000"] is None:
            self.sure = False
            return
        price = Fraction(model["web_search_per_1000"]) / 1000
        if self.usage.service_tier == "batch":  # half of it is sure
            price, self.sure = price / 2, False
        self.total += self.usage.web_searches * price
