"""Runs the tests on each supported version of CPython, each in a virtual environment of its own.

    python tools/pythons.py [VERSION | INTERPRETER ...] [-- PYTEST ARGUMENTS]

An interpreter is one on the search path or one of pyenv's. Where there is no 3.14 or 3.15, it is Debian unstable's in a
folder that debootstrap makes from this machine's own mirror; that needs Debian, root and debootstrap. A version that
cannot be had is named with the reason, and fails nothing. All of it is kept under .cache/pythons.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "pythons"
UNSTABLE = CACHE / "unstable"
UV = ROOT / ".venv" / "bin" / "uv"
IN_UNSTABLE = ("3.14", "3.15")
ENTER = """
unstable=$0 root=$1; shift
for place in "$root" /dev /etc/ssl /etc/hosts /etc/resolv.conf; do mount --rbind "$place" "$unstable$place"; done
mount -t proc proc "$unstable/proc"
exec chroot "$unstable" env --chdir="$root" "$@"
"""
"""For a shell in a namespace of its own: what it mounts is gone when it ends. The project has the same path inside."""
TESTS = ("-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", "-p", "no:cacheprovider")


class Outcome(NamedTuple):
    """What pytest said on one version, or why it was not asked."""

    said: str
    ok: bool = True
    seconds: float = 0


def run(*command: str | Path, check: bool = True) -> "subprocess.CompletedProcess[str]":
    """Runs a command in the project's folder. What it prints is kept."""
    # An environment that somebody activated is none of ours, and the caches can be on another file system.
    clean = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"} | {"UV_LINK_MODE": "copy"}
    return subprocess.run(  # noqa: S603 - our own commands
        command, check=check, cwd=ROOT, env=clean, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def supported() -> list[str]:
    """The versions that pyproject.toml names."""
    return re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text())


def of_this_machine(version: str) -> str | None:
    """An interpreter of that version, if this machine has one."""
    of_pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions").glob(f"{version}.*/bin/python")
    for python in (shutil.which(f"python{version}"), *sorted(map(str, of_pyenv))):
        # pyenv puts a stand-in on the path for versions that are not chosen, which fails.
        if python and run(python, "-c", "", check=False).returncode == 0:
            return python
    return None


def make_unstable() -> str | None:
    """Makes the folder of Debian unstable, if it is not there. What is in the way, if it cannot be made."""
    made = UNSTABLE / "made"
    if made.exists():
        return None
    sources = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
    texts = [file.read_text() for file in sources if file.exists()]
    mirror = re.search(r"^(?:URIs:|deb(?: \[.*?\])?) *(https?://\S*debian\S*)", "\n".join(texts), re.MULTILINE)
    if mirror is None or os.geteuid() or not shutil.which("debootstrap"):
        return "this machine has none, and Debian's needs a Debian mirror, root and debootstrap"
    if run("unshare", "--mount", "--propagation", "private", "true", check=False).returncode:
        return "this machine has none, and lets nobody mount what Debian's needs"
    shutil.rmtree(UNSTABLE, ignore_errors=True)
    packages = ",".join(f"python{version}-venv" for version in IN_UNSTABLE)
    UNSTABLE.mkdir(parents=True)
    done = run("debootstrap", "--variant=minbase", f"--include={packages}", "sid", UNSTABLE, mirror[1], check=False)
    if done.returncode:
        return f"debootstrap failed: {done.stdout.strip()[-300:]}"
    for place in (UNSTABLE / str(ROOT)[1:], UNSTABLE / "etc" / "ssl"):
        place.mkdir(parents=True, exist_ok=True)
    UNSTABLE.joinpath("etc", "hosts").touch()
    made.touch()
    return None


def test(wanted: str, arguments: Sequence[str]) -> Outcome:
    """Runs the tests on a version, or with an interpreter, in an environment that is made if it is not there."""
    began = time.monotonic()
    python, enter = (wanted if "/" in wanted else of_this_machine(wanted)), list[str | Path]()
    if python is None:
        missing = make_unstable() if wanted in IN_UNSTABLE else "this machine has none"
        if missing:
            return Outcome(f"not run: {missing}")
        python = f"/usr/bin/python{wanted}"
        enter = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", ENTER, UNSTABLE, ROOT]
    environment = CACHE / wanted.strip("/").replace("/", "-")
    inside = environment / "bin" / "python"
    install = (UV, "pip", "install", "--quiet", "--python", inside)
    for command in (
        (UV, "venv", "--quiet", "--allow-existing", "--python", python, environment),
        (*install, "--requirement", "requirements/dev.txt"),
        (*install, "--no-deps", "--requirement", "requirements/no-deps.txt"),
    ):
        made = run(*enter, *command, check=False)
        if made.returncode:
            return Outcome(f"its environment cannot be made: {made.stdout.strip()}", ok=False)
    done = run(*enter, inside, *TESTS, *arguments, check=False)
    if done.returncode:
        print(done.stdout)
    last = (done.stdout.strip().splitlines() or ["nothing"])[-1].strip("= ")
    number = run(*enter, inside, "-VV").stdout.partition("(")[0].strip()
    return Outcome(f"{number}: {last}", done.returncode == 0, time.monotonic() - began)


def main() -> int:
    """Runs them on all supported versions, or on those that are named."""
    given = sys.argv[1:]
    at = given.index("--") if "--" in given else len(given)
    outcomes = {wanted: test(wanted, given[at + 1 :]) for wanted in given[:at] or supported()}
    for wanted, outcome in outcomes.items():
        print(f"{wanted:<6} {outcome.said} ({outcome.seconds:.0f} s in all)")
    return 0 if all(outcome.ok for outcome in outcomes.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
