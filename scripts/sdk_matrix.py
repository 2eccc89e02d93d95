"""Runs tests/sdk against every supported generation of the anthropic SDK, each in a virtual environment of its own.

    python scripts/sdk_matrix.py [VERSION ...] [-- PYTEST ARGUMENTS]

And tests/agent_sdk against those of the Claude Agent SDK (`agent-0.2.187`), with the `claude` program that each brings;
tests/bedrock against those of boto3 and aiobotocore (`boto3-1.35.0`), and tests/litellm against those of LiteLLM
(`litellm-1.60.8`), where the anthropic SDK is not installed. `otels` are versions of OpenTelemetry (`otel-1.30.0`), on
which tests/sdk runs too; `sdks`, the default, are all others. The newest version of each library is found
out when this runs, and tested too.
The environments are kept under .cache/sdks and made with uv. Tools have the versions of requirements/dev.txt.
"""

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from environments import pins

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "sdks"
CONSTRAINTS = CACHE / "constraints.txt"
TOOL_PINS = CACHE / "tools.txt"
OTEL_PINS = CACHE / "otel.txt"
UV = ROOT / ".venv" / "bin" / "uv"
VERSIONS = (
    "0.40.0", "0.60.0", "0.75.0", "0.100.0", "0.125.0", "1.0.0", "1.13.0", "1.14.0", "1.17.0", "2.0.0", "2.6.0",
    "2.12.0", "2.13.0", "2.14.0",
)  # fmt: skip
OLDEST = "oldest"
"""The oldest SDK with exactly the lower bounds of our own dependencies."""
NOT_FROM = {"0.40.0": (3, 14), "0.60.0": (3, 14), OLDEST: (3, 14), "litellm-1.90.0": (3, 15)}
"""From which Python on a library does not work, with otel-claude or without: streams of these SDKs set
attributes of unions, which have none there, and what LiteLLM needs cannot be built."""
OLDEST_SDK = ("opentelemetry-sdk==1.30.0",)
AGENT = "agent-"
"""What the name of an environment of the Claude Agent SDK begins with."""
AGENTS = tuple(f"{AGENT}{version}" for version in ("0.1.0", "0.2.150", "0.2.172", "0.2.187", "0.2.189"))
"""The first, which brings no program; totals of a process; totals that go on; and a program that tells what is new."""
BESIDE_OTHERS = "boto3-others"
BEDROCK = (
    "boto3-1.35.0", "boto3-1.38.46", "boto3-1.44.5", "aiobotocore-2.25.1", "aiobotocore-3.10.0", BESIDE_OTHERS,
)  # fmt: skip
"""The oldest; one whose Converse has no cache counts by lifetime; a new one; both generations of the async client;
and one beside other instrumentations of boto3, each of which is tested with ours."""
OTHERS = (
    "boto3==1.44.5",
    "opentelemetry-sdk==1.45.1",
    "opentelemetry-instrumentation-botocore",
    "openinference-instrumentation-bedrock==0.1.61",
    "opentelemetry-instrumentation-bedrock==0.62.4",
    "openlit==1.45.0",
)
"""Other instrumentations of boto3, and the SDK of OpenTelemetry that all of them accept: each is tested with ours."""
LITELLM = ("litellm-1.60.8", "litellm-1.75.9", "litellm-1.90.0", "litellm-1.110.2")
"""The oldest; the first that sends by aiohttp; the last that leaves a stream at its stop reason; a new one."""
LITELLM_WANTS = (
    "apscheduler", "backoff", "boto3", "fastapi", "orjson", "pyjwt", "redis", "rich", "soundfile", "tenacity",
)  # fmt: skip
"""What LiteLLM imports where it retries, calls Bedrock, or reads a stream of its Messages endpoint.

Beside it stands the proxy, whose requirements are not those of our tools; that of 1.110.2 cannot be installed.
"""
OTEL = "otel-"
OTELS = tuple(f"{OTEL}{version}" for version in ("1.30.0", "1.42.1", "1.43.0", "1.44.0"))
"""The oldest; the last that draws no service.instance.id; one that forked children keep; and a new one after a fork."""
WARNS = {
    OTEL: "SelectableGroups dict interface is deprecated",
    "boto3-1.3": "datetime.datetime.utcnow",
    BESIDE_OTHERS: "'asyncio.iscoroutinefunction' is deprecated",
}
"""What libraries warn of themselves, by what the name of an environment begins with: OpenTelemetry 1.42 and 1.43 at the
import on Python 3.10 and 3.11, old botocores at each request on 3.12 and newer, OpenInference on 3.14 and newer."""
NEWEST_OF = {
    "anthropic": "", "claude-agent-sdk": AGENT, "boto3": "boto3-", "aiobotocore": "aiobotocore-", "litellm": "litellm-",
    "opentelemetry-sdk": OTEL,
}  # fmt: skip
"""The libraries of which the newest version is tested, with what the name of its environment begins with."""
TESTED = ("-e", "anthropic==", "boto3==", "botocore==", "s3transfer==", "wrapt==")
AT_ONCE = 2
TESTS = {
    "agent-": "tests/agent_sdk", "boto3-": "tests/bedrock", "aiobotocore-": "tests/bedrock",
    "litellm-": "tests/litellm",
}  # fmt: skip
"""The tests of an environment, by what its name begins with. Others are of the anthropic SDK."""
TOOLS = ("hypothesis", "pytest", "pytest-asyncio", "pytest-timeout", "pytest-xdist")
PLATFORMS = "[aws,bedrock,vertex,google-cloud]"


class Outcome(NamedTuple):
    """What pytest said in one environment."""

    passed: int
    failed: int
    skipped: int
    seconds: float
    output: str


def lower_bounds() -> list[str]:
    """The dependencies in pyproject.toml, each at the version after its `>=`."""
    text = (ROOT / "pyproject.toml").read_text()
    declared = text.partition("\ndependencies = [")[2].partition("]")[0]
    return [f"{name}=={version}" for name, version in re.findall(r'"([\w-]+)>=([^,"]+)', declared)]


def requirements(name: str) -> list[str]:
    """What an environment is made of."""
    if name.startswith(AGENT):
        sdk = f"claude-agent-sdk=={name.removeprefix(AGENT)}"
        ours = ["--editable", f"{ROOT}[demo]", "--editable", str(ROOT / "demo")]
        return [*ours, sdk, *TOOLS, "--constraint", str(CONSTRAINTS)]
    if name == BESIDE_OTHERS:
        return ["--editable", str(ROOT), *OTHERS, *TOOLS]
    if name.startswith(OTEL):
        theirs = [f"anthropic{PLATFORMS}=={VERSIONS[-1]}", f"opentelemetry-sdk=={name.removeprefix(OTEL)}"]
        return ["--editable", str(ROOT), *theirs, *TOOLS, "--constraint", str(OTEL_PINS)]
    if name.startswith(("boto3-", "aiobotocore-")):
        library = name.replace("-", "==")
        theirs = ["opentelemetry-sdk", "opentelemetry-instrumentation-botocore"]
        if name.startswith("aiobotocore"):
            theirs.append("httpx")  # its other way to send requests
        return ["--editable", str(ROOT), library, "boto3", *theirs, *TOOLS, "--constraint", str(CONSTRAINTS)]
    if name.startswith("litellm-"):
        library, _, version = name.partition("-")
        # Its uvloop needs a part of asyncio that 3.15 has no more.
        extra = "[proxy]" if name in LITELLM[:-1] and sys.version_info < (3, 15) else ""
        theirs = ["opentelemetry-sdk", "opentelemetry-distro", "openinference-instrumentation-litellm", *LITELLM_WANTS]
        return [
            "--editable",
            str(ROOT),
            f"{library}{extra}=={version}",
            *theirs,
            *TOOLS,
            "--constraint",
            str(TOOL_PINS),
        ]
    version = VERSIONS[0] if name == OLDEST else name
    wanted = ["--editable", str(ROOT), f"anthropic{PLATFORMS}=={version}", *TOOLS]
    if name == OLDEST:
        return [*wanted, "httpx<0.28.2", *lower_bounds(), *OLDEST_SDK]
    wanted += ["opentelemetry-sdk", "--constraint", str(CONSTRAINTS)]
    if version == VERSIONS[0]:
        wanted.append("httpx<0.28.2")
    if version == VERSIONS[-1]:
        wanted.append("opentelemetry-instrumentation-genai-anthropic==1.3b0")
    return wanted


def write_constraints() -> None:
    """The pins of the development tools: without the libraries that are tested, without OpenTelemetry; of TOOLS."""
    CACHE.mkdir(parents=True, exist_ok=True)
    lines = pins()
    tools = tuple(f"{name}==" for name in TOOLS)
    TOOL_PINS.write_text("\n".join(line for line in lines if line.startswith(tools)) + "\n")
    CONSTRAINTS.write_text("\n".join(line for line in lines if not line.startswith(TESTED)) + "\n")
    of_otel = (*TESTED, "opentelemetry-", "googleapis-common-protos==", "protobuf==")
    OTEL_PINS.write_text("\n".join(line for line in lines if not line.startswith(of_otel)) + "\n")


def newest() -> list[str]:
    """The environments of the versions that are the newest today."""
    resolve = [UV, "pip", "compile", "--quiet", "--no-deps", "--no-header", "--no-annotate", "-p", sys.executable, "-"]
    found = subprocess.run(resolve, check=True, input="\n".join(NEWEST_OF), capture_output=True, text=True).stdout
    versions = dict(line.split("==") for line in found.split())
    return [prefix + versions[library] for library, prefix in NEWEST_OF.items()]


def make(name: str) -> Path:
    """Makes or updates an environment, and gives its interpreter."""
    python = CACHE / name / "bin" / "python"
    if not python.exists():
        subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, CACHE / name], check=True)
    # An environment that somebody activated is none of ours.
    clean = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    install = [UV, "pip", "install", "--quiet", "--python", python, *requirements(name)]
    done = subprocess.run(install, check=False, capture_output=True, text=True, env=clean, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(f"the environment of {name} cannot be made:\n{done.stderr}")
    return python


def run(name: str, arguments: list[str]) -> Outcome:
    """Runs the tests in one environment."""
    began = time.monotonic()
    try:
        python = make(name)
    except RuntimeError as error:
        return Outcome(0, 1, 0, time.monotonic() - began, str(error))
    tests = next((where for prefix, where in TESTS.items() if name.startswith(prefix)), "tests/sdk")
    quiet = [f"-Wignore:{said}:DeprecationWarning" for prefix, said in WARNS.items() if name.startswith(prefix)]
    options = ["-q", "-p", "no:cacheprovider", "--timeout", "120", *quiet]
    command = [python, "-m", "pytest", *options, tests, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped|errors?)\b", _last(done))}
    failed = counts.get("failed", 0) + counts.get("error", 0) + counts.get("errors", 0)
    if done.returncode and not failed:
        failed = 1
    seconds = time.monotonic() - began
    return Outcome(counts.get("passed", 0), failed, counts.get("skipped", 0), seconds, done.stdout + done.stderr)


def _last(done: "subprocess.CompletedProcess[str]") -> str:
    lines = done.stdout.strip().splitlines()
    return lines[-1] if lines else ""


def main() -> int:
    """Runs all, or the versions that are named."""
    named, _, arguments = " ".join(sys.argv[1:]).partition("--")
    sdks, otels = [*VERSIONS, OLDEST, *AGENTS, *BEDROCK, *LITELLM], list(OTELS)
    for name in newest():
        group = otels if name.startswith(OTEL) else sdks
        if name not in group:
            group.append(name)
    names = [name for given in named.split() or ["sdks"] for name in {"sdks": sdks, "otels": otels}.get(given, [given])]
    for name in [name for name in names if sys.version_info >= NOT_FROM.get(name, (4,))]:
        print(f"not run: {name} does not work on this Python, with otel-claude or without")
        names.remove(name)
    print(f"To be tested: {', '.join(names)}", flush=True)
    write_constraints()
    outcomes: dict[str, Outcome] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = {pool.submit(run, name, arguments.split()): name for name in names}
        for done in as_completed(running):
            name, outcome = running[done], done.result()
            outcomes[name] = outcome
            print(f"{name}: {'FAILED' if outcome.failed else 'passed'}", flush=True)
            if outcome.failed:
                print(outcome.output)
    print(f"\n{'SDK':<14} {'passed':>7} {'failed':>7} {'skipped':>8} {'seconds':>8}")
    for name in names:
        told = outcomes[name]
        print(f"{name:<14} {told.passed:>7} {told.failed:>7} {told.skipped:>8} {told.seconds:>8.1f}")
    passed, failed = (sum(outcome[place] for outcome in outcomes.values()) for place in (0, 1))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
