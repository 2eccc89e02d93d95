"""Texts: what the demo asks. Two of them are long enough for the prompt cache."""

from __future__ import annotations

from itertools import count
from typing import Any, Final

_ITEMS: Final = ("kettle", "lamp", "tent", "rucksack", "radio", "bicycle", "camera", "drill", "blanket", "piano")
_QUESTIONS: Final = (
    "May I return the {} after three weeks?",
    "How long does the {} take to Lisbon?",
    "Does the {} come with a warranty?",
    "Which {} would you give to a friend?",
    "How do I clean the {}?",
)
_number = count()

TERMS: Final = "You answer for a shop, in one sentence. Its terms:\n" + "\n".join(
    f"{number}. The {_ITEMS[number % 10]} of series {number} can be returned within {10 + number % 20} days, is "
    f"shipped within {1 + number % 6} days, and has a warranty of {1 + number % 4} years."
    for number in range(1, 151)
)
"""About 17,600 characters: more than 4,096 tokens, the most that a model wants before it caches."""

ARCHIVE: Final = "You answer in one sentence, from this archive:\n" + "\n".join(
    f"{1900 + number}: the {_ITEMS[number % 10]} was improved for the {number}. time; {number * 37 % 500} were sold."
    for number in range(1, 281)
)
"""About as long."""


def question() -> str:
    """The next question. No service asks the same twice."""
    number = next(_number)
    return _QUESTIONS[number % 5].format(f"{_ITEMS[number // 5 % 10]} no. {number + 1}") + " In one sentence."


def user(text: str) -> list[Any]:
    """A conversation with one message."""
    return [{"role": "user", "content": text}]


def cached(text: str, ttl: str = "5m") -> list[Any]:
    """A system prompt that is to be cached."""
    return [{"type": "text", "text": text, "cache_control": {"type": "ephemeral", "ttl": ttl}}]
