"""What every Python under `otel-claude run` runs first, also one of another environment that a script starts.

OpenTelemetry's own file of this name, which is run here, fails there with a traceback. Python 3.6 can read this.
"""

import os
import sys
from importlib import import_module


def start() -> None:
    """Starts OpenTelemetry in this process, and not in those that are started by that."""
    given = os.environ.get("PYTHONPATH", "")
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - what every Python has loaded
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in given.split(os.pathsep) if path != here)
    try:
        import_module("opentelemetry.instrumentation.auto_instrumentation.sitecustomize")
    finally:
        os.environ["PYTHONPATH"] = given


packages = import_module("otel_claude_needs").missing()
if packages:
    sys.stderr.write(f"otel-claude: {sys.executable} does not have {', '.join(packages)}, so it is not measured.\n")
else:
    start()
