"""Everything made up: words, identifiers, sizes. Deterministic: the same seed and parts give the same result."""

from __future__ import annotations

import hashlib
from random import Random

from otel_claude_demo.simulator.prompt import CHARACTERS_PER_TOKEN

MARKER = "[simulated] "
"""What the text of an answer starts with."""

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_WORDS = (  # noqa: SIM905 - words read better in a row
    "the a this that each every one some of for with from into over under after before during about between "
    "river stone garden window letter morning harbor market forest bridge engine library circle signal answer "
    "question number pattern message context prompt budget harvest lantern compass island mirror orchard paper "
    "bright quiet steady simple careful distant golden narrow open patient ready silver warm early late small "
    "carries follows gathers holds keeps leaves marks names opens points reads returns shows starts turns writes"
).split()


def seeded(*parts: object) -> Random:
    """A generator that depends on these parts alone."""
    return Random("/".join(map(str, parts)))  # noqa: S311 - repeatable on purpose, secures nothing


def identifier(prefix: str, *parts: object) -> str:
    """An id as the API makes them: a prefix and 22 characters without the ambiguous ones."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=22).digest()
    return prefix + "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest)


def opaque(random: Random, length: int) -> str:
    """A string as signatures and encrypted contents have it."""
    return "".join(random.choices(_ALPHABET, k=length))


def prose(random: Random, tokens: int, opening: str = "") -> str:
    """A text of exactly that many tokens, that starts with `opening` as far as it fits."""
    size = tokens * CHARACTERS_PER_TOKEN
    words = random.choices(_WORDS, k=size // 4 + 1)
    for start in range(0, len(words), 11):
        words[start] = words[start].capitalize()
        words[start - 1] += "."
    text = (opening + " ".join(words))[:size].ljust(size, ".")
    return text[:-1] + "." if size > len(opening) else text


def length(random: Random, median: float, low: int, high: int) -> int:
    """A size with the long tail that answers have."""
    return max(low, min(high, round(median * random.lognormvariate(0.0, 0.6))))
