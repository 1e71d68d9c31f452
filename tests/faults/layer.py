"""What lies between pbckpt.storage and the system while a test is on.

It counts the calls that touch files, and does something bad at the N-th.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from pbckpt.storage import directory as directory_module
from pbckpt.storage import local as local_module

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

FILE_CALLS = (
    "open",
    "close",
    "write",
    "pwrite",
    "fsync",
    "rename",
    "unlink",
    "mkdir",
    "rmdir",
    "listdir",
)
KILLED = 9


class Call(NamedTuple):
    """A call that is on its way to the system."""

    number: int
    name: str
    real: Callable[..., Any]
    arguments: tuple[Any, ...]
    options: dict[str, Any]

    def go_on(self) -> object:
        return self.real(*self.arguments, **self.options)


class Layer:
    """The os module as pbckpt.storage sees it; ``fault`` decides what becomes of a call."""

    def __init__(self, fault: Callable[[Call], object]) -> None:
        self.names: list[str] = []
        self._fault = fault
        self._one_at_a_time = threading.Lock()

    def __getattr__(self, name: str) -> object:
        real = getattr(os, name)
        if name == "fsync":
            real = os.fstat  # Nothing here loses power, so no test has to wait for a disk.
        return self.wrap(name, real) if name in FILE_CALLS else real

    def wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            with self._one_at_a_time:
                self.names.append(name)
                number = len(self.names)
            return self._fault(Call(number, name, real, arguments, options))

        return call

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(directory_module, "os", self)
        monkeypatch.setattr(local_module, "os", self)
        real = getattr(directory_module, "flock", None)
        if real is not None:
            monkeypatch.setattr(directory_module, "flock", self.wrap("flock", real))


def pass_on(call: Call) -> object:
    return call.go_on()


def half_written(call: Call) -> None:
    """Let the first half of a write through."""
    if call.name in ("write", "pwrite"):
        fd, data, *place = call.arguments
        call.real(fd, memoryview(data)[: len(data) // 2], *place)


class ErrorAt:
    """The N-th call fails; all that follow too, if it is a disk that fails for good."""

    def __init__(self, number: int, code: int, *, for_good: bool = False) -> None:
        self.number, self.code, self.for_good = number, code, for_good

    def __call__(self, call: Call) -> object:
        struck = call.number >= self.number if self.for_good else call.number == self.number
        if not struck or (self.for_good and call.name == "flock"):  # Locks are not on the disk.
            return call.go_on()
        if call.name == "close":
            call.go_on()  # A file is closed even where closing reports an error.
        if call.name == "pwrite":
            half_written(call)
        raise OSError(self.code, os.strerror(self.code))


class DoneButReportedAsFailed:
    """The N-th call is done, and fails: a network file system that lost the answer."""

    def __init__(self, number: int, code: int) -> None:
        self.number, self.code = number, code

    def __call__(self, call: Call) -> object:
        done = call.go_on()
        if call.number == self.number and call.name in ("rename", "unlink", "fsync", "close"):
            raise OSError(self.code, os.strerror(self.code))
        return done


class InterruptAt:
    """Ctrl-C just before the N-th call, or just after it."""

    def __init__(self, number: int, *, after: bool) -> None:
        self.number, self.after = number, after

    def __call__(self, call: Call) -> object:
        if call.number != self.number:
            return call.go_on()
        if self.after:
            call.go_on()
        raise KeyboardInterrupt


class KillAt:
    """The process ends at the N-th call, in the middle of it if it is a write."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self, call: Call) -> object:
        if call.number == self.number:
            half_written(call)
            os._exit(KILLED)
        return call.go_on()
