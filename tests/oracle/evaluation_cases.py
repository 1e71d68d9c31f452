"""Small graphs of constants, hundreds for each op: what `test_evaluation.py` asks TensorFlow.

Each case is one node whose inputs are Const nodes. The attrs are written down
here as TensorFlow's documentation has them, not taken from what is tested.
"""

from __future__ import annotations

import random
import zlib
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pbckpt.dtypes import DataType, numpy_dtype
from pbckpt.graph.decode import Node
from pbckpt.protos import GraphDef, NodeDef
from pbckpt.wire.span import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[Any]

D = DataType
NODE = "node"


class Case(NamedTuple):
    """One node over constants. Attrs are what an AttrValue holds, by Python's types."""

    op: str
    inputs: tuple[tuple[DataType, Array], ...]
    attrs: Mapping[str, object]
    outputs: int = 1

    @property
    def names(self) -> list[str]:
        """The names of the tensors to ask for."""
        return [f"{NODE}:{at}" for at in range(self.outputs)]

    def graph(self) -> GraphDef:
        """Return the graph."""
        graph = GraphDef()
        for at, (dtype, array) in enumerate(self.inputs):
            graph.node.append(constant(f"in{at}", dtype, array))
        node = graph.node.add(name=NODE, op=self.op)
        node.input.extend(f"in{at}" for at in range(len(self.inputs)))
        for name, value in self.attrs.items():
            set_attr(node, name, value)
        return graph

    def nodes(self) -> dict[str, Node]:
        """Return the nodes as the decoder would."""
        return nodes_of(self.graph())

    def __str__(self) -> str:
        """Say what the case is, for a message."""
        inputs = ", ".join(f"{d.label}{list(a.shape)} {a.tolist()!r:.120}" for d, a in self.inputs)
        attrs = {name: getattr(v, "name", v) for name, v in self.attrs.items()}
        return f"{self.op}({inputs}) {attrs}"


def nodes_of(graph: GraphDef) -> dict[str, Node]:
    """Return the nodes of a graph as the decoder would."""
    return {
        node.name: Node(node.name, node.op, node, Span.of(node.SerializeToString()))
        for node in graph.node
    }


def constant(name: str, dtype: DataType, array: Array) -> NodeDef:
    """Return a Const node."""
    node = NodeDef(name=name, op="Const")
    node.attr["dtype"].type = dtype
    tensor = node.attr["value"].tensor
    tensor.dtype = dtype
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    if array.size:
        tensor.tensor_content = np.ascontiguousarray(array).tobytes()
    return node


def set_attr(node: NodeDef, name: str, value: object) -> None:
    """Set an attr by the type of what it is to be."""
    attr = node.attr[name]
    if isinstance(value, DataType):
        attr.type = value
    elif isinstance(value, bool):
        attr.b = value
    elif isinstance(value, int):
        attr.i = value
    elif isinstance(value, float):
        attr.f = value
    elif isinstance(value, str):
        attr.s = value.encode()
    elif isinstance(value, list):
        attr.list.SetInParent()
        for one in value:
            if isinstance(one, DataType):
                attr.list.type.append(one)
            else:
                attr.list.i.append(one)
    else:
        raise TypeError(name)


FLOATS = [D.FLOAT, D.DOUBLE, D.HALF, D.BFLOAT16]
INTS = [D.INT32, D.INT64, D.UINT8, D.INT8, D.INT16, D.UINT16, D.UINT32, D.UINT64]
COMPLEX = [D.COMPLEX64, D.COMPLEX128]
QUANTIZED = [D.QINT8, D.QUINT8, D.QINT16, D.QUINT16, D.QINT32]
FLOAT8 = [D.FLOAT8_E5M2, D.FLOAT8_E4M3FN]
ANY = [*FLOATS, *INTS, *COMPLEX, D.BOOL, *QUANTIZED]
SHAPES: list[tuple[int, ...]] = [(), (0,), (1,), (3,), (17,), (2, 3), (2, 0, 3), (2, 3, 4)]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, -0.5, 3.0, 1e-40, -1e-39, 1e-300, 1e30, -1e30]
SPECIAL += [float("nan"), float("inf"), float("-inf"), 65504.0, 6e-8, 2.0**31, -(2.0**31), 2.0**63]
SPECIAL += [0.1, 255.0, 256.0, -128.5, 127.5, 1e10, 5e-324, 3.4028234663852886e38]
PAIRS: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((), ()),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((), (4,)),
    ((0,), (1,)),
    ((2, 0), (1, 1)),
    ((2, 3, 4), (3, 1)),
    ((16,), (16,)),
    ((3,), (4,)),
]


class Maker:
    """Makes values, the same ones each time."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(zlib.crc32(seed.encode()))  # noqa: S311 - to be repeated
        self.numpy = np.random.default_rng(zlib.crc32(seed.encode()))

    def values(
        self, dtype: DataType, shape: Sequence[int], *, tame: bool = False, positive: bool = False
    ) -> tuple[DataType, Array]:
        """Return values of a type; tame ones are small and finite."""
        count = prod(shape)
        target = numpy_dtype(dtype)
        if target.kind == "b":
            array = self.numpy.integers(0, 2, count).astype(bool)
        elif target.kind in "iu":
            info = np.iinfo(target)
            low, high = (max(info.min, -9), min(info.max, 9)) if tame else (info.min, info.max)
            array = self.numpy.integers(low, high, count, target, endpoint=True)
            if positive:
                array = np.where(array <= 0, 1, array).astype(target)
        else:
            array = self._floats(target, count, tame=tame, positive=positive)
        return dtype, array.reshape(shape)

    def _floats(self, target: np.dtype[Any], count: int, *, tame: bool, positive: bool) -> Array:
        def one() -> float:
            if not tame and self.random.random() < 0.5:
                return self.random.choice(SPECIAL)
            return self.random.gauss(0, 1) * 10 ** self.random.choice([-3, 0, 0, 0, 1])

        with np.errstate(all="ignore"):
            if target.kind == "c":
                return np.array([complex(one(), one()) for _ in range(count)]).astype(target)
            drawn = np.array([one() for _ in range(count)], np.float64)
            return (np.abs(drawn) + 1e-3 if positive else drawn).astype(target)

    def pick(self, *options: Any) -> Any:  # noqa: ANN401 - one of them
        """Return one of several."""
        return self.random.choice(options)


def vector(*numbers: int, dtype: DataType = D.INT32) -> tuple[DataType, Array]:
    """Return integers as an input."""
    return dtype, np.array(numbers, numpy_dtype(dtype)).reshape(-1)


def scalar(number: float, dtype: DataType = D.INT32) -> tuple[DataType, Array]:
    """Return one number as an input."""
    return dtype, np.array(number).astype(numpy_dtype(dtype))


MAKERS: dict[str, Callable[[Maker], Iterator[Case]]] = {}


def makes(*names: str) -> Callable[[Any], Any]:
    """Register what makes the cases of some ops; it is told which."""

    def register(function: Callable[[Maker, str], Iterator[Case]]) -> Any:  # noqa: ANN401
        for name in names:
            MAKERS[name] = lambda make, name=name: function(make, name)  # type: ignore[misc]
        return function

    return register


def cases_of(name: str) -> list[Case]:
    """Return the cases of one op."""
    return list(MAKERS[name](Maker(name)))


@makes(
    *[
        "Add",
        "AddV2",
        "Sub",
        "Mul",
        "Div",
        "RealDiv",
        "FloorDiv",
        "TruncateDiv",
        "DivNoNan",
        "MulNoNan",
        "Mod",
        "FloorMod",
    ],
    *["TruncateMod", "Pow", "Maximum", "Minimum", "SquaredDifference"],
)
def _binary(make: Maker, op: str) -> Iterator[Case]:
    for dtype in [*FLOATS, *INTS, *COMPLEX]:
        for first, second in PAIRS * 2:
            positive = dtype in INTS and make.pick(True, False)
            right = make.values(dtype, second, positive=positive, tame=make.pick(True, False))
            yield Case(op, (make.values(dtype, first), right), {"T": dtype})


@makes(*["Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual"])
def _comparison(make: Maker, op: str) -> Iterator[Case]:
    for dtype in [*FLOATS, *INTS, *COMPLEX, D.BOOL, *QUANTIZED]:
        for first, second in PAIRS:
            yield Case(op, (make.values(dtype, first), make.values(dtype, second)), {"T": dtype})


@makes("LogicalAnd", "LogicalOr", "LogicalNot")
def _logical(make: Maker, op: str) -> Iterator[Case]:
    for first, second in PAIRS * 3:
        inputs = (make.values(D.BOOL, first), make.values(D.BOOL, second))
        yield Case(op, inputs[:1] if op == "LogicalNot" else inputs, {})


@makes(
    *[
        "Square",
        "Sqrt",
        "Rsqrt",
        "Reciprocal",
        "Inv",
        "Neg",
        "Abs",
        "Exp",
        "Expm1",
        "Log",
        "Log1p",
        "Sin",
        "Cos",
        "Tan",
        "Asin",
        "Acos",
    ],
    *[
        "Atan",
        "Sinh",
        "Cosh",
        "Tanh",
        "Asinh",
        "Acosh",
        "Atanh",
        "Sigmoid",
        "Softplus",
        "Softsign",
        "Erf",
        "Erfc",
        "Relu",
    ],
    *[
        "Relu6",
        "Elu",
        "Selu",
        "LeakyRelu",
        "Sign",
        "Floor",
        "Ceil",
        "Round",
        "Rint",
        "IsNan",
        "IsInf",
        "IsFinite",
    ],
)
def _unary(make: Maker, op: str) -> Iterator[Case]:
    for dtype in [*FLOATS, *INTS, *COMPLEX]:
        for shape in [*SHAPES, (64,), (64,), (33,)]:
            for tame in (False, True):
                yield Case(op, (make.values(dtype, shape, tame=tame),), {"T": dtype})


@makes(
    *[
        "Identity",
        "Snapshot",
        "StopGradient",
        "PreventGradient",
        "ZerosLike",
        "OnesLike",
        "Rank",
        "Size",
    ]
)
def _simple(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape in SHAPES:
            attrs: dict[str, object] = {"T": dtype}
            if op == "Size":
                attrs["out_type"] = make.pick(D.INT32, D.INT64)
            yield Case(op, (make.values(dtype, shape),), attrs)


@makes("Shape")
def _shape(make: Maker, op: str) -> Iterator[Case]:
    for shape in SHAPES:
        for out in (D.INT32, D.INT64):
            inputs = (make.values(D.FLOAT, shape),)
            yield Case(op, inputs, {"T": D.FLOAT, "out_type": out})
            yield Case("ShapeN", inputs * 2, {"T": D.FLOAT, "out_type": out, "N": 2}, 2)


@makes("CheckNumerics")
def _check(make: Maker, op: str) -> Iterator[Case]:
    for dtype in FLOATS:
        for tame in (True, False):
            inputs = (make.values(dtype, (9,), tame=tame),)
            yield Case(op, inputs, {"T": dtype, "message": "no"})


@makes("Reshape")
def _reshape(make: Maker, op: str) -> Iterator[Case]:
    shapes = [(6,), (2, 3), (3, -1), (-1,), (6, 1, 1), (2, -1, 3), (-1, -1), (7,), (4, -1), (0, -1)]
    for dtype in ANY:
        for shape in shapes:
            index = make.pick(D.INT32, D.INT64)
            inputs = (make.values(dtype, (2, 3)), vector(*shape, dtype=index))
            yield Case(op, inputs, {"T": dtype, "Tshape": index})
    for given, shape in [((0,), (0, -1)), ((0,), (3, -1)), ((), ()), ((1,), ()), ((0, 2), (-1,))]:
        inputs = (make.values(D.FLOAT, given), vector(*shape))
        yield Case(op, inputs, {"T": D.FLOAT, "Tshape": D.INT32})


@makes("Transpose", "ConjugateTranspose")
def _transpose(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape in [*SHAPES, (2, 3, 1, 2), (1, 2, 2, 1, 3)]:
            order = list(range(len(shape)))
            make.random.shuffle(order)
            index = make.pick(D.INT32, D.INT64)
            inputs = (make.values(dtype, shape), vector(*order, dtype=index))
            yield Case(op, inputs, {"T": dtype, "Tperm": index})
    for order in ([0, 0], [0, 2], [-1, 0], [0]):
        inputs = (make.values(D.FLOAT, (2, 3)), vector(*order))
        yield Case(op, inputs, {"T": D.FLOAT, "Tperm": D.INT32})


@makes("ExpandDims")
def _expand(make: Maker, op: str) -> Iterator[Case]:
    for shape in SHAPES:
        for axis in range(-len(shape) - 2, len(shape) + 2):
            inputs = (make.values(D.FLOAT, shape), scalar(axis))
            yield Case(op, inputs, {"T": D.FLOAT, "Tdim": D.INT32})


@makes("Squeeze")
def _squeeze(make: Maker, op: str) -> Iterator[Case]:
    for dtype in (D.FLOAT, D.INT64, D.BOOL):
        for shape in [(1,), (1, 3, 1), (2, 1), (), (1, 1), (0, 1)]:
            for axes in ([], [0], [-1], [1], [0, -1], [2]):
                attrs = {"T": dtype, "squeeze_dims": axes}
                yield Case(op, (make.values(dtype, shape),), attrs)


@makes("Concat", "ConcatV2")
def _concat(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shapes, axis in [
            ([(2, 3), (2, 1)], 1),
            ([(2, 3), (2, 1)], -1),
            ([(2, 3), (1, 3), (0, 3)], 0),
            ([(3,), (0,), (2,)], 0),
            ([(2, 2, 2), (2, 5, 2)], 1),
            ([(2, 3), (2, 1)], 0),
            ([(), ()], 0),
        ]:
            arrays = tuple(make.values(dtype, shape) for shape in shapes)
            attrs: dict[str, object] = {"T": dtype, "N": len(shapes)}
            if op == "Concat":
                yield Case(op, (scalar(axis), *arrays), attrs)
            else:
                yield Case(op, (*arrays, scalar(axis)), {**attrs, "Tidx": D.INT32})


@makes("Pack")
def _pack(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape in [(), (3,), (2, 3), (0,)]:
            for axis in (0, 1, -1, 3):
                count = make.pick(1, 2, 3)
                arrays = tuple(make.values(dtype, shape) for _ in range(count))
                yield Case(op, arrays, {"T": dtype, "N": count, "axis": axis})


@makes("Unpack")
def _unpack(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape, axis, num in [((3,), 0, 3), ((2, 3), 1, 3), ((2, 3), -2, 2), ((2, 3), 0, 3)]:
            attrs = {"T": dtype, "num": num, "axis": axis}
            yield Case(op, (make.values(dtype, shape),), attrs, num)


@makes("Split", "SplitV")
def _split(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape, axis, sizes in [
            ((4,), 0, [2, 2]),
            ((2, 6), 1, [2, 2, 2]),
            ((2, 6), -1, [1, -1, 3]),
            ((2, 6), 1, [0, 6]),
            ((2, 6), 0, [1, 2]),
            ((2, 6), 0, [2]),
            ((6, 2, 2), 0, [3, 3]),
        ]:
            value = make.values(dtype, shape)
            attrs: dict[str, object] = {"T": dtype, "num_split": len(sizes)}
            if op == "Split":
                yield Case(op, (scalar(axis), value), attrs, len(sizes))
            else:
                attrs["Tlen"] = D.INT32
                yield Case(op, (value, vector(*sizes), scalar(axis)), attrs, len(sizes))


@makes("Slice")
def _slice(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for begin, size in [
            ((0, 0), (2, 3)),
            ((1, 1), (-1, 2)),
            ((1, 2), (0, -1)),
            ((1, 0), (2, 1)),
        ]:
            index = make.pick(D.INT32, D.INT64)
            inputs = (
                make.values(dtype, (2, 3)),
                vector(*begin, dtype=index),
                vector(*size, dtype=index),
            )
            yield Case(op, inputs, {"T": dtype, "Index": index})


@makes("StridedSlice")
def _strided_slice(make: Maker, op: str) -> Iterator[Case]:
    for at in range(600):
        dtype = make.pick(*ANY) if at % 4 == 0 else D.FLOAT
        shape = tuple(make.pick(0, 1, 2, 3, 4, 5) for _ in range(make.pick(0, 1, 2, 3, 4)))
        entries = make.random.randint(0, len(shape) + make.pick(0, 0, 1, 2))
        numbers = [[make.random.randint(-6, 6) for _ in range(entries)] for _ in range(2)]
        strides = [make.pick(1, 1, 2, -1, -2, 3, 0) for _ in range(entries)]
        masks = {
            f"{name}_mask": make.random.getrandbits(entries) if make.pick(True, False) else 0
            for name in ("begin", "end", "new_axis", "shrink_axis")
        }
        masks["ellipsis_mask"] = make.pick(0, 0, 1 << make.random.randint(0, max(0, entries - 1)))
        index = make.pick(D.INT32, D.INT64)
        vectors = tuple(vector(*one, dtype=index) for one in (*numbers, strides))
        attrs = {"T": dtype, "Index": index, **masks}
        yield Case(op, (make.values(dtype, shape), *vectors), attrs)


@makes("Gather", "GatherV2")
def _gather(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for params, indices, axis, batch in [
            ((4,), (3,), 0, 0),
            ((4, 2), (), 0, 0),
            ((4, 2), (2, 2), 0, 0),
            ((2, 4), (3,), 1, 0),
            ((2, 4, 2), (2, 3), 1, 1),
            ((2, 4, 2), (2, 3), -2, -1),
            ((2, 3, 4, 2), (2, 3, 2), 2, 2),
            ((2, 4, 3), (2, 3), 2, 1),
            ((4, 0), (3,), 0, 0),
            ((4,), (0,), 0, 0),
        ]:
            index = make.pick(D.INT32, D.INT64)
            highest = make.pick(2, 2, 2, 2, 5)
            chosen = (
                index,
                make.numpy.integers(0, highest, indices, endpoint=True).astype(numpy_dtype(index)),
            )
            value = make.values(dtype, params)
            attrs: dict[str, object] = {"Tparams": dtype, "Tindices": index}
            if op == "Gather":
                yield Case(op, (value, chosen), attrs)
                continue
            attrs["Taxis"] = D.INT32
            if batch:
                attrs["batch_dims"] = batch
            yield Case(op, (value, chosen, scalar(axis)), attrs)


@makes("GatherNd")
def _gather_nd(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for params, rows in [
            ((4,), [[0], [3]]),
            ((2, 3), [[0], [1], [1]]),
            ((2, 3), [[0, 2], [1, 0]]),
            ((2, 3), [[[0, 2]], [[1, 0]]]),
            ((2, 3), [[0, 3]]),
            ((2, 3), [[-1, 0]]),
            ((2, 3, 2), [[1, 1]]),
        ]:
            array = np.array(rows, np.int32)
            inputs = (make.values(dtype, params), (D.INT32, array))
            yield Case(op, inputs, {"Tparams": dtype, "Tindices": D.INT32})
        empty = (D.INT32, np.zeros((2, 0), np.int32))
        yield Case(op, (make.values(dtype, (2, 3)), empty), {"Tparams": dtype, "Tindices": D.INT32})


@makes("Where")
def _where(make: Maker, op: str) -> Iterator[Case]:
    for dtype in [D.BOOL, *FLOATS, *INTS, *COMPLEX]:
        for shape in SHAPES:
            yield Case(op, (make.values(dtype, shape, tame=make.pick(True, False)),), {"T": dtype})


@makes("Select", "SelectV2")
def _select(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for flags, first, second in [
            ((), (), ()),
            ((), (2, 3), (2, 3)),
            ((2,), (2, 3), (2, 3)),
            ((2, 3), (2, 3), (2, 3)),
            ((3,), (2, 3), (2, 3)),
            ((2, 1), (3,), ()),
            ((0,), (0,), (0,)),
        ]:
            shapes = (
                make.values(D.BOOL, flags),
                make.values(dtype, first),
                make.values(dtype, second),
            )
            yield Case(op, shapes, {"T": dtype})


@makes("Pad", "PadV2", "MirrorPad")
def _pad(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape, sides in [
            ((3,), [[1, 2]]),
            ((2, 3), [[0, 0], [2, 1]]),
            ((2, 3), [[1, 1], [0, 2]]),
            ((2, 3), [[2, 0], [0, 3]]),
            ((2, 3), [[3, 0], [0, 0]]),
            ((0, 3), [[1, 0], [0, 0]]),
            ((2, 3, 2), [[1, 0], [0, 1], [1, 1]]),
        ]:
            index = make.pick(D.INT32, D.INT64)
            given = (index, np.array(sides, numpy_dtype(index)))
            inputs: tuple[Any, ...] = (make.values(dtype, shape), given)
            attrs: dict[str, object] = {"T": dtype, "Tpaddings": index}
            if op == "PadV2":
                inputs += (make.values(dtype, ()),)
            if op == "MirrorPad":
                attrs["mode"] = make.pick("REFLECT", "SYMMETRIC")
            yield Case(op, inputs, attrs)
    if op != "PadV2":
        inputs = (make.values(D.FLOAT, ()), (D.INT32, np.zeros((0, 2), np.int32)))
        attrs = {"T": D.FLOAT, "Tpaddings": D.INT32}
        yield Case(op, inputs, {**attrs, "mode": "REFLECT"} if op == "MirrorPad" else attrs)


@makes("Tile")
def _tile(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape, times in [
            ((), ()),
            ((3,), (2,)),
            ((2, 3), (2, 3)),
            ((2, 3), (1, 70)),
            ((1, 1, 2), (3, 0, 1)),
            ((0, 2), (3, 2)),
            ((2,), (-1,)),
        ]:
            index = make.pick(D.INT32, D.INT64)
            inputs = (make.values(dtype, shape), vector(*times, dtype=index))
            yield Case(op, inputs, {"T": dtype, "Tmultiples": index})


@makes("Reverse", "ReverseV2")
def _reverse(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape, axes in [
            ((3,), [0]),
            ((2, 3), [1]),
            ((2, 3), [0, -1]),
            ((), []),
        ]:
            value = make.values(dtype, shape)
            if op == "ReverseV2":
                yield Case(op, (value, vector(*axes)), {"T": dtype, "Tidx": D.INT32})
            else:
                flags = np.array([at in axes for at in range(len(shape))], bool)
                yield Case(op, (value, (D.BOOL, flags)), {"T": dtype})


@makes("Roll")
def _roll(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shift, axis in [(1, 0), (-5, 1), (100, -1)]:
            inputs = (make.values(dtype, (3, 4)), scalar(shift), scalar(axis))
            yield Case(op, inputs, {"T": dtype, "Tshift": D.INT32, "Taxis": D.INT32})
        inputs = (make.values(dtype, (3, 4)), vector(1, 2, -1), vector(0, 1, 0))
        yield Case(op, inputs, {"T": dtype, "Tshift": D.INT32, "Taxis": D.INT32})


@makes("InvertPermutation")
def _invert(make: Maker, op: str) -> Iterator[Case]:
    for dtype in (D.INT32, D.INT64):
        for order in ([2, 0, 1], [0], [], [0, 0], [3, 1], [-1, 0]):
            yield Case(op, (vector(*order, dtype=dtype),), {"T": dtype})
    del make


@makes("SpaceToBatchND", "BatchToSpaceND")
def _batches(make: Maker, op: str) -> Iterator[Case]:
    to_batch = op == "SpaceToBatchND"
    for dtype in ANY:
        for shape, block, sides in [
            ((1, 4, 4, 2), [2, 2], [[0, 0], [0, 0]]),
            ((1, 3, 4, 2), [2, 2], [[1, 0], [2, 0]]),
            ((2, 5), [3], [[0, 1]]),
            ((8, 2, 3, 1), [2, 2], [[0, 0], [0, 0]]),
            ((8, 2, 3, 1), [2, 2], [[1, 0], [0, 2]]),
            ((4, 3), [2], [[1, 1]]),
            ((4, 3, 2), [1, 2], [[0, 0], [0, 0]]),
            ((4, 3), [2], [[4, 4]]),
        ]:
            inputs = (
                make.values(dtype, shape),
                vector(*block),
                (D.INT32, np.array(sides, np.int32)),
            )
            names = ("Tblock_shape", "Tpaddings" if to_batch else "Tcrops")
            yield Case(op, inputs, {"T": dtype, **dict.fromkeys(names, D.INT32)})


@makes("SpaceToBatch", "BatchToSpace")
def _square_batches(make: Maker, op: str) -> Iterator[Case]:
    name = "Tpaddings" if op == "SpaceToBatch" else "Tidx"
    for dtype in ANY:
        for shape, sides in [((4, 2, 4, 1), [[0, 0], [1, 1]]), ((4, 2, 2, 3), [[0, 0], [0, 0]])]:
            inputs = (make.values(dtype, shape), (D.INT32, np.array(sides, np.int32)))
            yield Case(op, inputs, {"T": dtype, name: D.INT32, "block_size": 2})


@makes("SpaceToDepth", "DepthToSpace")
def _depths(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape, size in [
            ((1, 4, 6, 4), 2),
            ((2, 2, 2, 8), 2),
            ((1, 3, 3, 9), 3),
            ((1, 3, 2, 5), 2),
        ]:
            attrs: dict[str, object] = {"T": dtype, "block_size": size}
            yield Case(op, (make.values(dtype, shape),), attrs)
            turned = make.values(dtype, (shape[0], shape[3], shape[1], shape[2]))
            yield Case(op, (turned,), {**attrs, "data_format": "NCHW"})


@makes("Fill", "BroadcastTo")
def _fill(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape in SHAPES:
            index = make.pick(D.INT32, D.INT64)
            sizes = vector(*shape, dtype=index)
            if op == "Fill":
                attrs: dict[str, object] = {"T": dtype, "index_type": index}
                yield Case(op, (sizes, make.values(dtype, ())), attrs)
                continue
            for given in ((), (1,), (3,), (2, 1, 1)):
                yield Case(op, (make.values(dtype, given), sizes), {"T": dtype, "Tidx": index})


@makes("BroadcastArgs")
def _broadcast_args(make: Maker, op: str) -> Iterator[Case]:
    for first, second in PAIRS:
        for dtype in (D.INT32, D.INT64):
            inputs = vector(*first, dtype=dtype), vector(*second, dtype=dtype)
            yield Case(op, inputs, {"T": dtype})
    del make


@makes("Range")
def _range(make: Maker, op: str) -> Iterator[Case]:
    for dtype in [*FLOATS, D.INT32, D.INT64]:
        for start, limit, delta in [
            (0, 10, 1),
            (3, 20, 4),
            (10, 0, -3),
            (0, 0, 1),
            (0, 5, -1),
            (0, 5, 0),
            (0.5, 7.25, 0.3),
            (0, 1, 0.01),
            (-5, 5, 2),
        ]:
            inputs = tuple(scalar(one, dtype) for one in (start, limit, delta))
            yield Case(op, inputs, {"Tidx": dtype})
    del make


@makes("LinSpace")
def _lin_space(make: Maker, op: str) -> Iterator[Case]:
    for dtype in FLOATS:
        for start, stop, num in [
            (0, 1, 5),
            (0, 1, 1),
            (-3.3, 8.1, 17),
            (1, 1, 4),
            (0, 1, 0),
            (5, -2, 33),
        ]:
            inputs = (scalar(start, dtype), scalar(stop, dtype), scalar(num))
            yield Case(op, inputs, {"T": dtype, "Tidx": D.INT32})
    del make


@makes("OneHot")
def _one_hot(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape, axis, depth in [
            ((), -1, 3),
            ((4,), -1, 3),
            ((4,), 0, 3),
            ((2, 3), 1, 4),
            ((2,), 0, 0),
        ]:
            index = make.pick(D.INT32, D.INT64, D.UINT8)
            low = 0 if index is D.UINT8 else -1
            places = (index, make.numpy.integers(low, 5, shape).astype(numpy_dtype(index)))
            inputs = (places, scalar(depth), make.values(dtype, ()), make.values(dtype, ()))
            yield Case(op, inputs, {"T": dtype, "TI": index, "axis": axis})


@makes("Diag", "DiagPart", "MatrixDiag", "MatrixDiagPart")
def _diagonals(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for shape in [(3,), (2, 2), (2, 3), (2, 3, 2, 3), (0,), (), (2, 3, 3)]:
            yield Case(op, (make.values(dtype, shape),), {"T": dtype})


@makes("MatrixBandPart")
def _band(make: Maker, op: str) -> Iterator[Case]:
    for dtype in ANY:
        for lower, upper in [(0, 0), (-1, 0), (0, -1), (1, 1), (2, -1), (5, 0)]:
            shape = make.pick((3, 3), (2, 3, 4), (4, 2))
            inputs = (make.values(dtype, shape), *(scalar(n, D.INT64) for n in (lower, upper)))
            yield Case(op, inputs, {"T": dtype, "Tindex": D.INT64})


@makes("AddN")
def _add_n(make: Maker, op: str) -> Iterator[Case]:
    for dtype in [*FLOATS, *INTS, *COMPLEX]:
        for count in (1, 2, 3, 7, 9, 12):
            inputs = tuple(make.values(dtype, (2, 3), tame=True) for _ in range(count))
            yield Case(op, inputs, {"T": dtype, "N": count})


@makes("BiasAdd", "BiasAddV1")
def _bias_add(make: Maker, op: str) -> Iterator[Case]:
    for dtype in [*FLOATS, *INTS, *COMPLEX]:
        for shape in [(2, 3), (2, 2, 2, 3), (0, 3), (2, 3, 4)]:
            attrs: dict[str, object] = {"T": dtype}
            yield Case(op, (make.values(dtype, shape), make.values(dtype, shape[-1:])), attrs)
            if op == "BiasAdd":
                inputs = (make.values(dtype, shape), make.values(dtype, shape[1:2]))
                yield Case(op, inputs, {**attrs, "data_format": "NCHW"})


@makes("Sum", "Mean", "Prod", "Max", "Min", "All", "Any")
def _reductions(make: Maker, op: str) -> Iterator[Case]:
    truth = op in ("All", "Any")
    for dtype in [D.BOOL] if truth else [*FLOATS, *INTS, *COMPLEX]:
        for shape, axes in [
            ((), []),
            ((5,), [0]),
            ((2, 3), [0]),
            ((2, 3), [-1]),
            ((2, 3), [0, 1]),
            ((2, 3), []),
            ((2, 0), [1]),
            ((0,), [0]),
            ((2, 3, 4), [0, 2]),
            ((2, 3), [2]),
            ((40,), [0]),
        ]:
            tame = op in ("Sum", "Mean", "Prod") or make.pick(True, False)
            inputs = (make.values(dtype, shape, tame=tame), vector(*axes))
            attrs = {} if truth else {"T": dtype}
            yield Case(op, inputs, {**attrs, "Tidx": D.INT32, "keep_dims": make.pick(True, False)})


@makes("ArgMax", "ArgMin")
def _arg(make: Maker, op: str) -> Iterator[Case]:
    for dtype in [*FLOATS, *INTS]:
        for shape, axis in [
            ((5,), 0),
            ((2, 3), 1),
            ((2, 3), -2),
            ((0, 2), 1),
            ((2, 0), 1),
            ((), 0),
        ]:
            for tame in (True, False):
                inputs = (make.values(dtype, shape, tame=tame), scalar(axis))
                out = make.pick(D.INT32, D.INT64)
                yield Case(op, inputs, {"T": dtype, "Tidx": D.INT32, "output_type": out})


@makes("Cumsum", "Cumprod")
def _cumulative(make: Maker, op: str) -> Iterator[Case]:
    for dtype in [*FLOATS, *INTS, *COMPLEX]:
        for shape, axis in [((5,), 0), ((2, 3), 1), ((3, 2), -2), ((0,), 0), ((2, 0), 1), ((), 0)]:
            flags = {"exclusive": make.pick(True, False), "reverse": make.pick(True, False)}
            inputs = (make.values(dtype, shape, tame=True), scalar(axis))
            yield Case(op, inputs, {"T": dtype, "Tidx": D.INT32, **flags})


@makes("MatMul", "BatchMatMul", "BatchMatMulV2")
def _products(make: Maker, op: str) -> Iterator[Case]:
    names = ("transpose_a", "transpose_b") if op == "MatMul" else ("adj_x", "adj_y")
    for dtype in [*FLOATS, D.INT32, D.INT64, *COMPLEX]:
        for rows, inner, columns in [
            (2, 3, 4),
            (1, 5, 1),
            (3, 1, 2),
            (2, 0, 2),
            (0, 2, 3),
            (9, 17, 8),
        ]:
            for batch in [()] if op == "MatMul" else [(), (2,), (1, 2)]:
                flags = [make.pick(True, False) for _ in range(2)]
                first = (inner, rows) if flags[0] else (rows, inner)
                second = (columns, inner) if flags[1] else (inner, columns)
                other = batch[-1:] if op == "BatchMatMulV2" else batch
                inputs = (
                    make.values(dtype, batch + first, tame=True),
                    make.values(dtype, other + second, tame=True),
                )
                attrs = dict(zip(names, flags, strict=True))
                yield Case(op, inputs, {"T": dtype, **attrs})


@makes("Einsum")
def _einsum(make: Maker, op: str) -> Iterator[Case]:
    for dtype in [*FLOATS, D.COMPLEX64]:
        for equation, shapes in [
            ("ij,jk->ik", [(2, 3), (3, 4)]),
            ("abc,cde->abde", [(2, 2, 3), (3, 2, 2)]),
            ("...ij,jk->...ik", [(2, 2, 3), (3, 2)]),
            ("ij->ji", [(2, 3)]),
            ("ij->", [(2, 3)]),
            ("bij,bjk->bik", [(2, 2, 3), (2, 3, 2)]),
        ]:
            inputs = tuple(make.values(dtype, shape, tame=True) for shape in shapes)
            yield Case(op, inputs, {"T": dtype, "N": len(shapes), "equation": equation})


@makes("Cast")
def _cast(make: Maker, op: str) -> Iterator[Case]:
    types = [*FLOATS, *INTS, *COMPLEX, D.BOOL, *FLOAT8]
    for source in types:
        for target in types:
            inputs = (make.values(source, (40,)),)
            yield Case(op, inputs, {"SrcT": source, "DstT": target})
            tame = (make.values(source, make.pick((), (0,), (2, 3), (33,)), tame=True),)
            truncate = make.pick(True, False)
            yield Case(op, tame, {"SrcT": source, "DstT": target, "Truncate": truncate})


@makes("Bitcast")
def _bitcast(make: Maker, op: str) -> Iterator[Case]:
    types = [*FLOATS, *INTS, *COMPLEX, *QUANTIZED, *FLOAT8]
    for source in types:
        for target in types:
            ratio = numpy_dtype(target).itemsize // numpy_dtype(source).itemsize
            shape = (2, ratio) if ratio > 1 else make.pick((), (3,), (2, 2))
            inputs = (make.values(source, shape),)
            yield Case(op, inputs, {"T": source, "type": target})


RANGES = [(-6.0, 6.0), (0.0, 1.0), (-1.0, 3.7), (-0.3, 0.1), (1.0, 5.0), (-5.0, -1.0), (0.0, 0.0)]


@makes("Dequantize")
def _dequantize(make: Maker, op: str) -> Iterator[Case]:
    for dtype in QUANTIZED:
        for mode in ("MIN_COMBINED", "MIN_FIRST", "SCALED"):
            for low, high in RANGES:
                inputs = (
                    make.values(dtype, make.pick((33,), (2, 3))),
                    scalar(low, D.FLOAT),
                    scalar(high, D.FLOAT),
                )
                attrs: dict[str, object] = {"T": dtype, "mode": mode}
                yield Case(op, inputs, attrs)
                yield Case(op, inputs, {**attrs, "narrow_range": True})
                yield Case(op, inputs, {**attrs, "dtype": D.BFLOAT16})
            for axis in (0, 1, 2):
                count = (2, 3, 4)[axis]
                lows = -np.abs(make.values(D.FLOAT, (count,), tame=True)[1])
                inputs = (
                    make.values(dtype, (2, 3, 4)),
                    (D.FLOAT, lows),
                    make.values(D.FLOAT, (count,), tame=True, positive=True),
                )
                yield Case(op, inputs, {"T": dtype, "mode": mode, "axis": axis})


@makes("QuantizeV2")
def _quantize(make: Maker, op: str) -> Iterator[Case]:
    for dtype in QUANTIZED:
        for mode in ("MIN_COMBINED", "MIN_FIRST", "SCALED"):
            for low, high in RANGES:
                inputs = (
                    make.values(D.FLOAT, make.pick((33,), (2, 3)), tame=True),
                    scalar(low, D.FLOAT),
                    scalar(high, D.FLOAT),
                )
                attrs: dict[str, object] = {"T": dtype, "mode": mode}
                yield Case(op, inputs, attrs, 3)
                if mode == "SCALED":
                    yield Case(op, inputs, {**attrs, "narrow_range": True}, 3)
                    yield Case(op, inputs, {**attrs, "round_mode": "HALF_TO_EVEN"}, 3)


@makes("FakeQuantWithMinMaxArgs", "FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel")
def _fake_quant(make: Maker, op: str) -> Iterator[Case]:
    for low, high in RANGES:
        for bits in (2, 4, 8, 16):
            for narrow in (True, False):
                value = make.values(D.FLOAT, (6, 5), tame=make.pick(True, True, False))
                attrs: dict[str, object] = {"num_bits": bits, "narrow_range": narrow}
                if op.endswith("Args"):
                    yield Case(op, (value,), {**attrs, "min": low, "max": high})
                elif op.endswith("Vars"):
                    ends = scalar(low, D.FLOAT), scalar(high, D.FLOAT)
                    yield Case(op, (value, *ends), attrs)
                else:
                    spread = np.linspace(1, 2, 5, dtype=np.float32)
                    lows, highs = (D.FLOAT, low * spread), (D.FLOAT, high * spread)
                    yield Case(op, (value, lows, highs), attrs)


@makes("QuantizeAndDequantizeV2", "QuantizeAndDequantizeV3", "QuantizeAndDequantizeV4")
def _quantize_and_dequantize(make: Maker, op: str) -> Iterator[Case]:
    for dtype in (D.FLOAT, D.DOUBLE):
        for low, high in RANGES:
            for given in (True, False):
                for narrow in (True, False):
                    attrs: dict[str, object] = {
                        "T": dtype,
                        "signed_input": make.pick(True, False),
                        "range_given": given,
                        "narrow_range": narrow,
                    }
                    value = make.values(dtype, (33,), tame=True)
                    ends = (scalar(low, dtype), scalar(high, dtype))
                    if op.endswith("V3"):
                        yield Case(op, (value, *ends, scalar(make.pick(4, 8))), attrs)
                        continue
                    attrs["num_bits"] = make.pick(4, 8)
                    attrs["round_mode"] = make.pick("HALF_TO_EVEN", "HALF_UP")
                    yield Case(op, (value, *ends), attrs)
