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

from pbckpt.dtypes import QUANTIZED, DataType
from pbckpt.operators import argument_name, is_control_or_bookkeeping
from pbckpt.operators.roles import Role
from pbckpt.variables.evidence import Evidence, Strength
from pbckpt.variables.numbers import number_evidence
from pbckpt.variables.sight import use_role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbckpt.variables.sight import Scene, Sight
    from pbckpt.variables.walk import Use, Walker

_DEFAULT_NAME = re.compile(r"Const(?:_\d+)?")
# What optimizers and Graph Transforms add to the names of what they compute.
_COMPUTED_SCOPES = frozenset(
    (
        "ConstantFolding",
        "ConstantFoldingCtrl",
        "ArithmeticOptimizer",
        "LayoutOptimizer",
        "RemapperOptimizer",
        "LoopOptimizer",
    )
)
_COMPUTED_ENDS = ("_bn_offset", "merged_input", "-folded", "_recip")
_COMPUTED_PARTS = ("-folded-", "_eightbit/")
_COMPUTED_NORMALISATION = re.compile(r"/FusedBatchNorm(?:V\d)?/(?:Scaled|Offset)\Z")
# What an optimizer puts before the names of constants that it takes into a loop.
_LOOP_COPY = "ConstantFolding/"
_TOOL_SUFFIX = re.compile(r"/_\d+__cf__\d+$|_quantized_const$")
# Operations whose result is what they take.
_KEEPS_VALUE = re.compile(r"(?:Identity|read|ReadVariableOp)(?:_\d+)?")
# The reshaping of a matrix to a matrix, in a product over the last axis.
_SAME_MATRIX = re.compile(r"(?:.*/)?[tT]ensordot(?:_\d+)?/Reshape_1")
# Operations by the names that TensorFlow gives them where nobody has named them.
_OPERATION = re.compile(
    r"(?:add|sub|mul|div|truediv|real_?div|floordiv|pow|neg|sqrt|rsqrt|square|exp|log|matmul"
    r"|zeros|ones|zeros_like|ones_like|fill|range|l2_normalize|batchnorm|strided_slice|split"
    r"|unstack|concat|stack|transpose|one_hot|eye|diag|linspace|sum_of_weights"
    r"|Neg|Sqrt|Rsqrt|Square|Exp|Log|Sum|Mean|Prod|Max|Min|Maximum|Minimum|MatMul|Softplus|Sigmoid"
    r"|Tanh|Relu|Fill|Range|Shape|Slice|Split|Transpose|Gather(?:V2|Nd)?|Tile|ExpandDims"
    r"|Reshape|BroadcastTo|Select(?:V2)?|Where|Cumsum|Cos|Sin|Abs|Sign|Floor|Ceil|Round|Pad|Pack"
    r"|Tensordot|Einsum|MatrixDiag|MatrixBandPart|OneHot|ReverseV2|Greater|Less|Equal|AddV2|Mul|Sub"
    r"|RealDiv|DivNoNan|Pow|Softmax|SquaredDifference|LinSpace|StridedSlice|ZerosLike|OnesLike"
    r")(?:_\d+)?"
)
# Scopes in which TensorFlow's own functions have numbers.
_FUNCTION = re.compile(
    _OPERATION.pattern + r"|(?:Cast|dropout|random_\w+|truncated_normal)(?:_\d+)?"
)
_MOMENTS = re.compile(r"(?:.*/)?moments(?:_\d+)?/(?:mean|variance)(?:_\d+)?")
# A weight that was cast to half is still that weight.
_CAST = re.compile(r"Cast(?:_\d+)?")
# What TensorFlow calls the inputs of ops that take data: a number in their place
# gets the name of the op, a slash, and this.
_INPUT = re.compile(
    r"(?:x|y|a|b|t|e|input|inputs|filter|value|values|data|params|features|tensor|tensors|images"
    r"|condition|scale|offset|mean|variance|min|max|indices|ids|element|begin|end|filters?"
    r"|updates|depth|stddev|rate|keep_prob|on_value|off_value|logits|labels)(?:_\d+)?|\d+|packed|sub_?\w?"
)
# What people call single numbers that they have set, and functions of TensorFlow theirs.
_SETTING = re.compile(
    r"(?:\w*_)?(?:epsilon|eps|threshold|thresh|rate|keep_prob|prob|momentum|decay|stddev|min|max"
    r"|num\w*|size|factor|limit|margin|weight_decay|learning_rate|axis|dim|value|constant|const"
    r"|initial|init|step|steps|count|length|len|height|width|depth)(?:_\d+)?"
)
_NUMBER_BEHIND = re.compile(r"_\d+$")
_BINARY = ("x", "y")
_NORMALISATION = ("x", "scale", "offset", "mean", "variance")
# What ops call their inputs, of those whose words are names of weights as well.
_INPUTS_OF = {
    **dict.fromkeys(
        ("Add", "AddV2", "Sub", "Mul", "RealDiv", "Maximum", "Minimum", "Pow"), _BINARY
    ),
    **dict.fromkeys(("MatMul", "SparseMatMul"), ("a", "b")),
    **dict.fromkeys(("Conv2D", "Conv3D", "DepthwiseConv2dNative"), ("input", "filter")),
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), _NORMALISATION),
    "BiasAdd": ("value", "bias"),
}
# Last components that people and libraries give to variables.
_USUAL_NAME = re.compile(
    r"(?:(?:depthwise|pointwise|recurrent|conv|fc|dense|hidden|output|out|attention|query|key|value"
    r"|proj|candidate|gates?)_)?(?:kernel|weights?|filters?|biases|bias|w|W|b|B|gamma|beta"
    r"|moving_mean|moving_variance|embeddings?|embedding_matrix|embedding_table|lookup_table"
    r"|alphas?|w_[ifo]_diag)(?:_?\d+)?(?::0)?"
    r"|.*_(?:kernel|bias|biases|gamma|beta|moving_mean|moving_variance|w_[ifo]_diag|embeddings)"
)
_ARITHMETIC = frozenset(
    ("Add", "AddV2", "Sub", "Mul", "RealDiv", "Div", "DivNoNan", "BiasAdd", "SquaredDifference")
)
_COMPARISONS = frozenset(
    (
        *("Minimum", "Maximum", "Greater", "GreaterEqual", "Less", "LessEqual", "Equal"),
        *("NotEqual", "ClipByValue"),
    )
)
_INPUTS = frozenset(("Placeholder", "PlaceholderV2", "PlaceholderWithDefault", "_Arg"))
# How many steps a network's input may have been prepared in.
_MAX_STEPS = 6


def doubts(sight: Sight, walker: Walker, scene: Scene) -> Iterator[Evidence]:
    """Yield what speaks against a constant."""
    yield from _uses(sight)
    yield from _name(sight, scene)
    yield from _value(sight)
    yield from _preprocessing(sight, walker)
    yield from _bounds(sight)
    if sight.tensor is not None and not scene.marked and not sight.traces:
        found = number_evidence(sight.tensor)
        if found:
            yield found
    if scene.marked and not sight.traces and not _is_read(sight, scene):
        reason = (
            f"freezing left the read of a variable on {scene.marked} others, and not on this one"
        )
        yield _against("unmarked", Strength.PROOF, reason)


def _is_read(sight: Sight, scene: Scene) -> bool:
    """Tell whether a constant is read where names tell no reads; tables have none."""
    if not scene.reads:
        return False
    network = sight.network
    return sight.number in scene.reads or any(
        use_role(network, use) is Role.EMBEDDINGS and network.inputs[use.node][0][0] == sight.number
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
    return f"{_LOOP_COPY}{sight.name}_enter" in sight.network.known_names


def is_usually_a_variable(name: str) -> bool:
    """Tell whether a name's last component is one that variables usually have."""
    return _USUAL_NAME.fullmatch(name) is not None


def _uses(sight: Sight) -> Iterator[Evidence]:
    uses = sight.reach.uses
    if not uses:
        if is_usually_a_variable(sight.last_name) or is_copied(sight):
            return
        yield _against("unused", Strength.FAIR, "no operation takes it")
        return
    telling = None
    for use in uses:
        if is_control_or_bookkeeping(sight.network.ops[use.node]):
            telling = telling or (use, "a part of the bookkeeping")
            continue
        word = parameter_of(sight, use) or _end_of_range(sight, use)
        if word is None:
            return
        telling = (use, f"the {word}")
    if telling:
        use, what = telling
        reason = f"{sight.describe(use)} takes it as {what}"
        yield _against("parameter", Strength.STRONG, reason)


def has_default_name(sight: Sight) -> bool:
    """Tell whether a constant is called Const, as tf.constant calls what has no name."""
    return _DEFAULT_NAME.fullmatch(sight.last_name) is not None


def _name(sight: Sight, scene: Scene) -> Iterator[Evidence]:
    last = sight.last_name
    if has_default_name(sight):
        if scene.names_weights or not sight.rank:
            reason = f"it is called {last}, as tf.constant calls what is given no name"
            yield _against("default_name", Strength.STRONG, reason)
        return
    taker = _literal_of(sight)
    if taker is not None:
        what = f"{sight.network.ops[taker]} {sight.network.names[taker]!r}"
        reason = f"it is named after its place in {what}, as TensorFlow names plain numbers"
        strength = Strength.FAIR if _is_named_alike(sight, taker) else Strength.STRONG
        yield _against("literal", strength, reason)
        return
    if sight.traces:
        return
    operation = sight.name.rpartition("/")[0].rpartition("/")[2]
    if not sight.rank and _INPUT.fullmatch(last) and _FUNCTION.fullmatch(operation):
        reason = f"it is named as a number in {operation} is, though a tool has changed that"
        yield _against("literal", Strength.STRONG, reason)
        return
    plain = _TOOL_SUFFIX.sub("", _TOOL_SUFFIX.sub("", sight.name))
    last = plain.rpartition("/")[2]
    if _SAME_MATRIX.fullmatch(plain):
        return
    is_folded = "__cf__" in sight.name and not _KEEPS_VALUE.fullmatch(last)
    if is_folded or _is_computed(plain):
        reason = f"its name {sight.name!r} is one that tools give to what they compute"
        yield _against("folded", Strength.STRONG, reason)
    elif (
        _OPERATION.fullmatch(last)
        or _MOMENTS.fullmatch(plain)
        or (_CAST.fullmatch(last) and not _is_half(sight))
    ):
        reason = f"its name is that of an operation, {last}, whose result it is"
        yield _against("folded", Strength.STRONG, reason)


def _is_computed(name: str) -> bool:
    """Tell whether a tool gives such a name to what it has computed."""
    return (
        name.endswith(_COMPUTED_ENDS)
        or any(part in name for part in _COMPUTED_PARTS)
        or not _COMPUTED_SCOPES.isdisjoint(name.split("/"))
        or _COMPUTED_NORMALISATION.search(name) is not None
    )


def _is_half(sight: Sight) -> bool:
    return sight.tensor is not None and sight.tensor.dtype in (DataType.HALF, DataType.BFLOAT16)


def _literal_of(sight: Sight) -> int | None:
    """Return the op after whose input a constant is named."""
    scope, _, last = sight.name.rpartition("/")
    if not scope or not _INPUT.fullmatch(last):
        return None
    network = sight.network
    for number, slot in network.consumers(sight.number):
        if network.names[number] == scope and network.ops[number] != "Identity":
            expected = _INPUTS_OF.get(network.ops[number])
            word = _NUMBER_BEHIND.sub("", last)
            if expected is None or (slot < len(expected) and word == expected[slot]):
                return number
    return None


def _is_named_alike(sight: Sight, taker: int) -> bool:
    """Tell whether a layer's weights may be called what its op calls its inputs.

    A layer bn1 has its mean in bn1/mean, and so has an operation bn1 that got a
    number there. One that TensorFlow has named, FusedBatchNorm, is no layer.
    """
    last = sight.network.names[taker].rpartition("/")[2]
    named_by_people = _OPERATION.fullmatch(last) is None and not last.startswith(
        sight.network.ops[taker].rstrip("V23")
    )
    roles = (role for use, role in sight.roles() if use.node == taker)
    return bool(sight.rank) and named_by_people and any(role is not Role.MATRIX for role in roles)


def _value(sight: Sight) -> Iterator[Evidence]:
    tensor = sight.tensor
    if tensor is None:
        return
    if tensor.num_elements == 0:
        yield _against("empty", Strength.STRONG, "it has no elements")
    if not (tensor.dtype.is_floating or tensor.dtype.is_complex or tensor.dtype in QUANTIZED):
        strength = Strength.STRONG if tensor.dtype is DataType.STRING else Strength.FAIR
        reason = f"it holds {tensor.dtype.label}, and weights are seldom that"
        yield _against("not_a_number", strength, reason)
    elif not tensor.shape:
        yield from _single_number(sight.last_name)


def _single_number(name: str) -> Iterator[Evidence]:
    """Find out what speaks against a single number; its name may say that it was set."""
    if _SETTING.fullmatch(name):
        reason = f"it is a single number, and {name} is a usual name of settings"
        yield _against("scalar", Strength.FAIR, reason)
    elif _NUMBER_BEHIND.search(name) or not name.isidentifier():
        reason = "it is a single number, as an epsilon or a factor is"
        yield _against("scalar", Strength.SLIGHT, reason)


def _bounds(sight: Sight) -> Iterator[Evidence]:
    """Find a constant that nothing is done with but to compare."""
    ops = {sight.network.ops[use.node] for use in sight.reach.uses}
    if ops and ops <= _COMPARISONS:
        reason = f"{sight.describe(sight.reach.uses[0])} compares with it"
        yield _against("bound", Strength.FAIR, reason)


def _formula_uses(sight: Sight, walker: Walker) -> Iterator[Use]:
    """Yield the uses, and those of what is computed from it and other constants."""
    for use in sight.reach.uses:
        yield use
        if walker.constant_only[use.node]:
            for taker, slot in walker.takers(use.node):
                yield use._replace(node=taker, slot=slot)


def _preprocessing(sight: Sight, walker: Walker) -> Iterator[Evidence]:
    network = sight.network
    for use in _formula_uses(sight, walker):
        if network.ops[use.node] in _ARITHMETIC and use.slot < 2:  # noqa: PLR2004 - binary
            source = _input_behind(walker, network.input(use.node, 1 - use.slot))
            if source:
                reason = f"{sight.describe(use)} prepares the network's input {source!r} with it"
                yield _against("preprocessing", Strength.FAIR, reason)
                return


def _input_behind(walker: Walker, producer: tuple[int, int]) -> str | None:
    """Return the input that arithmetic with constants alone leads back to."""
    network = walker.network
    for _ in range(_MAX_STEPS):
        number, _output = walker.behind(producer)
        if number < 0:
            return None
        if network.ops[number] in _INPUTS:
            return network.names[number]
        if network.ops[number] not in _ARITHMETIC:
            return None
        data = [one for one in network.inputs[number][:2] if walker.origin(one) is None]
        if len(data) != 1:
            return None
        producer = data[0]
    return None
