"""Words: what the names of constants usually stand for.

    name                             stands for
    Const_3                          what tf.constant got no name for
    add/y, dropout/rate              a number in the place of an op's input
    Reshape_1, zeros_like            the result of the operation of that name
    ConstantFolding/…, …_bn_offset   what a tool has computed
    conv1/kernel, fc.weight          a weight
    keep_prob, eps                   a number that somebody has set

The trap: a layer bn1 may have its mean in bn1/mean, and so may an operation bn1 that
got a plain number there; which it is, `doubts` asks the graph.
"""

from __future__ import annotations

import re
from functools import lru_cache

# The ends of names that freezing gives to reads of reference variables, and to resources.
READ = "/read"
RESOURCE = "/resource"
# The end of the name of a constant that a tool has quantized.
QUANTIZED_END = "_quantized_const"
# What folding a batch norm adds to the name of an operation for what is left of it.
FOLDED_OFFSET = "_bn_offset"
# Of a longer name, which nobody reads, the ends are shown: many reasons may tell of one.
_LONGEST_SHOWN = 200
# Nobody gives longer names; to look for words in one takes long.
_LONGEST = 256
# Graphs have the same few last components again and again.
_LOOKUPS = 4096
_DEFAULT = re.compile(r"Const(?:_\d+)?")
_PLACE = re.compile(r"_\d+")
# Where optimizers put what they have folded.
_OPTIMIZERS = frozenset(
    (
        *("ConstantFolding", "ConstantFoldingCtrl", "ArithmeticOptimizer", "LayoutOptimizer"),
        *("RemapperOptimizer", "LoopOptimizer"),
    )
)
# What tools add to the names of what they compute.
_COMPUTED_ENDS = (FOLDED_OFFSET, "merged_input", "-folded", "_recip")
_COMPUTED_PARTS = ("_eightbit/", "-folded-")
_NORMALISATION_PARTS = ("Scaled", "Offset")
_NORMALISATION_OP = "FusedBatchNorm"
# What an optimizer puts before the name of a place.
_PLACED = "__cf__"
# Most names have nothing of all that in them.
_COMPUTED_SIGN = re.compile(
    "|".join((_PLACED, *_OPTIMIZERS, *_COMPUTED_ENDS, *_COMPUTED_PARTS, _NORMALISATION_OP))
)
# What an optimizer puts before the names of constants that it takes into a loop.
_LOOP_COPY = "ConstantFolding/"
_PLACE_SUFFIX = re.compile(rf"/_\d+{_PLACED}\d+$")
_TOOL_SUFFIX = re.compile(rf"{_PLACE_SUFFIX.pattern}|{QUANTIZED_END}$")
# Operations whose result is what they take.
_KEEPS_VALUE = re.compile(r"(?:Identity|read|ReadVariableOp)(?:_\d+)?")
_TENSORDOT = re.compile(r"[tT]ensordot(?:_\d+)?")
_RESHAPED_MATRIX = "Reshape_1"
# Operations by the names that TensorFlow gives them where nobody has named them.
_OPERATION = re.compile(
    r"(?:add|sub|mul|div|truediv|real_?div|floordiv|pow|neg|sqrt|rsqrt|square|exp|log|matmul"
    r"|zeros|ones|zeros_like|ones_like|fill|range|l2_normalize|batchnorm|strided_slice|split"
    r"|unstack|concat|stack|transpose|one_hot|eye|diag|linspace|sum_of_weights"
    r"|Neg|Sqrt|Rsqrt|Square|Exp|Log|Sum|Mean|Prod|Max|Min|Maximum|Minimum|MatMul|Softplus|Sigmoid"
    r"|Tanh|Relu|Fill|Range|Shape|Slice|Split|Transpose|Gather(?:V2|Nd)?|Tile|ExpandDims"
    r"|Reshape|BroadcastTo|Select(?:V2)?|Where|Cumsum|Cos|Sin|Abs|Sign|Floor|Ceil|Round|Pad|Pack"
    r"|Tensordot|Einsum|MatrixDiag|MatrixBandPart|OneHot|ReverseV2|Greater|Less|Equal|AddV2|Mul|Sub"
    r"|RealDiv|DivNoNan|Pow|Softmax|SquaredDifference|LinSpace|StridedSlice|ZerosLike|OnesLike)"
)
_MOMENTS = re.compile(r"moments(?:_\d+)?")
_MOMENT = re.compile(r"(?:mean|variance)(?:_\d+)?")
# Scopes in which TensorFlow's own functions have numbers.
_FUNCTION = re.compile(r"(?:Cast|dropout|random_\w+|truncated_normal)(?:_\d+)?")
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


def shown(name: str) -> str:
    """Return a name as reasons tell it, without the middle of a very long one."""
    if len(name) <= _LONGEST_SHOWN:
        return name
    half = _LONGEST_SHOWN // 2
    return f"{name[:half]}…{name[-half:]}"


def quoted(name: str) -> str:
    """Return a name in quotes, as reasons tell it."""
    return repr(shown(name))


def is_default_name(last: str) -> bool:
    """Tell whether a last component is Const, as tf.constant calls what has no name."""
    return last.startswith("Const") and _DEFAULT.fullmatch(last) is not None


def is_made_up(last: str) -> bool:
    """Tell whether a last component was made by TensorFlow, for want of a name."""
    return is_default_name(last) or _PLACE.fullmatch(last) is not None


@lru_cache(_LOOKUPS)
def is_usual_name(last: str) -> bool:
    """Tell whether a last component is one that variables usually have.

    Other tools than TensorFlow part names by dots and dashes.
    """
    if _USUAL_NAME.fullmatch(last):
        return True
    plain = last.replace("-", "_")
    word = plain.rpartition(".")[2]
    if word == last:
        return False
    return any(map(_USUAL_NAME.fullmatch, (word, plain.rpartition("_")[2])))


@lru_cache(_LOOKUPS)
def is_setting(last: str) -> bool:
    """Tell whether a last component is usual for single numbers that somebody has set."""
    return len(last) <= _LONGEST and _SETTING.fullmatch(last) is not None


def is_numbered(last: str) -> bool:
    """Tell whether a last component ends in a number, as TensorFlow tells equal names apart."""
    return without_number(last) != last


def without_number(last: str) -> str:
    """Return a last component without the number that tells equal names apart."""
    word, mark, digits = last.rpartition("_")
    return word if mark and digits.isdecimal() else last


@lru_cache(_LOOKUPS)
def is_input_word(last: str) -> bool:
    """Tell whether a last component is what some op calls an input."""
    return _INPUT.fullmatch(last) is not None


def is_word(last: str, word: str) -> bool:
    """Tell whether a last component is a word, or one with a number behind it."""
    return without_number(last) == word


def is_input_of(op: str, slot: int, last: str) -> bool:
    """Tell whether an op calls its input in a slot so, as far as ops are known here."""
    expected = _INPUTS_OF.get(op)
    if expected is None:
        return is_input_word(last)
    return slot < len(expected) and without_number(last) == expected[slot]


def is_operation_name(last: str) -> bool:
    """Tell whether TensorFlow gives a last component to operations that nobody has named."""
    return _is_operation(without_number(last))


@lru_cache(_LOOKUPS)
def _is_operation(word: str) -> bool:
    return _OPERATION.fullmatch(word) is not None


def is_function_name(last: str) -> bool:
    """Tell whether a last component is the scope of one of TensorFlow's own functions."""
    return is_operation_name(last) or _FUNCTION.fullmatch(last) is not None


def without_tool_suffix(name: str) -> str:
    """Return the name that a node had before tools folded or quantized it."""
    if _PLACED not in name and QUANTIZED_END not in name:
        return name
    return _TOOL_SUFFIX.sub("", _TOOL_SUFFIX.sub("", name))


def without_place(name: str) -> str:
    """Return the name of a node without the place that an optimizer gave its constant."""
    return _PLACE_SUFFIX.sub("", name) if _PLACED in name else name


def is_computed(name: str) -> bool:
    """Tell whether a name is one that tools give to what they have computed."""
    if not _COMPUTED_SIGN.search(name):
        return False
    plain = without_tool_suffix(name)
    parts = plain.split("/")
    last = parts[-1]
    if parts[-2:-1] and _TENSORDOT.fullmatch(parts[-2]) and last == _RESHAPED_MATRIX:
        return False
    return (
        (_PLACED in name and not _KEEPS_VALUE.fullmatch(last))
        or not _OPTIMIZERS.isdisjoint(parts)
        or plain.endswith(_COMPUTED_ENDS)
        or any(part in plain for part in _COMPUTED_PARTS)
        or (
            last in _NORMALISATION_PARTS
            and len(parts) > 1
            and parts[-2].startswith(_NORMALISATION_OP)
        )
    )


def result_name(name: str) -> str | None:
    """Return the operation whose result a constant is, as its name says, or None.

    A product over the last axis of a matrix reshapes it to the same matrix.
    """
    head, _, last = without_tool_suffix(name).rpartition("/")
    scope = head.rpartition("/")[2]
    if last == _RESHAPED_MATRIX and _TENSORDOT.fullmatch(scope):
        return None
    if is_operation_name(last):
        return last
    is_moment = scope.startswith("moments") and _MOMENTS.fullmatch(scope)
    return last if is_moment and _MOMENT.fullmatch(last) else None


def loop_copy(name: str) -> str:
    """Return the name of the copy of a constant that an optimizer takes into a loop."""
    return f"{_LOOP_COPY}{name}_enter"
