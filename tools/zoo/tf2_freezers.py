"""The ways in which TensorFlow 2.21 turns variables into constants.

Each freezer gives a `Frozen`: the graph, its inputs and outputs, and, followed
through the conversion, the Const that each variable became. TensorFlow 2 passes a
variable into a function as a captured resource; freezing puts a Const of the
placeholder's name in its place, so that the captures tell which Const is whose.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple

from tensorflow.python.framework import convert_to_constants

if TYPE_CHECKING:
    from tools.zoo.tf2_networks import Kit, Network
    from tools.zoo.tf2_sessions import Session


class Frozen(NamedTuple):
    """A frozen graph, and where each variable went (or that it stayed)."""

    graph: Any
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    origin: dict[str, str]
    left: frozenset[str] = frozenset()
    trace: str = "full"
    names_kept: bool | str = "call-site"
    style: str = "Const */resource -> Identity */ReadVariableOp"
    tool: str = "convert_variables_to_constants_v2"
    # Variables whose Const went into another's: the node that still reads by their name.
    merged: dict[str, str] = {}  # noqa: RUF012 - never changed


def concrete(kit: Kit, network: Network) -> Any:
    """Trace a network."""
    return kit.tf.function(network.call).get_concrete_function(*network.inputs)


def origins(function: Any, variables: dict[str, Any]) -> dict[str, str]:
    """Follow each variable to the placeholder that a traced function has for it."""
    held = [(outer, inner.op.name) for outer, inner in function.graph.captures]
    found = {}
    for name, variable in variables.items():
        inner = [inner for outer, inner in held if outer is variable.handle]
        if inner:
            found[name] = inner[0]
    return found


def taken(kit: Kit, function: Any, origin: dict[str, str], **facts: Any) -> Frozen:
    """Take a frozen function."""
    inputs = tuple(t.op.name for t in function.inputs if t.dtype != kit.tf.resource)
    outputs = tuple(t.op.name for t in function.outputs)
    facts = {"graph": function.graph.as_graph_def(), **facts}
    return Frozen(inputs=inputs, outputs=outputs, origin=origin, **facts)


def lowered(kit: Kit, network: Network) -> Frozen:
    """Freeze as the function does by itself: control flow lowered."""
    return converted(kit, network)


def functional(kit: Kit, network: Network) -> Frozen:
    """Freeze, control flow kept as functions."""
    return converted(kit, network, lower_control_flow=False)


def aggressive(kit: Kit, network: Network) -> Frozen:
    """Freeze with aggressive inlining."""
    return converted(kit, network, aggressive_inlining=True)


def converted(kit: Kit, network: Network, **options: Any) -> Frozen:
    """Freeze the traced network by TensorFlow 2's function."""
    traced = concrete(kit, network)
    function = convert_to_constants.convert_variables_to_constants_v2(traced, **options)
    origin = origins(traced, network.variables)
    told = ", ".join(f"{key}={value}" for key, value in options.items())
    tool = f"convert_variables_to_constants_v2({told})"
    return taken(kit, function, origin, tool=tool)


def as_graph(kit: Kit, network: Network) -> Frozen:
    """Freeze as the TFLite converter begins: function and graph side by side."""
    traced = concrete(kit, network)
    convert = convert_to_constants.convert_variables_to_constants_v2_as_graph
    function, graph = convert(traced, lower_control_flow=False, aggressive_inlining=True)
    origin = origins(traced, network.variables)
    return taken(
        kit, function, origin, graph=graph, tool="convert_variables_to_constants_v2_as_graph"
    )


def denylist(kit: Kit, network: Network) -> Frozen:
    """Freeze all but every third variable."""
    traced = concrete(kit, network)
    origin = origins(traced, network.variables)
    left = frozenset(list(origin)[1::3])
    data = convert_to_constants._FunctionConverterDataInEager(  # noqa: SLF001 - the public name has no list
        func=traced,
        lower_control_flow=True,
        aggressive_inlining=False,
        variable_names_denylist=[origin[name] for name in left],
    )
    graph, indices = convert_to_constants._replace_variables_by_constants(data)  # noqa: SLF001 - as above
    function = convert_to_constants._construct_concrete_function(traced, graph, indices)  # noqa: SLF001 - as above
    kept = {name: node for name, node in origin.items() if name not in left}
    tool = "convert_variables_to_constants_v2 with variable_names_denylist"
    style = "partly frozen: resource placeholders stay"
    return taken(kit, function, kept, left=left, tool=tool, style=style)


def signature(kit: Kit, network: Network) -> Frozen:
    """Save a SavedModel, load it, freeze the signature: unknown_N and call prefixes."""
    tf, holder = kit.tf, kit.tf.Module()
    holder.network, holder.all_variables = network.root, list(network.variables.values())
    holder.serve = tf.function(network.call, input_signature=network.inputs)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(holder, folder)
        loaded = tf.saved_model.load(folder)
    traced = loaded.signatures["serving_default"]
    variables = dict(zip(network.variables, loaded.all_variables, strict=True))
    function = convert_to_constants.convert_variables_to_constants_v2(traced)
    return taken(
        kit,
        function,
        origins(traced, variables),
        tool="convert_variables_to_constants_v2 of a loaded signature",
        style="Const unknown_N -> Identity StatefulPartitionedCall/...",
    )


def by_name(kit: Kit, network: Session) -> Frozen:
    """Freeze a graph with a session, as TF 1 did."""
    return in_session(kit, network, frozenset())


def by_name_partly(kit: Kit, network: Session) -> Frozen:
    """Freeze a graph with a session, all but every third variable."""
    return in_session(kit, network, frozenset(list(network.variables)[1::3]))


def in_session(kit: Kit, network: Session, denied: frozenset[str]) -> Frozen:
    """Freeze a graph with a session but for the denied variables."""
    graph = network.session.graph.as_graph_def(add_shapes=False)
    frozen = kit.tf.compat.v1.graph_util.convert_variables_to_constants(
        network.session, graph, list(network.outputs), variable_names_blacklist=sorted(denied)
    )
    there = {node.name for node in frozen.node}
    inputs = tuple(node.name for node in frozen.node if node.op == "Placeholder")
    kind = "*/ReadVariableOp" if network.resource else "x/read"
    return Frozen(
        frozen,
        inputs,
        network.outputs,
        {name: name for name in network.variables if name in there - denied},
        left=denied & there,
        names_kept=True,
        tool="compat.v1 convert_variables_to_constants" + (" (blacklist)" if denied else ""),
        style=f"Const x -> Identity {kind}" + (", partly frozen" if denied else ""),
    )


FREEZERS = {
    "": lowered,
    "functional": functional,
    "aggressive": aggressive,
    "asgraph": as_graph,
    "denylist": denylist,
    "signature": signature,
}
SESSION_FREEZERS = {"": by_name, "blacklist": by_name_partly}
