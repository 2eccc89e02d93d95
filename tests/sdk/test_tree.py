"""Agents' loops stay one tree: tool_runner and threads, against the simulator, with the SDK's own tracing and without.

Each request that reaches the Messages API has one LLM span, whoever opened it, where the loop made it.
"""

import inspect
import json
from urllib.request import urlopen

import pytest
from support import api
from support.library import VERSION, anthropic
from support.simulated import interpreter, simulator

pytestmark = pytest.mark.process

ASKED = {"model": api.MODEL, "max_tokens": 300, "messages": [{"role": "user", "content": api.PROMPT}]}
LLM = {"native": "anthropic.messages.create", "ours": f"chat {api.MODEL}"}
LOOP = "anthropic.messages.tool_runner"
TOOL = "anthropic.custom_tool_use get_weather"


@pytest.fixture(scope="session")
def url():
    python = interpreter()
    if python is None:
        pytest.skip("nothing here can run the simulator: `make setup` makes what can")
    with simulator(python) as running:
        yield running


class Application:
    """An application with a loop of its own, on either client."""

    def __init__(self, telemetry, kind, tracing, url):
        self.telemetry, self.tracing, self.url = telemetry, tracing, url
        self.is_async = kind == "async"
        options = {"open_telemetry": False} if tracing == "ours" and VERSION >= (1, 14) else {}
        make = anthropic.AsyncAnthropic if self.is_async else anthropic.Anthropic
        self.client = make(base_url=url, api_key=api.KEY, **options)
        self.messages = self.client.beta.messages
        self.span = telemetry.tracer_provider.get_tracer("application").start_as_current_span
        self.before = self.served()

    async def wait(self, value):
        return await value if inspect.isawaitable(value) else value

    def needs(self, name):
        if not hasattr(self.messages, name):
            pytest.skip(f"anthropic {VERSION} has no {name} in messages")

    def served(self):
        with urlopen(f"{self.url}/simulator/served") as answer:
            return json.load(answer)["requests"]

    def requests(self):
        """How many requests the simulator has answered since."""
        return self.served() - self.before

    def tool(self):
        """A tool that asks Claude by itself."""
        if self.is_async:

            async def get_weather(city: str) -> str:
                """Weather."""
                with self.span("tool"):
                    await self.client.messages.create(**api.ARGS)
                return f"sunny in {city}"

            return anthropic.beta_async_tool(get_weather)

        def get_weather(city: str) -> str:
            """Weather."""
            with self.span("tool"):
                self.client.messages.create(**api.ARGS)
            return f"sunny in {city}"

        return anthropic.beta_tool(get_weather)

    async def run(self, runner, *, stream):
        """The loop over the turns, with work of the application's on each."""
        if self.is_async:
            async for turn in runner:
                with self.span("between"):
                    await self.read(turn, stream)
        else:
            for turn in runner:
                with self.span("between"):
                    await self.read(turn, stream)

    async def read(self, turn, stream):
        if stream:
            await self.wait(turn.get_final_message())

    def tree(self):
        """The path of each span, in the order in which they began. Every parent is there."""
        spans = {span.context.span_id: span for span in self.telemetry.spans}

        def path(span):
            return (*(path(spans[span.parent.span_id]) if span.parent else ()), span.name)

        return [path(span) for span in sorted(spans.values(), key=lambda span: span.start_time)]

    def expected(self, *paths):
        """With the SDK's own tracing a loop and a tool have spans; without it their children stand where they were."""
        left_out = () if self.tracing == "native" else (LOOP, TOOL)
        named = [tuple(LLM[self.tracing] if name == "LLM" else name for name in path) for path in paths]
        return [tuple(name for name in path if name not in left_out) for path in named if path[-1] not in left_out]


@pytest.fixture
async def application(telemetry, kind, tracing, url, quiet):
    made = Application(telemetry, kind, tracing, url)
    yield made
    await made.wait(made.client.close())


def of_tool_runner(messages, **more):
    return messages.tool_runner(**ASKED, **more)


def of_thread(messages, stream, **more):
    return messages.thread(**ASKED, **more).tool_runner(stream=stream)


def without_thread(messages, **more):
    return messages.tool_runner(**ASKED, **more, thread=False)


RUNNERS = {
    "tool_runner": (of_tool_runner, "tool_runner"),
    "a thread's": (of_thread, "thread"),
    "no thread": (without_thread, "thread"),
}
"""Since 2.2 it is a thread by default, and there are the application's own."""
WITHIN = (
    ("application",),
    ("application", LOOP),
    ("application", LOOP, "LLM"),
    ("application", "between"),
    ("application", LOOP, TOOL),
    ("application", LOOP, TOOL, "tool"),
    ("application", LOOP, TOOL, "tool", "LLM"),
    ("application", LOOP, "LLM"),
    ("application", "between"),
)
STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@STREAM
@pytest.mark.parametrize("name", RUNNERS)
async def test_a_tool_runner_is_one_tree(application, name, stream):
    make, needed = RUNNERS[name]
    application.needs(needed)
    with application.span("application"):
        await application.run(make(application.messages, tools=[application.tool()], stream=stream), stream=stream)
    assert application.tree() == application.expected(*WITHIN)
    assert application.requests() == 3


@STREAM
async def test_each_call_of_it_is_counted_and_priced_once(application, stream):
    application.needs("tool_runner")
    runner = of_tool_runner(application.messages, tools=[application.tool()], stream=stream)
    await application.run(runner, stream=stream)
    spans, name = application.telemetry.spans, LLM[application.tracing]
    calls = [span.attributes for span in spans if span.name == name]
    assert [attributes["claude.cost.status"] for attributes in calls] == ["exact"] * 3
    metrics = application.telemetry.metrics()
    assert sum(metrics["claude.client.calls"].values()) == 3
    cost = sum(attributes["gen_ai.usage.cost.amount"] for attributes in calls)
    assert sum(metrics["claude.client.cost.usd"].values()) == pytest.approx(cost, abs=1e-12)
    others = [key for span in spans if span.name != name for key in span.attributes]
    assert not [key for key in others if key.startswith(("claude.", "gen_ai.usage."))]


async def test_a_loop_without_a_span_around_it(application):
    """The SDK's own span is the root then. Without one each call is a trace of its own, as outside of a loop."""
    application.needs("tool_runner")
    await application.run(of_tool_runner(application.messages, tools=[application.tool()]), stream=False)
    assert application.tree() == application.expected(*(path[1:] for path in WITHIN[1:]))


async def test_a_tool_that_runs_while_its_turn_is_read(application):
    application.needs("tool_runner")
    if "run_tools_eagerly" not in inspect.signature(application.messages.tool_runner).parameters:
        pytest.skip(f"anthropic {VERSION} runs no tool eagerly")
    runner = of_tool_runner(application.messages, tools=[application.tool()], stream=True, run_tools_eagerly=True)
    with application.span("application"):
        await application.run(runner, stream=True)
    # Without the SDK's span of the loop, the tool runs within what the application does with the turn.
    place = (LOOP,) if application.tracing == "native" else ("between",)
    moved = [(path[0], *place, *path[2:]) if TOOL in path else path for path in WITHIN]
    # When within its turn the tool begins is the SDK's to choose.
    assert sorted(application.tree()) == sorted(application.expected(*moved))


@pytest.mark.parametrize("how", ["send", "stream"])
async def test_a_thread_of_messages_is_one_tree(application, how):
    application.needs("thread")
    thread = application.messages.thread(model=api.MODEL, max_tokens=300)
    with application.span("application"):
        for text in ("one", "two"):
            said = {"role": "user", "content": text}
            if how == "send":
                await application.wait(thread.send(said))
            elif application.is_async:
                async with thread.stream(said) as stream:
                    await stream.get_final_message()
            else:
                with thread.stream(said) as stream:
                    stream.get_final_message()
    assert application.tree() == application.expected(("application",), *[("application", "LLM")] * 2)
    assert application.requests() == 2
