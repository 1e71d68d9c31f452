"""References: the text that names a tensor, and the output that it means.

w            output 0 of the node w
w:1          output 1
w:output:1   in the body of a function: number 1 of what the op calls output
"""

from __future__ import annotations

from typing import NamedTuple


class TensorReference(NamedTuple):
    """A node, the name of an output where one is given, and a number."""

    node: str
    output: str
    number: int


def parse_reference(text: str) -> TensorReference | None:
    """Return what a tensor's name means, or None where it names no tensor."""
    node, *ports = text.split(":")
    if not node or node.startswith("^") or len(ports) > len(TensorReference._fields) - 1:
        return None
    if not ports:
        return TensorReference(node, "", 0)
    digits = ports[-1]
    # Beyond nine digits there is no output, and Python limits its own numbers.
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):  # noqa: PLR2004
        return None
    return TensorReference(node, ports[0] if len(ports) > 1 else "", int(digits))
