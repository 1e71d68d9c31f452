"""Meter: run one command and say how long it took and how much memory it held.

    meter.py COMMAND…    {"seconds": 0.05, "peak_bytes": 22528000, "status": 0}

A program of its own, and a small one, because of a trap: Linux counts into a
process's peak what its parent held at the moment that it started it. Under a
benchmark that has grown, every command would seem to have grown as well. Under
this no command appears smaller than a bare Python, which is the most that a
figure can be wrong by, and then only one for a program as small as ``cp``.

The peak counts mapped pages of files, too: it is what the system had to find
room for, not what the program asked for.
"""

import json
import os
import sys
import time

RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""What the system counts ru_maxrss in."""


def main() -> int:
    """Run the command with its output thrown away; its errors go where ours do."""
    command = sys.argv[1:]
    silence = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    started = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ, file_actions=silence)
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - started
    peak_bytes = usage.ru_maxrss * RSS_UNIT
    code = os.waitstatus_to_exitcode(status)
    print(json.dumps({"seconds": seconds, "peak_bytes": peak_bytes, "status": code}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
