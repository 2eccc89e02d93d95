"""What may be counted, read from the JSON a second time, by nothing that the package has.

Counts of a stream are cumulative: the last that is told stands, but that no prompt has 0 tokens. A count is a whole
number of a size that can be; anything else that stands in its place is not known, and then no cost is exact.
"""

FIELDS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
SPLIT = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
WORST = object()


def is_count(value):
    return type(value) is int and 0 <= value < 1 << 30


def fold(usages, *, streamed):
    """Field → count, None where it is absent, WORST where something stood there that is none."""
    told = {}
    for place, usage in enumerate(usages):
        if not isinstance(usage, dict):
            continue
        split = usage.get("cache_creation")
        split = split if isinstance(split, dict) else {}
        no_prompt = streamed and place > 0 and says_no_prompt(usage)
        for field in (*FIELDS, *SPLIT):
            if no_prompt and field != "output_tokens":
                continue
            value = (usage if field in FIELDS else split).get(field)
            if value is None or (streamed and place == 0 and field == "output_tokens"):
                continue
            told[field] = value if is_count(value) else WORST
    return told


def says_no_prompt(usage):
    """Whether it says 0 for all that a prompt is made of, each where it says anything."""
    split = usage.get("cache_creation")
    if usage.get("iterations") or not (split is None or isinstance(split, dict)):
        return False
    prompt = [usage.get(field) for field in FIELDS if field != "output_tokens"]
    prompt += [(split or {}).get(field) for field in SPLIT]
    return prompt[0] == 0 and all(value is None or (type(value) is int and value == 0) for value in prompt)


def tokens(told):
    """The four sums of the counters. None where it cannot be known, and for 0, which adds no point."""

    def known(field):
        value = told.get(field)
        return None if value is WORST else value

    creation, five, hour = known("cache_creation_input_tokens"), known(SPLIT[0]), known(SPLIT[1])
    if creation is None:
        writes = None if five is None and hour is None else (five or 0) + (hour or 0)
    else:
        writes = max(creation - (hour or 0), five or 0) + (hour or 0)
    uncached, read = known("input_tokens"), known("cache_read_input_tokens")
    return {
        "input_tokens": None if uncached is None else uncached + (read or 0) + (writes or 0) or None,
        "output_tokens": known("output_tokens") or None,
        "cache_read.input_tokens": read or None,
        "cache_write.input_tokens": writes or None,
    }
