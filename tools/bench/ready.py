"""Ready: memory that the machine holds, for whoever needs some next.

    python ready.py BYTES

A virtual machine gives memory that is free to its host and has it again page by
page, ten times slower than the writing of a file. Whoever writes first after a
pause would pay for that, so this takes memory, touches it and ends. A process of
its own, for the peak of a process counts for those that it starts later.

Where there is less than asked for, or another system than Linux, it does less:
it is a help, not a condition.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import sys

_SPARE_BYTES = 64 << 20


def touch(nbytes: int) -> None:
    """Have the machine hold more than twice as much free memory as ``nbytes``."""
    populate = getattr(mmap, "MAP_POPULATE", None)
    if not nbytes or populate is None:
        return
    free = os.sysconf("SC_AVPHYS_PAGES") * mmap.PAGESIZE
    wanted = min(5 * nbytes // 2 + _SPARE_BYTES, free - _SPARE_BYTES)
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | populate
    with contextlib.suppress(OSError, ValueError):
        mmap.mmap(-1, wanted, flags=flags).close()


if __name__ == "__main__":
    touch(int(sys.argv[1]))
