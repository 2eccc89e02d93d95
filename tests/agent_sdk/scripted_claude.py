"""Stands for the `claude` program: gives the messages that a test wrote, one turn for each prompt.

    python scripted_claude.py TURNS_FILE [the program's own arguments]

It speaks the protocol of the real one over its standard streams, and answers each control request with success.
"""

import json
import sys
from pathlib import Path
from typing import Any


def say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> None:
    turns = iter(json.loads(Path(sys.argv[1]).read_text()))
    arguments = sys.argv[2:]
    if {"-v", "--version"} & set(arguments):
        sys.stdout.write("2.1.330 (Claude Code)\n")
        return
    if "--print" in arguments:
        # Before 0.1.20 or so, a prompt that is a string came as an argument.
        for message in next(turns):
            say(message)
        return
    for line in sys.stdin:
        told = json.loads(line)
        if told["type"] == "control_request":
            response = {"subtype": "success", "request_id": told["request_id"], "response": {}}
            say({"type": "control_response", "response": response})
        elif told["type"] == "user":
            for message in next(turns, []):
                say(message)


if __name__ == "__main__":
    main()
