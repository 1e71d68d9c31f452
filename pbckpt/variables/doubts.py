"""Doubts: evidence against a constant having been a variable.

rule             says
parameter        ops take it as a shape, an axis, a permutation, a bound, …
literal          it has the name that TensorFlow gives a number in a formula
default_name     it is called Const, as tf.constant calls what has no name
folded           its name is that of an operation, or one that a tool gives to
                 what it has computed: it is a result, not an original
not_a_number     integers, truth values and strings are seldom weights
scalar           a single number is an epsilon more often than a weight
empty            nothing is in it
preprocessing    it shifts or scales the network's input
bound            signals are compared with it, or kept within it
written_values   its numbers are those that somebody wrote: see numbers
repeated_values  its numbers are made of few
unused           nothing takes it
unmarked         freezing left its mark on the variables, and not on this
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pbckpt.dtypes import DataType
from pbckpt.operators import GATHERS, argument_name, is_control_or_bookkeeping
from pbckpt.operators.roles import Role
from pbckpt.variables.evidence import Evidence, Strength
from pbckpt.variables.numbers import number_evidence
from pbckpt.variables.sight import use_role
from pbckpt.variables.words import (
    FOLDED_OFFSET,
    is_computed,
    is_default_name,
    is_function_name,
    is_input_of,
    is_input_word,
    is_numbered,
    is_operation_name,
    is_setting,
    is_usual_name,
    is_word,
    loop_copy,
    quoted,
    result_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbckpt.variables.sight import Scene, Sight
    from pbckpt.variables.walk import Use, Walker

# A trace that checks of values look like.
_MAY_BE_CHECKED = "colocated"
# What optimize_for_inference of TensorFlow 2 adds to the name of an operation whose weights
# it folds a factor into; other tools leave them their own name.
_FOLDED_KERNEL = "_weights"
# A weight that was cast to half is still that weight.
_HALVES = frozenset((DataType.HALF, DataType.BFLOAT16))
_CAST = re.compile(r"Cast(?:_\d+)?")
_ARITHMETIC = frozenset(
    ("Add", "AddV2", "Sub", "Mul", "RealDiv", "Div", "DivNoNan", "BiasAdd", "SquaredDifference")
)
_COMPARISONS = frozenset(
    (
        *("Minimum", "Maximum", "Greater", "GreaterEqual", "Less", "LessEqual", "Equal"),
        "NotEqual",
    )
)
_INPUTS = frozenset(("Placeholder", "PlaceholderV2", "PlaceholderWithDefault", "_Arg"))
# How many steps a network's input may have been prepared in.
_MAX_STEPS = 6
# What so many operations take is no output.
_MAX_TAKERS = 64


def doubts(sight: Sight, walker: Walker, scene: Scene) -> Sequence[Evidence]:
    """Return what speaks against a constant."""
    found = plain_doubts(sight, walker)
    if not scene.names_weights and sight.rank:
        # Where all weights are called Const, that name says nothing.
        found = [one for one in found if one.rule != "default_name"]
    if not scene.marked:
        return [*found, *_numbers(sight, scene)]
    if _is_traced(sight) or _is_read(sight, scene):
        return found
    reason = f"freezing left the read of a variable on {scene.marked} others, and not on this one"
    # Reads that names do not tell are no proof, nor is that there is none; and a table
    # that rows are looked up in has none.
    is_proof = not scene.reads and not _is_placed_table(sight)
    strength = Strength.PROOF if is_proof else Strength.STRONG
    return [*found, _against("unmarked", strength, reason)]


def plain_doubts(sight: Sight, walker: Walker) -> Sequence[Evidence]:
    """Return what speaks against a constant, whatever the graph is like."""
    if sight.plain_doubts is None:
        uses = _uses(sight)
        found = [uses, _name(sight), *_value(sight)]
        # A parameter of operations is no operand of any.
        if uses is None and sight.reach.uses:
            found += (_preprocessing(sight, walker), _bounds(sight))
        sight.plain_doubts = [one for one in found if one is not None]
    return sight.plain_doubts


def _numbers(sight: Sight, scene: Scene) -> Sequence[Evidence]:
    """Find out whether the numbers are those of a constant of the model's code.

    Networks of few or short weights exist, too: a name of weights is heard as much.
    """
    if sight.tensor is None or sight.traces:
        return ()
    if sight.by_numbers is None:
        found = number_evidence(sight.tensor)
        sight.by_numbers = [] if found is None else [found]
    if sight.by_numbers and (is_usual_name(sight.last_name) or not scene.has_names):
        return [one._replace(strength=Strength.FAIR) for one in sight.by_numbers]
    return sight.by_numbers


def _is_traced(sight: Sight) -> bool:
    """Tell whether freezing left a trace that constants of the model's code never have."""
    return any(trace.evidence.rule != _MAY_BE_CHECKED for trace in sight.traces)


def _is_read(sight: Sight, scene: Scene) -> bool:
    """Tell whether a constant is read where names tell no reads; tables have none."""
    if not scene.reads:
        return False
    network = sight.network
    return sight.number in scene.reads or any(
        use_role(network, use) is Role.EMBEDDINGS and network.inputs[use.node][0][0] == sight.number
        for use in sight.reach.uses
    )


def _is_placed_table(sight: Sight) -> bool:
    """Tell whether an operation looks rows up in a constant, and was placed with it.

    That is all that freezing leaves of a gather from a resource in a session of
    TensorFlow 2, and what it leaves of one from a constant.
    """
    network = sight.network
    return network.has_resources and any(
        use.slot == 0
        and network.ops[use.node] in GATHERS
        and f"loc:@{sight.name}".encode() in network.places(use.node)
        for use in sight.reach.uses
    )


def _against(rule: str, strength: Strength, reason: str) -> Evidence:
    return Evidence(rule, strength, reason, speaks_for=False)


def parameter_of(sight: Sight, use: Use) -> str | None:
    """Return which parameter of an op a constant is, or None."""
    op = sight.network.ops[use.node]
    return argument_name(op, use.slot, len(sight.network.inputs[use.node]))


def _end_of_range(sight: Sight, use: Use) -> str | None:
    """Return which end of the range of quantized values a constant is, or None.

    What ops that only imitate quantization take was trained.
    """
    op = sight.network.ops[use.node]
    role = use_role(sight.network, use)
    if role not in (Role.RANGE_MIN, Role.RANGE_MAX) or op.startswith("FakeQuant"):
        return None
    return f"{'lowest' if role is Role.RANGE_MIN else 'highest'} of the numbers it was quantized to"


def is_copied(sight: Sight) -> bool:
    """Tell whether an optimizer made a copy of a constant for the loop that uses it."""
    return loop_copy(sight.name) in sight.network.known_names


def _uses(sight: Sight) -> Evidence | None:
    uses = sight.reach.uses
    if not uses:
        if is_usual_name(sight.last_name) or is_copied(sight):
            return None
        return _against("unused", Strength.FAIR, "no operation takes it")
    telling: tuple[Use, str] | None = None
    for use in uses:
        if is_control_or_bookkeeping(sight.network.ops[use.node]):
            telling = telling or (use, "a part of the bookkeeping")
            continue
        word = parameter_of(sight, use) or _end_of_range(sight, use)
        if word is None:
            return None
        telling = (use, f"the {word}")
    if telling is None:
        return None
    use, what = telling
    return _against("parameter", Strength.STRONG, f"{sight.describe(use)} takes it as {what}")


def _name(sight: Sight) -> Evidence | None:
    last = sight.last_name
    if is_default_name(last):
        reason = f"it is called {last}, as tf.constant calls what is given no name"
        return _against("default_name", Strength.STRONG, reason)
    literal = _literal(sight)
    if literal is not None or sight.traces:
        return literal
    if is_computed(sight.name) or _is_folded_kernel(sight):
        reason = f"its name {quoted(sight.name)} is one that tools give to what they compute"
        return _against("folded", Strength.STRONG, reason)
    if result := result_name(sight.name) or _cast_name(sight):
        reason = f"its name is that of an operation, {result}, whose result it is"
        return _against("folded", Strength.STRONG, reason)
    return None


def _is_folded_kernel(sight: Sight) -> bool:
    """Tell whether a constant has the name that folding gives to weights beside an offset.

    It is that of the operation that takes them, which nobody has named: people call
    their own weights conv1_weights, and a library depthwise_weights.
    """
    product = sight.name.removesuffix(_FOLDED_KERNEL)
    network = sight.network
    if product == sight.name or f"{product}{FOLDED_OFFSET}" not in network.known_names:
        return False
    last = product.rpartition("/")[2]
    return any(
        network.names[taker] == product and is_word(last, network.ops[taker])
        for taker, _ in network.consumers(sight.number)
    )


def _literal(sight: Sight) -> Evidence | None:
    """Find out whether a constant is named as a number in a formula is."""
    taker = _literal_of(sight)
    if taker is not None:
        what = sight.network.describe(taker)
        reason = f"it is named after its place in {what}, as TensorFlow names plain numbers"
        strength = Strength.FAIR if _is_named_alike(sight, taker) else Strength.STRONG
        return _against("literal", strength, reason)
    operation = sight.name.rpartition("/")[0].rpartition("/")[2]
    if sight.rank or sight.traces or not is_input_word(sight.last_name):
        return None
    if not is_function_name(operation):
        return None
    reason = f"it is named as a number in {operation} is, though a tool has changed that"
    return _against("literal", Strength.STRONG, reason)


def _cast_name(sight: Sight) -> str | None:
    """Return the name of the Cast whose result a constant is, but for a weight cast to half."""
    is_half = sight.rank > 0 and sight.tensor is not None and sight.tensor.dtype in _HALVES
    return None if is_half or not _CAST.fullmatch(sight.last_name) else sight.last_name


def _literal_of(sight: Sight) -> int | None:
    """Return the op after whose input a constant is named."""
    scope, _, last = sight.name.rpartition("/")
    if not scope:
        return None
    network = sight.network
    for number, slot in network.consumers(sight.number):
        op = network.ops[number]
        if network.names[number] == scope and op != "Identity" and is_input_of(op, slot, last):
            return number
    return None


def _is_named_alike(sight: Sight, taker: int) -> bool:
    """Tell whether a layer's weights may be called what its op calls its inputs.

    A layer bn1 has its mean in bn1/mean, and so has an operation bn1 that got a
    number there. One that TensorFlow has named, FusedBatchNorm, is no layer.
    """
    if not sight.rank:
        return False
    last = sight.network.names[taker].rpartition("/")[2]
    named_by_people = not is_operation_name(last) and not last.startswith(
        sight.network.ops[taker].rstrip("V23")
    )
    roles = (role for use, role in sight.roles() if use.node == taker)
    return named_by_people and any(role is not Role.MATRIX for role in roles)


def _value(sight: Sight) -> Iterator[Evidence | None]:
    tensor = sight.tensor
    if tensor is None:
        return
    if tensor.num_elements == 0:
        yield _against("empty", Strength.STRONG, "it has no elements")
    dtype = tensor.dtype
    if not dtype.is_numeric:
        is_text = dtype is DataType.STRING
        strength = Strength.STRONG if is_text and not _is_traced(sight) else Strength.FAIR
        reason = f"it holds {dtype.label}, and weights are seldom that"
        yield _against("not_a_number", strength, reason)
    elif not tensor.shape:
        yield _single_number(sight.last_name)


def _single_number(name: str) -> Evidence | None:
    """Find out what speaks against a single number; its name may say that it was set."""
    if is_setting(name):
        reason = f"it is a single number, and {name} is a usual name of settings"
        return _against("scalar", Strength.FAIR, reason)
    if is_numbered(name) or not name.isidentifier():
        reason = "it is a single number, as an epsilon or a factor is"
        return _against("scalar", Strength.SLIGHT, reason)
    return None


def _bounds(sight: Sight) -> Evidence | None:
    """Find a constant that nothing is done with but to compare."""
    ops, uses = sight.network.ops, sight.reach.uses
    if any(ops[use.node] not in _COMPARISONS for use in uses):
        return None
    reason = f"{sight.describe(uses[0])} compares with it"
    return _against("bound", Strength.FAIR, reason)


def _formula_uses(sight: Sight, walker: Walker) -> Iterator[Use]:
    """Yield the uses, and those of what is computed from it and other constants."""
    for use in sight.reach.uses:
        yield use
        if walker.constant_only[use.node]:
            for taker, slot in walker.takers(use.node):
                yield use._replace(node=taker, slot=slot)


def _preprocessing(sight: Sight, walker: Walker) -> Evidence | None:
    network = sight.network
    for use in _formula_uses(sight, walker):
        if network.ops[use.node] in _ARITHMETIC and use.slot < 2:  # noqa: PLR2004 - binary
            source = _input_behind(walker, network.input(use.node, 1 - use.slot))
            if source and _leads_on(walker, use.node):
                reason = (
                    f"{sight.describe(use)} prepares the network's input {quoted(source)} with it"
                )
                return _against("preprocessing", Strength.FAIR, reason)
    return None


def _leads_on(walker: Walker, number: int) -> bool:
    """Tell whether anything but arithmetic follows; a network of that alone is the model."""
    seen = {number}
    level = [number]
    for _ in range(_MAX_STEPS):
        takers = {taker for one in level for taker, _ in walker.takers(one)} - seen
        is_other = any(walker.network.ops[taker] not in _ARITHMETIC for taker in takers)
        if is_other or len(takers) > _MAX_TAKERS:
            return True
        seen |= takers
        level = list(takers)
    return False


def _input_behind(walker: Walker, producer: tuple[int, int]) -> str | None:
    """Return the input that arithmetic with constants alone leads back to."""
    known = walker.before
    for _ in range(_MAX_STEPS):
        if producer not in known:
            known[producer] = _before(walker, producer)
        before = known[producer]
        if not isinstance(before, tuple):
            return before
        producer = before
    return None


def _before(walker: Walker, producer: tuple[int, int]) -> tuple[int, int] | str | None:
    """Return what the arithmetic behind a producer takes besides constants, or the input's name."""
    network = walker.network
    number, _output = walker.behind(producer)
    if number < 0:
        return None
    if network.ops[number] in _INPUTS:
        return network.names[number]
    if network.ops[number] not in _ARITHMETIC:
        return None
    data = [one for one in network.inputs[number][:2] if walker.origin(one) is None]
    return data[0] if len(data) == 1 else None
