#!/usr/bin/env python3
"""Runs a command while the servers that it starts are stopped now and then, for up to 0.8 s each: what races fails.

A machine that has other things to do looks like this. Usage: tests/stalls.py COMMAND [ARGUMENT ...]
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

STALLED = {"ocrch", "anvil"}
SECONDS = (0.05, 0.2, 0.4, 0.8)
LOOK_EVERY = 0.02
CHANCE = 0.06


def descendants(root):
    """The processes below one, by their parents as they are now."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The name stands in parentheses and may have any character.
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, left = [], [root]
    while left:
        below = children.get(left.pop(), [])
        found += below
        left += below
    return found


def is_server(pid):
    try:
        return Path(os.readlink(f"/proc/{pid}/exe")).name in STALLED
    except OSError:
        return False


def send(pid, which):
    try:
        os.kill(pid, which)
    except ProcessLookupError:
        pass


def main(command):
    run = subprocess.Popen(command)
    stopped = {}
    while run.poll() is None:
        now = time.monotonic()
        for pid in [pid for pid, until in stopped.items() if until < now]:
            send(pid, signal.SIGCONT)
            del stopped[pid]
        for pid in descendants(run.pid):
            if pid not in stopped and is_server(pid) and random.random() < CHANCE:
                send(pid, signal.SIGSTOP)
                stopped[pid] = now + random.choice(SECONDS)
        time.sleep(LOOK_EVERY)
    for pid in stopped:
        send(pid, signal.SIGCONT)
    return run.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
