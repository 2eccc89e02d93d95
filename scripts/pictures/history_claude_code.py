"""Hours of Claude Code in a minute: the sums that a scraped Collector would show of six developers.

python history_claude_code.py ENDPOINT MINUTES UNTIL
"""

import json
import random
import sys
import urllib.request
from collections import Counter

from otel_claude import semconv as c
from otel_claude.semconv import claude_code as cc

ENDPOINT, MINUTES, UNTIL = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
TEAMS = {"ann": "search", "ben": "search", "cleo": "payments", "dana": "payments", "eli": "platform", "fay": "platform"}
MODELS = {"claude-opus-5-5": 6.0, "claude-sonnet-5-5": 2.0, "claude-haiku-4-5": 1.0}
TOKENS = {"input": 900, "cacheRead": 90_000, "cacheCreation": 6_000, "output": 1_400}
PRICES = {"input": 1.0, "cacheRead": 0.05, "cacheCreation": 1.25, "output": 5.0}
STARTS, FAILS, REFUSED = 0.05, 0.02, 0.05
METRICS = {metric.name: metric for metric in cc.CLAUDE_CODE_METRICS}


def requests(chance: random.Random, sums: Counter) -> None:
    """What a minute of everybody adds."""
    for user, team in TEAMS.items():
        who = ((cc.USER_EMAIL, f"{user}@example.com"), (cc.USER_ID, user * 8), (cc.TEAM, team))
        if chance.random() < STARTS:
            start = chance.choices(["fresh", "resume", "continue"], [6, 2, 1])[0]
            sums[cc.CODE_SESSIONS.name, (*who, (cc.START_TYPE, start))] += 1
        for _ in range(chance.randrange(5)):
            model = chance.choices(list(MODELS), [2, 5, 2])[0]
            source = chance.choices(["main", "subagent", "auxiliary"], [7, 2, 1])[0]
            call = (*who, (cc.MODEL, model), (cc.QUERY_SOURCE, source))
            if chance.random() < FAILS:
                sums[cc.CODE_ERRORS.name, (*call, (cc.STATUS_CODE, chance.choice(["429", "529"])))] += 1
                continue
            sums[cc.CODE_REQUESTS.name, call] += 1
            for kind, tokens in TOKENS.items():
                used = int(tokens * chance.uniform(0.5, 1.5))
                sums[cc.CODE_TOKENS.name, (*call, (cc.TYPE, kind))] += used
                sums[cc.CODE_COST.name, call] += used * PRICES[kind] * MODELS[model] / 1e6
            for ttl, share in (("5m", 0.7), ("1h", 0.3)):
                written = share * TOKENS["cacheCreation"]
                sums[cc.CODE_CACHE_WRITES.name, (*who, (cc.MODEL, model), (c.CACHE_TTL, ttl))] += written
            tool = chance.choice(["Bash", "Edit", "Read"])
            decision = ("reject", "user_reject") if chance.random() < REFUSED else ("accept", "config")
            labels = ((cc.TOOL_NAME, tool), (cc.DECISION, decision[0]), (cc.SOURCE, decision[1]))
            sums[cc.CODE_DECISIONS.name, (*who, *labels)] += 1


def body(sums: Counter, at: float) -> bytes:
    """The sums so far, as OTLP in JSON."""
    points: dict[str, list] = {}
    for (name, labels), value in sums.items():
        attributes = [{"key": key, "value": {"stringValue": text}} for key, text in labels]
        point = {"attributes": attributes, "timeUnixNano": str(int(at * 1e9)), "asDouble": value}
        points.setdefault(name, []).append(point)
    metrics = [
        {"name": name, "unit": METRICS[name].unit,
         "sum": {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": of}}
        for name, of in points.items()
    ]  # fmt: skip
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "claude-code"}}]}
    return json.dumps({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": metrics}]}]}).encode()


def main() -> None:
    """Minute after minute."""
    chance, sums = random.Random(18), Counter()
    for minute in range(MINUTES):
        requests(chance, sums)
        at = UNTIL - 60 * (MINUTES - minute)
        request = urllib.request.Request(ENDPOINT, body(sums, at), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request):
            pass


main()
