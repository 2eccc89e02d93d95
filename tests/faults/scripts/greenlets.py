"""Under gevent: many greenlets on one thread, with real sockets. One leaves its stream, and one is killed."""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402 - the patching comes first

import gevent  # noqa: E402
import script  # noqa: E402
from anthropic import Anthropic  # noqa: E402

from otel_claude import tags  # noqa: E402
from otel_claude_demo.simulator import HEADER  # noqa: E402

script.providers()
script.instrument()
client = Anthropic(base_url=sys.argv[1], api_key="-".join(["sk", "ant", "api03", "x" * 92]), max_retries=0)
ASKED = {"model": "claude-sonnet-4-6", "max_tokens": 16, "messages": [{"role": "user", "content": "hi"}]}
asked = []


def work(number):
    with tags(feature=f"f{number % 2}"):
        asked.append(client.messages.create(**ASKED).usage.output_tokens)
        with client.messages.stream(**ASKED) as stream:
            asked.append(stream.get_final_message().usage.output_tokens)
        if number == 0:
            next(client.messages.create(**ASKED, stream=True))


def hang():
    client.messages.create(**ASKED, extra_headers={HEADER: "latency=60"})


workers = [gevent.spawn(work, number) for number in range(40)]
hanging = gevent.spawn(hang)
gevent.joinall(workers, raise_error=True)
hanging.kill()
told = script.sums(script.CALLS, "gen_ai.client.inference.usage.output_tokens", "claude.client.unpriced")
by_tag = sorted({point.attributes.get("claude.tag.feature", "") for point in script.points(script.CALLS)})
script.tell(asked=sum(asked), by_tag=by_tag, **told)
