"""What another instrumentation put in the place of a patched function is bound as Python binds it."""

import sys
from types import ModuleType, SimpleNamespace

import pytest
from opentelemetry.metrics import NoOpMeterProvider

from otel_claude.agent_sdk.patch import AgentPatch
from otel_claude.patching import Instrumentation, Patch, as_function
from otel_claude.settings import Settings


class Wrapper:
    """As wrapt 1's `FunctionWrapper` where it is Python, as on a Python that it has no build for: needs an owner."""

    def __init__(self, wrapped):
        self.wrapped = wrapped

    def __get__(self, instance, owner):
        assert owner is not None
        return self.wrapped.__get__(instance, owner)

    def __call__(self, *_args, **_kwargs):
        raise TypeError("it was not bound")


class Callable:
    def __call__(self, *args, **kwargs):
        return args, kwargs


def function(client, *args, **kwargs):
    return client, args, kwargs


ORIGINALS = [function, Wrapper(function), staticmethod(function), classmethod(function), Callable()]


@pytest.mark.parametrize("original", ORIGINALS, ids=lambda original: type(original).__name__)
def test_it_is_called_as_python_calls_it(original):
    class Client:
        call = original
        ours = as_function(original)

    client = Client()
    assert client.ours("PutObject", key=1) == client.call("PutObject", key=1)


def test_a_function_is_called_as_it_is():
    assert as_function(function) is function


def test_every_replacement_is_given_a_function(monkeypatch):
    wrapper = Wrapper(function)
    module = ModuleType("patched_library")
    module.Client = type("Client", (), {"call": wrapper})
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def replacement(original, _runtime):
        return lambda client, *args: original(client, *args, seen=True)

    table = (Patch(module.__name__, "Client", "call", replacement),)
    instrumentation = Instrumentation(Settings(), {"meter_provider": NoOpMeterProvider()}, table, "any")
    client = module.Client()
    assert client.call("PutObject") == (client, ("PutObject",), {"seen": True})
    instrumentation.stop()
    assert module.Client.__dict__["call"] is wrapper


def test_the_agent_sdk(monkeypatch):
    class Query:
        receive_messages = Wrapper(function)

    monkeypatch.setitem(sys.modules, "claude_agent_sdk._internal.query", SimpleNamespace(Query=Query))
    patch = AgentPatch(lambda query: None)
    patch.install()
    query = Query()
    assert query.receive_messages() == (query, (), {})
    patch.remove()
    assert type(Query.__dict__["receive_messages"]) is Wrapper
