"""Signatures: a word for each input of an op, in tables that are read by people.

    "- begin size"      one word a slot; "-" is a slot of which the table says nothing
    "values* axis"      a star: any number of slots, here all but the last
    "-* - min* max*"    several stars stand for equally many slots each

A table has a signature and the ops that bear it, so that each fact stands once:

    {"- begin size": "Slice", "- axis": "Cumprod Cumsum ReverseV2"}

The trap: where there is a star, what is behind it counts from the end, so only the
number of inputs tells which slot it is. Control inputs do not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NOTHING = "-"
_STAR = "*"


class Signature(NamedTuple):
    """Words for the slots of an op, and which of them stand for many slots."""

    words: tuple[str, ...]
    stars: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> Signature:
        """Return the signature that a table writes so."""
        words = text.split()
        stars = tuple(place for place, word in enumerate(words) if word.endswith(_STAR))
        return cls(tuple(word.rstrip(_STAR) for word in words), stars)

    def word(self, slot: int, num_inputs: int) -> str | None:
        """Return the word of a slot, or None where there is none to say."""
        place = self._place(slot, num_inputs)
        if not 0 <= place < len(self.words):
            return None
        word = self.words[place]
        return None if word in ("", _NOTHING) else word

    def _place(self, slot: int, num_inputs: int) -> int:
        """Return which word a slot has, by counting what each star stands for."""
        if not self.stars:
            return slot
        fixed = len(self.words) - len(self.stars)
        each = max(0, num_inputs - fixed) // len(self.stars)
        for star in self.stars:
            if slot < star:
                return slot
            if slot < star + each:
                return star
            # What is behind the star moves to where it is written.
            slot -= each - 1
        return slot


class Signatures:
    """The signatures of many ops."""

    def __init__(self, *tables: Mapping[str, str]) -> None:
        """Read tables of signatures and ops; an op stands in them once."""
        self._signatures: dict[str, Signature] = {}
        for table in tables:
            for text, ops in table.items():
                signature = Signature.of(text)
                for op in ops.split():
                    if self._signatures.setdefault(op, signature) is not signature:
                        raise ValueError(f"{op} stands twice")

    def __iter__(self) -> Iterator[tuple[str, Signature]]:
        """Yield the ops with their signatures."""
        return iter(self._signatures.items())

    def word(self, op: str, slot: int, num_inputs: int) -> str | None:
        """Return the word of an op's input slot, or None."""
        signature = self.signature(op)
        return None if signature is None else signature.word(slot, num_inputs)

    def signature(self, op: str) -> Signature | None:
        """Return the signature of an op.

        Names that oneDNN gives to ops of the same inputs count as those ops.
        """
        found = self._signatures.get(op)
        if found is None and op.startswith(_MKL):
            found = self._signatures.get(without_mkl(op))
        return found


_MKL = "_Mkl"
_MKL_NATIVE = "_MklNative"


def without_mkl(op: str) -> str:
    """Return the op that oneDNN's op of a graph in memory stands for.

    ``_MklConv2D`` and ``_MklNativeConv2D`` become ``Conv2D``, and
    ``_MklNativeFusedConv2D`` becomes ``_FusedConv2D`` where the plain op has that name.
    """
    name = op.removeprefix(_MKL_NATIVE) if op.startswith(_MKL_NATIVE) else op.removeprefix(_MKL)
    return f"_{name}" if name in _FUSED else name


# Plain ops of a leading underscore, without it.
_FUSED = frozenset(
    (
        "FusedBatchNormEx",
        "FusedConv2D",
        "FusedConv3D",
        "FusedDepthwiseConv2dNative",
        "FusedMatMul",
    )
)
