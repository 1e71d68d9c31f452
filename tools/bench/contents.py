"""Contents: what the arrays that a checkpoint is made of look like.

    size    tensors   floats of each
    2GB           8   62.5 million
    100k    100,000   16
    8GB          64   32 million

Keys are model/layer_000000/kernel and so on. The numbers are random but the same
each time; nobody computes with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Array = npt.NDArray[Any]

_SEED = 1
_FLOAT_BYTES = 4
# Below this, tensors stand for their number, above for their bytes.
_SMALL_ELEMENTS = 1000


class Contents(NamedTuple):
    """Arrays of one length, by the name of their size."""

    size: str
    num_tensors: int
    elements: int

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return self.num_tensors * self.elements * _FLOAT_BYTES

    def scaled(self, factor: float) -> Contents:
        """Return smaller contents for a quick look: fewer small tensors, or shorter large ones."""
        if factor == 1:
            return self
        name = f"{self.size} x {factor:g}"
        if self.elements < _SMALL_ELEMENTS:
            return Contents(name, max(1, round(self.num_tensors * factor)), self.elements)
        return Contents(name, self.num_tensors, max(1, round(self.elements * factor)))

    def keys(self) -> list[str]:
        """Return the keys, ascending."""
        return [f"model/layer_{number:06}/kernel" for number in range(self.num_tensors)]

    def arrays(self) -> Iterator[tuple[str, Array]]:
        """Yield keys and arrays, and hold none of these."""
        import numpy as np  # noqa: PLC0415 - the benchmark itself can do without

        source = np.random.default_rng(_SEED)
        for key in self.keys():
            yield key, source.random(self.elements, np.float32)


CONTENTS = {
    contents.size: contents
    for contents in (
        Contents("2GB", 8, 62_500_000),
        Contents("100k", 100_000, 16),
        Contents("8GB", 64, 32_000_000),
    )
}
"""The contents by name."""
