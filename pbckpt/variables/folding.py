"""Folding: weights that a tool has multiplied other factors into.

    what is left                                     what was done
    Conv2D c, Const c_bn_offset                      a batch norm behind c went into its
                                                     kernel, and the rest into the offset
    Conv2D bn/batchnorm/mul_1                        a factor behind a product went into its
                                                     weights, and the product took its name
    Const …/merged_input, …/Scaled, …/Offset         Grappler merged constants

Such values are the best that the graph holds, and not those that were trained:
which factor was whose is lost.

Reference: tensorflow/tools/graph_transforms/fold_batch_norms.cc and
fold_old_batch_norms.cc, tensorflow/python/tools/optimize_for_inference_lib.py.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pbckpt.variables.network import CONSTANT_OP
from pbckpt.variables.words import FOLDED_OFFSET, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbckpt.variables.network import Network
    from pbckpt.variables.walk import Walker

_PRODUCTS = frozenset(("Conv2D", "DepthwiseConv2dNative", "MatMul"))
# What quantizing adds to the name of a node.
_EIGHT_BIT = "/eightbit"
_QUANTIZED = re.compile(r"Quantized(?:Conv2D|DepthwiseConv2D|MatMul)(?!.*Grad)")
# The name of a multiplication, on something else. People call products so too: what
# tells is that it is in the scope of a normalization.
_MULTIPLICATION = re.compile(r"[mM]ul(?:_\d+)?")
_NORMALIZATION = re.compile(r"norm|(?:^|[/_])bn(?=[\d_/]|$)", re.IGNORECASE)
_MERGED = re.compile(r".*/(?:merged_input|FusedBatchNorm(?:V\d)?/(?:Scaled|Offset))")
_ADDITIONS = frozenset(("BiasAdd", "Add", "AddV2", "QuantizedBiasAdd"))
_QUANTIZING = frozenset(("QuantizeV2", "Dequantize"))
_MAX_STEPS = 3
_WEIGHTS_SLOT = 1


def find_folds(walker: Walker) -> dict[int, str]:
    """Return what was folded into which constant, by its number, once all walks are done."""
    network = walker.network
    offsets = {
        (network.functions[number], network.names[number].removesuffix(FOLDED_OFFSET)): number
        for number in network.constants()
        if network.names[number].endswith(FOLDED_OFFSET)
    }
    folds = dict(_merged(network))
    products = {op for op in set(network.ops) if op in _PRODUCTS or _QUANTIZED.match(op)}
    for number, op in enumerate(network.ops):
        if op not in products:
            continue
        name = network.names[number].removesuffix(_EIGHT_BIT)
        weights = _weights(number, network)
        offset = offsets.get((network.functions[number], name))
        if weights is None:
            continue
        if offset is not None:
            kernel = network.names[weights]
            norm = _norm_behind(offset, walker)
            folds[weights] = (
                f"batch norm{norm} was folded into it, and into {quoted(name + FOLDED_OFFSET)}"
            )
            folds[offset] = (
                f"batch norm{norm} was folded into {quoted(kernel)}, and this is what is left"
            )
        elif _is_factor(name):
            folds[weights] = f"a factor, such as a batch norm's, was folded into it: {quoted(name)}"
    return folds


def _is_factor(name: str) -> bool:
    """Tell whether a name is that of a multiplication by a normalization's factor."""
    scope, _, last = name.rpartition("/")
    return bool(_MULTIPLICATION.fullmatch(last) and _NORMALIZATION.search(scope))


def _weights(product: int, network: Network) -> int | None:
    """Return the constant that a product takes as weights, without a read between.

    Tools fold into constants alone; what they do after that is to quantize.
    """
    number = network.input(product, _WEIGHTS_SLOT)[0]
    for _ in range(_MAX_STEPS):
        if number < 0 or network.ops[number] == CONSTANT_OP:
            break
        number = network.input(number, 0)[0] if network.ops[number] in _QUANTIZING else -1
    return number if number >= 0 else None


def _norm_behind(offset: int, walker: Walker) -> str:
    """Return the name of the batch norm, which the addition of its offset has taken."""
    network = walker.network
    for taker, _ in walker.takers(offset):
        if network.ops[taker] in _ADDITIONS:
            return f" {quoted(network.names[taker].removesuffix(_EIGHT_BIT))}"
    return ""


def _merged(network: Network) -> Iterator[tuple[int, str]]:
    for number, op in enumerate(network.ops):
        if op == CONSTANT_OP and _MERGED.fullmatch(network.names[number]):
            yield number, "constants were folded into one by an optimizer, and this is the result"
