"""`os.fork`: the parent makes calls before the forks and after them. Each child ends as a program does."""

import os
import sys

from asking import ask

ask(2)
children = []
for who, times in enumerate((3, 2, 1), start=1):
    child = os.fork()
    if child == 0:
        ask(times, who)
        sys.exit()
    children.append(child)
ask(1, 4)
sys.exit(max(os.waitpid(child, 0)[1] for child in children))
