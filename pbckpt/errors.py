"""Every error that pbckpt raises on purpose.

PbckptError
  GraphError                 the graph that the user gave
    GraphDecodeError         .offset: the bytes are not what the wire format allows
    InvalidGraphError        .node_name: the bytes decode, but mean nothing TensorFlow would run
    UnsupportedGraphError    .node_name .op .kind: valid, but not something pbckpt converts
  SelectionError             .unknown .suggestions: a choice that fits nothing in the graph
    MatchError               .report: a target that the graph does not fill
  BundleError                what is on disk
    CorruptFileError         .file .offset .expected .actual
      ChecksumError          the stored and the computed CRC32C differ
    MissingFileError         .file
    UnsupportedBundleError   a valid bundle of a form that is not read yet
    UnknownKeyError          .key .suggestions, also a KeyError
  PathError                  a name or path that must not be used, an existing prefix
  LimitError                 .limit .value .maximum
  WriteError
    NotCommittedError        also an OSError with its errno: what was there before is untouched
    DurabilityError          committed, but the disk did not confirm it

A message names the thing, the fact and the next step. While reading, an
OSError of the system passes through unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class PbckptError(Exception):
    """The base of every error that pbckpt raises on purpose."""

    def __reduce__(self) -> tuple[object, ...]:
        """Pass from one process to another as it is: most errors take keywords to make."""
        return _revive, (type(self), self.args, vars(self))


def _revive(kind: type[PbckptError], args: tuple[object, ...], state: dict[str, object]) -> object:
    error = kind.__new__(kind)
    error.args = args
    vars(error).update(state)
    return error


class GraphError(PbckptError):
    """Something is wrong with the graph that was given.

    The rooms that decode graphs do not know where the bytes are from; whoever
    opened the file names it with `in_file` as the error passes.
    """

    file = ""

    def in_file(self, file: str) -> GraphError:
        """Return this error with its file named."""
        self.file = self.file or file
        return self

    def __str__(self) -> str:
        """Name the file, unless the message does."""
        message = super().__str__()
        named = not self.file or message.startswith(self.file)
        return message if named else f"{self.file}: {message}"


class GraphDecodeError(GraphError):
    """The bytes are not a protobuf message of the expected type.

    ``offset`` is the byte in the file where decoding stopped making sense.
    """

    def __init__(self, fact: str, *, offset: int) -> None:
        """State the fact; the offset is counted from the start of the file."""
        advice = "the file is cut short or damaged, or is no frozen graph; copy it again"
        super().__init__(f"not a GraphDef: {fact} at byte {offset}; {advice}")
        self.fact = fact
        self.offset = offset


class InvalidGraphError(GraphError):
    """The graph decodes, but a node or function of it contradicts itself or another."""

    def __init__(self, fact: str, *, node_name: str, thing: str = "node") -> None:
        """State the fact about the node ``node_name``, or about another ``thing`` of that name."""
        super().__init__(f"{thing} {node_name!r}: {fact}")
        self.fact = fact
        self.node_name = node_name


class UnsupportedGraphError(GraphError):
    """A valid file or node of a kind that pbckpt does not convert.

    ``kind`` names what a file is instead of a GraphDef; for a single node,
    ``node_name`` and ``op`` are set.
    """

    def __init__(self, message: str, *, kind: str = "", node_name: str = "", op: str = "") -> None:
        """Keep what was found beside the message."""
        super().__init__(message)
        self.kind = kind
        self.node_name = node_name
        self.op = op


class SelectionError(PbckptError):
    """A pattern that matches nothing, or a selection that leaves nothing."""

    def __init__(
        self, message: str, *, unknown: Sequence[str] = (), suggestions: Sequence[str] = ()
    ) -> None:
        """Keep the patterns that matched nothing and the nearest names."""
        super().__init__(message)
        self.unknown = tuple(unknown)
        self.suggestions = tuple(suggestions)


class MatchError(SelectionError):
    """A graph does not fill a target; ``report`` says all about both sides."""

    def __init__(
        self,
        message: str,
        *,
        report: Any,  # noqa: ANN401 - its type is of a room above
        unknown: Sequence[str] = (),
    ) -> None:
        """Keep what was found out about the match."""
        super().__init__(message, unknown=unknown)
        self.report = report


class BundleError(PbckptError):
    """Something is wrong with a checkpoint on disk."""


class CorruptFileError(BundleError):
    """A file of a checkpoint breaks its format.

    The rooms that decode bytes know the offset only; the reader that opened
    the file adds its name with `in_file` as the error passes.
    """

    def __init__(  # noqa: PLR0913 - all but the fact have defaults
        self,
        fact: str,
        *,
        file: str = "",
        offset: int = 0,
        expected: str = "",
        actual: str = "",
        advice: str = "",
    ) -> None:
        """State the fact about the byte at ``offset`` of ``file``, and what to do."""
        super().__init__(fact)
        self.fact = fact
        self.file = file
        self.offset = offset
        self.expected = expected
        self.actual = actual
        self.advice = advice

    def __str__(self) -> str:
        """Name the file, the place, the fact, and both values where there are two."""
        where = f"{self.file}: " if self.file else ""
        values = f" (expected {self.expected}, found {self.actual})" if self.expected else ""
        advice = f"; {self.advice}" if self.advice else ""
        return f"{where}{self.fact} at byte {self.offset}{values}{advice}"

    def in_file(self, file: str, *, base: int = 0) -> CorruptFileError:
        """Return this error with its file named and ``base`` bytes added to its offset."""
        if self.file:
            return self
        return type(self)(
            self.fact,
            file=file,
            offset=base + self.offset,
            expected=self.expected,
            actual=self.actual,
            advice=self.advice,
        )


class ChecksumError(CorruptFileError):
    """A stored CRC32C is not the one of the bytes."""


class MissingFileError(BundleError):
    """A file that a checkpoint needs is not there."""

    def __init__(self, message: str, *, file: str) -> None:
        """Keep the path of the absent file."""
        super().__init__(message)
        self.file = file


class UnsupportedBundleError(BundleError):
    """A valid checkpoint of a form that pbckpt does not read."""


class UnknownKeyError(BundleError, KeyError):
    """The checkpoint has no entry of that key."""

    def __init__(self, key: str, *, prefix: str, suggestions: Sequence[str] = ()) -> None:
        """Offer the nearest keys."""
        nearest = f"; nearest: {', '.join(suggestions)}" if suggestions else ""
        super().__init__(f"no key {key!r} in checkpoint {prefix}{nearest}")
        self.key = key
        self.suggestions = tuple(suggestions)

    def __str__(self) -> str:
        """Show the message as it is: a KeyError would show its repr."""
        return str(self.args[0])


class PathError(PbckptError):
    """A name or a path that must not be used, or a prefix that exists already."""


class LimitError(PbckptError):
    """A declared size is beyond what the caller allowed."""

    def __init__(
        self, message: str, *, limit: str, value: int, maximum: int, advice: str = ""
    ) -> None:
        """Keep the limit's name, the value asked for and the maximum in force."""
        ending = f"; {advice}" if advice else ""
        super().__init__(f"{message}: {value} is over the limit {limit} of {maximum}{ending}")
        self.limit = limit
        self.value = value
        self.maximum = maximum


class WriteError(PbckptError):
    """Writing did not go as promised."""


class NotCommittedError(WriteError, OSError):
    """Nothing was committed: what was at the prefix before is untouched.

    ``errno`` is the system's, ``filename`` the prefix.
    """

    def __str__(self) -> str:
        """Show the message, which names the checkpoint, without number and name again."""
        return self.strerror or super().__str__()

    def __reduce__(self) -> tuple[object, ...]:
        """Carry what the system said along."""
        return type(self), (self.errno, self.strerror, self.filename)


class DurabilityError(WriteError):
    """The checkpoint is in place, but the disk did not confirm that it will stay."""
