"""What another instrumentation put in the place of a patched function is bound as Python binds it."""

import asyncio
import inspect
from types import SimpleNamespace

import pytest

from otel_claude.botocore import patches as of_botocore
from otel_claude.litellm import patches as of_litellm

PATCHES = [
    of_botocore.make_api_call, of_botocore.make_api_call_async, of_litellm.send, of_litellm.send_async,
]  # fmt: skip


class Wrapper:
    """As wrapt 1's `FunctionWrapper` where it is Python, as on a Python that it has no build for: needs an owner."""

    def __init__(self, wrapped):
        self.wrapped = wrapped

    def __get__(self, instance, owner):
        bound = self.wrapped.__get__(instance, owner)
        return lambda *args: (owner, bound(*args))


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: f"{patch.__module__.split('.')[1]}.{patch.__name__}")
def test_a_wrapper_that_asks_for_its_owner(patch):
    class Client:
        meta = SimpleNamespace(service_model=SimpleNamespace(service_name="s3"))

    class AwaitedWrapper(Wrapper):
        def __get__(self, instance, owner):
            bound = super().__get__(instance, owner)

            async def call(*args):
                return bound(*args)

            return call

    def original(client, name):
        return client, name

    wrapper = AwaitedWrapper if patch.__name__.endswith("_async") else Wrapper
    Client.call = patch(wrapper(original), SimpleNamespace(active=False))
    client = Client()
    result = client.call("PutObject")
    if inspect.isawaitable(result):
        result = asyncio.run(result)
    assert result == (Client, (client, "PutObject"))
