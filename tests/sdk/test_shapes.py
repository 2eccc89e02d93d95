"""Every shape of call: one span, ended; the tokens of the response; the same metrics, whoever opened the span."""

import pytest
from support.failing import FAILING
from support.shapes import SHAPES, run
from support.usages import USAGES


@pytest.mark.parametrize("name", SHAPES)
async def test_shape(name, face, tracing, quiet):
    await run(SHAPES[name], face, tracing, quiet)


@pytest.mark.parametrize("name", FAILING)
async def test_failing_shape(name, face, tracing, quiet):
    await run(FAILING[name], face, tracing, quiet)


@pytest.mark.parametrize("name", USAGES)
async def test_usage(name, face, tracing, quiet):
    await run(USAGES[name], face, tracing, quiet)
