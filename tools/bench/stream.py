"""Stream: a program that writes a checkpoint from arrays that are made one by one.

    python -m tools.bench.stream PREFIX TENSORS FLOATS_OF_EACH

What is of interest is its memory: that of one or two arrays, however many there are.
"""

from __future__ import annotations

import sys

from pbckpt import Durability, save_checkpoint
from tools.bench.contents import Contents


def main() -> int:
    """Write the checkpoint."""
    prefix, num_tensors, elements = sys.argv[1:]
    arrays = Contents("", int(num_tensors), int(elements)).arrays()
    save_checkpoint(arrays, prefix, durability=Durability.NONE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
