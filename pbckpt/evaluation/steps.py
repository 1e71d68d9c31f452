"""Steps: a node ready to be computed, with the places that its inputs come from.

Everything here follows from names and attrs: no value is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import GraphError, InvalidGraphError
from pbckpt.evaluation.obstacles import Obstacle, ObstacleKind, obstacle_of
from pbckpt.evaluation.reference import TensorReference, parse_reference
from pbckpt.evaluation.table import Row, row_of
from pbckpt.names import is_control_input

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pbckpt.dtypes import DataType
    from pbckpt.graph.decode import Node


class Place(NamedTuple):
    """An output of a node, by its number."""

    node: str
    port: int


class Step(NamedTuple):
    """A node, where its inputs come from, and the types of what goes in and comes out."""

    node: Node
    row: Row
    references: tuple[TensorReference, ...]
    wanted: tuple[DataType, ...]
    results: tuple[DataType, ...]

    def place(self, reference: TensorReference) -> Place | None:
        """Return which of this node's outputs a reference means, or None."""
        port: int | None = reference.number
        if reference.output:
            port = self.row.signature.port(self.node, reference.output, reference.number)
        if port is None or port >= len(self.results):
            return None
        return Place(self.node.name, port)


def step_of(nodes: Mapping[str, Node], name: str) -> Step | Obstacle:
    """Return the step of a node, or what is in the way in the node itself."""
    node = nodes.get(name)
    if node is None:
        return Obstacle(ObstacleKind.ABSENT, name, "")
    row = row_of(node.op)
    if row is None:
        return obstacle_of(node)
    try:
        return _step(node, row)
    except GraphError as error:
        detail = error.fact if isinstance(error, InvalidGraphError) else str(error)
        return Obstacle(ObstacleKind.BROKEN, name, node.op, detail)


def _step(node: Node, row: Row) -> Step:
    texts = [text for text in node.definition.input if not is_control_input(text)]
    wanted = row.signature.input_types(node)
    if len(texts) != len(wanted):
        fact = f"{len(texts)} inputs, where {len(wanted)} are wanted"
        raise InvalidGraphError(fact, node_name=node.name)
    references = []
    for text in texts:
        reference = parse_reference(text)
        if reference is None:
            raise InvalidGraphError(f"the input {text!r} names no tensor", node_name=node.name)
        references.append(reference)
    results = row.signature.output_types(node)
    return Step(node, row, tuple(references), tuple(wanted), tuple(results))


def check_inputs(step: Step, producers: list[Step]) -> Obstacle | None:
    """Return what is in the way where inputs are not the tensors that the op takes."""
    for reference, wanted, producer in zip(step.references, step.wanted, producers, strict=True):
        place = producer.place(reference)
        if place is None:
            detail = f"node {producer.node.name!r} has no output {reference.number}"
            return Obstacle(ObstacleKind.BROKEN, step.node.name, step.node.op, detail)
        found = producer.results[place.port]
        if found is not wanted:
            detail = f"an input of type {found.label}, where {wanted.label} is wanted"
            return Obstacle(ObstacleKind.BROKEN, step.node.name, step.node.op, detail)
    return None
