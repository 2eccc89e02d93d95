"""JSON of a server that somebody else wrote: an answer with another value in one place."""

import copy
import json

from hypothesis import strategies as st


def replaced(document, at, value):
    """The document with `value` at a path of keys and indexes; `value` itself at an empty path."""
    if not at:
        return value
    document = copy.deepcopy(document)
    inner = document
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = value
    return document


def dumped(value):
    """As it is sent."""
    return json.dumps(value).encode()


def any_value(hostile):
    """Any value of JSON, and those texts; also numbers that no column has room for."""
    scalars = (
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(hostile)
        | st.sampled_from([10**400, -(1 << 70)])
    )  # fmt: skip
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    )
