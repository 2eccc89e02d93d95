"""What the release workflow asks of the checkout.

    python scripts/release.py notes v1.2.0 > notes.md

`notes` prints the section of CHANGELOG.md. It fails unless the tag is the version of the code, with a dated section.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def notes(tag: str, version: str, changelog: str) -> str:
    """The changes of a version, as CHANGELOG.md has them."""
    if tag != f"v{version}":
        raise SystemExit(f"the tag is {tag}, and src/otel_claude/version.py says {version}")
    heading = rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)\n"
    found = re.search(rf"{heading}(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not found or not found[1].strip():
        raise SystemExit(f"CHANGELOG.md has no section `## {version} (YYYY-MM-DD)` with changes in it")
    return found[1].strip() + "\n"


def main() -> None:
    """Prints, or says how it is called."""
    if len(sys.argv) != 3 or sys.argv[1] != "notes":  # noqa: PLR2004 - a command and a tag
        raise SystemExit(__doc__)
    version = (ROOT / "src/otel_claude/version.py").read_text().partition('__version__ = "')[2].partition('"')[0]
    sys.stdout.write(notes(sys.argv[2], version, (ROOT / "CHANGELOG.md").read_text()))


if __name__ == "__main__":
    main()
