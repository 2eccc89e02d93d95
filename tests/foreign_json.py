"""JSON of a server that somebody else wrote: an answer with another value in one place."""

import copy
import json


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
