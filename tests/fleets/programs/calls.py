"""A process that makes calls and ends. `calls.py HOW_MANY WHO`"""

import sys

from asking import ask

ask(int(sys.argv[1]), int(sys.argv[2]))
