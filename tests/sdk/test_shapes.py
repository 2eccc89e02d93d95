"""Every shape of call: one span, ended; the tokens of the wire; the same metrics, whoever opened the span."""

from operator import attrgetter

import pytest
from support.check import check
from support.library import NEWEST, VERSION
from support.shapes import SHAPES


@pytest.mark.parametrize("name", SHAPES)
async def test_shape(name, face, tracing, quiet):
    shape = SHAPES[name]
    client = face(*shape.replies, **shape.options)
    if shape.needs:
        try:
            attrgetter(shape.needs)(client.client)
        except AttributeError:
            assert VERSION < NEWEST, "the newest SDK has everything"
            pytest.skip(f"anthropic {VERSION} has no {shape.needs}")
    await shape.act(client)
    await client.settle()
    check(quiet, shape.expected, tracing)
