"""A progress bar on stderr, for a person who waits: on a terminal, after a second."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_PATIENCE_SECONDS = 1.0
_REDRAW_SECONDS = 0.1
_WIDTH = 30


class ProgressBar:
    """Shows how far a job is; call it with bytes done and bytes in all."""

    def __init__(self, label: str, *, enabled: bool) -> None:
        """Draw nothing if not ``enabled``, or where stderr is not a terminal."""
        self._label = label
        self._enabled = enabled and sys.stderr.isatty()
        self._next = time.monotonic() + _PATIENCE_SECONDS
        self._drawn = False
        self._finished = False

    def __enter__(self) -> Self:
        """Return the bar itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the bar's line, finished or not, so that what follows has its own."""
        if self._drawn and not self._finished:
            sys.stderr.write("\n")
            sys.stderr.flush()

    def __call__(self, done: int, total: int) -> None:
        """Draw the bar if it is time to."""
        if not self._enabled or self._finished:
            return
        finished = done >= total
        now = time.monotonic()
        if now < self._next and not (finished and self._drawn):
            return
        self._next = now + _REDRAW_SECONDS
        self._drawn, self._finished = True, finished
        share = min(1.0, done / total) if total else 1.0
        bar = ("#" * round(share * _WIDTH)).ljust(_WIDTH)
        end = "\n" if finished else ""
        sys.stderr.write(f"\r{self._label} [{bar}] {share:4.0%}{end}")
        sys.stderr.flush()
