"""A program that makes no call, and says what it was given."""

import sys
from pathlib import Path

sys.stdout.write(f"{sys.argv[1:]} {sys.stdin.read()} {sys.stdout.isatty()} {Path.cwd()}\n")
sys.stderr.write("own words\n")
