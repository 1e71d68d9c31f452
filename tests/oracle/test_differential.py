"""TensorFlow and pbckpt, each reading thousands of random checkpoints that the other wrote."""

from __future__ import annotations

import shutil
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import strategies as st

import pbckpt
from pbckpt.bundle.payload import Part, Payload, Tensor, string_payload
from pbckpt.bundle.slices import part_shape, slice_key
from pbckpt.checkpoints.write import write_bundle
from pbckpt.dtypes import DataType
from pbckpt.names import BundleKey, Prefix
from pbckpt.wire.span import Span
from tests.oracle.cases import (
    MAX_SHARDS,
    QUANTIZED,
    REASSEMBLED,
    CheckpointCase,
    Division,
    Form,
    Reader,
    TensorCase,
    checkpoints,
    piece,
    slice_text,
    taken,
    value_of,
)
from tests.oracle.differential import judge_cases
from tests.oracle.judge import Refusal, TensorFacts, TensorFlowJudge, TensorRequest
from tests.oracle.many import Found, Listing, Order, Question, Stored, read_many, save_many

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    Array = npt.NDArray[Any]

MINIMUM = 2000
# hypothesis makes a case twice now and then, and twice the same is one.
DRAWN = MINIMUM + 300
# How pbckpt is asked to write: arrays by name, or tensors of every type, shard by shard.
SAVE, BUNDLE = "save", "bundle"
REPLACE = pbckpt.OnExisting.REPLACE
save_checkpoint = partial(
    pbckpt.save_checkpoint, on_existing=REPLACE, durability=pbckpt.Durability.NONE
)
save_bundle = partial(write_bundle, on_existing=REPLACE, durability=pbckpt.Durability.NONE)


class Differs(Exception):  # noqa: N818 - it is what is looked for
    """What one side wrote is not what the other found."""


def known_dtypes(judge: TensorFlowJudge) -> list[DataType]:
    """Return the types whose elements have bytes of which both know."""
    known = map(DataType, judge.dtypes())
    return [one for one in known if one.is_fixed_size or one is DataType.STRING]


class Folders:
    """A new folder for each batch, and none left behind."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._numbers = count()

    def new(self) -> Path:
        folder = self._root / str(next(self._numbers))
        folder.mkdir()
        return folder


# -- what pbckpt writes, TensorFlow reads


def test_tensorflow_reads_what_we_write(judge: TensorFlowJudge, tmp_path: Path) -> None:
    known = known_dtypes(judge)
    plain = [dtype for dtype in known if dtype not in QUANTIZED]
    cases = st.one_of(
        st.tuples(st.just(SAVE), checkpoints(plain, Reader.TENSORFLOW).map(with_ends_told)),
        st.tuples(st.just(BUNDLE), checkpoints(known, Reader.TENSORFLOW)),
    )
    folders = Folders(tmp_path)

    def judged(batch: Sequence[tuple[str, CheckpointCase]]) -> list[str]:
        folder = folders.new()
        prefixes = [folder / f"m{number}" for number in range(len(batch))]
        problems = [
            problem_of(write_ours, way, case, prefix)
            for (way, case), prefix in zip(batch, prefixes, strict=True)
        ]
        questions = [
            question_of(case if not problem else case._replace(tensors=()), prefix)
            for (_, case), prefix, problem in zip(batch, prefixes, problems, strict=True)
        ]
        found = read_many(judge, questions)
        shutil.rmtree(folder)
        return [
            problem or problem_of(compare, case, answer)
            for problem, (_, case), answer in zip(problems, batch, found, strict=True)
        ]

    assert judge_cases(cases, judged, DRAWN) >= MINIMUM


def with_ends_told(case: CheckpointCase) -> CheckpointCase:
    """Return the case without axes that are told as whole, of which `save_checkpoint` has none."""
    return case._replace(tensors=tuple(one._replace(whole_axes=False) for one in case.tensors))


def problem_of(act: Any, *arguments: Any) -> str:  # noqa: ANN401 - any function
    """Return what is raised, as text; nothing if all is well."""
    try:
        act(*arguments)
    except Exception as error:  # noqa: BLE001 - whatever it is, the case is not as it should be
        return f"{type(error).__name__}: {error}"
    return ""


def write_ours(way: str, case: CheckpointCase, prefix: Path) -> None:
    """Write a case in one of the two ways, over another checkpoint if it says so."""
    if case.replaced:
        save_checkpoint({"other": np.zeros(9)}, prefix)
    if way == SAVE:
        given = [(tensor.text, saved_value(tensor, case)) for tensor in case.tensors]
        layout = layout_of(case)
        save_checkpoint(iter(given) if case.as_pairs else dict(given), prefix, layout=layout)
    else:
        save_bundle(bundle_shards(case), 0, Prefix.parse(prefix))


def layout_of(case: CheckpointCase) -> pbckpt.Layout:
    """Return how `save_checkpoint` is to divide the case."""
    if case.division is Division.NUM_SHARDS:
        return pbckpt.Layout(num_shards=case.number)
    if case.division is Division.MAX_SHARD_BYTES:
        return pbckpt.Layout(max_shard_bytes=10**case.number)
    if case.division is Division.SHARD_OF:
        shards = {tensor.text: tensor.shard(0) for tensor in case.tensors}
        return pbckpt.Layout(shard_of=lambda name: shards[name])
    return pbckpt.Layout()


def saved_value(tensor: TensorCase, case: CheckpointCase) -> object:
    """Return what is given to `save_checkpoint`: the array, in one of many forms."""
    array = tensor.array()
    if tensor.cuts is not None:
        return partitioned(tensor, array)
    form = tensor.form
    if form is Form.CALLABLE and case.division is Division.NONE:
        return lambda: array
    if tensor.dtype is not DataType.STRING and form is Form.LAZY:
        return pbckpt.LazyTensor(tensor.dtype, tensor.shape, lambda: array)
    if tensor.dtype is not DataType.STRING and form is Form.LAZY_ROWS and array.ndim:
        return pbckpt.LazyTensor(tensor.dtype.label, tensor.shape, lambda: iter(array))
    return laid_out(array, form)


def partitioned(tensor: TensorCase, array: Array) -> pbckpt.Partitioned:
    """Return the parts in the order in which they are to be stored."""
    parts = tensor.parts()
    starts = [tuple(extent.start for extent in part) for part in parts]
    pieces = [piece(array, part) for part in parts]
    return pbckpt.Partitioned(tensor.shape, tuple(zip(starts, pieces, strict=True)))


def laid_out(array: Array, form: Form) -> Array:
    """Return an array of the same numbers that lies in memory in another way."""
    if form is Form.FORTRAN and array.ndim:
        return np.asfortranarray(array)
    if form is Form.BIG_ENDIAN and array.dtype.kind in "iufc":
        return array.astype(array.dtype.newbyteorder(">"))
    return array


def bundle_shards(case: CheckpointCase) -> list[list[Tensor]]:
    """Return the tensors of a case, slices of partitioned ones by themselves, shard by shard."""
    shards: list[list[Tensor]] = [[] for _ in range(MAX_SHARDS)]
    for tensor in case.tensors:
        array, key = tensor.array(), BundleKey(tensor.name)
        parts = tensor.parts()
        for place, part in enumerate(parts):
            value = value_of(piece(array, part))
            shape = part_shape(tensor.shape, part)
            payload = (
                Payload([Span.of(value)]) if isinstance(value, bytes) else string_payload(value)
            )
            ours = Tensor(key, tensor.dtype, shape, payload)
            if len(parts) > 1:
                own_key = BundleKey(slice_key(key, part))
                ours = ours._replace(key=own_key, part=Part(key, tensor.shape, part))
            shards[tensor.shard(place)].append(ours)
    return [shard for shard in shards if shard] or [[]]


def question_of(case: CheckpointCase, prefix: Path) -> Question:
    """Ask for all that TensorFlow can give: tensors whole, random parts, and parts as stored."""
    whole = [
        TensorRequest(tensor.name, tensor.dtype)
        for tensor in case.tensors
        if is_given_whole(tensor)
    ]
    requests = [
        TensorRequest(tensor.name, tensor.dtype, slice_text(tensor.shape, part))
        for tensor in case.tensors
        for part in parts_to_read(tensor)
    ]
    return Question(prefix, whole, requests)


def is_given_whole(tensor: TensorCase) -> bool:
    """Whether TensorFlow can give the whole tensor."""
    return len(tensor.parts()) == 1 or tensor.dtype in REASSEMBLED


def parts_to_read(tensor: TensorCase) -> Iterator[Any]:
    """Yield the parts of a tensor to ask RestoreV2 for."""
    if is_given_whole(tensor):
        yield tensor._replace(cuts=None).parts()[0]
        yield from tensor.boxes
    if len(tensor.parts()) > 1:
        yield from tensor.parts()


def compare(case: CheckpointCase, found: Found | Refusal) -> None:
    """Raise Differs where TensorFlow found something else than was written."""
    if isinstance(found, Refusal):
        raise Differs(str(found))
    expect(listing_of(case), found.listing)
    arrays = {tensor.name: tensor.array() for tensor in case.tensors}
    whole = [
        facts_of(tensor.dtype, arrays[tensor.name])
        for tensor in case.tensors
        if is_given_whole(tensor)
    ]
    expect(whole, found.whole)
    parts = [
        facts_of(tensor.dtype, piece(arrays[tensor.name], part))
        for tensor in case.tensors
        for part in parts_to_read(tensor)
    ]
    expect(parts, found.requests)


def listing_of(case: CheckpointCase) -> Listing:
    """Return what TensorFlow lists; not if all names are text, partitioned tensors by slices."""
    is_text = all(is_utf8(tensor.text) for tensor in case.tensors)
    listing: Listing = {}
    for tensor in case.tensors:
        parts = tensor.parts()
        if is_text or len(parts) == 1:
            listing[tensor.text] = (tensor.dtype, tensor.shape)
            continue
        for part in parts:
            key = slice_key(tensor.name, part).decode("utf-8", "surrogateescape")
            listing[key] = (tensor.dtype, part_shape(tensor.shape, part))
    return listing


def is_utf8(text: str) -> bool:
    """Whether a name has no bytes that surrogates stand for."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def facts_of(dtype: DataType, array: Array) -> TensorFacts:
    return TensorFacts.of(int(dtype), array.shape, value_of(array))


def expect(expected: object, found: object) -> None:
    if expected != found:
        raise Differs(f"expected {expected}, found {found}")


# -- what TensorFlow writes, pbckpt reads, and writes the same


def test_we_read_what_tensorflow_writes(judge: TensorFlowJudge, tmp_path: Path) -> None:
    """And write the same files ourselves, byte for byte."""
    folders = Folders(tmp_path)

    def judged(batch: Sequence[CheckpointCase]) -> list[str]:
        folder = folders.new()
        prefixes = [folder / f"m{number}" for number in range(len(batch))]
        orders = [
            Order(prefix, tensorflow_shards(case))
            for case, prefix in zip(batch, prefixes, strict=True)
        ]
        refused = save_many(judge, folder, orders)
        problems = [
            str(refusal) if refusal else problem_of(compare_ours, case, prefix)
            for case, prefix, refusal in zip(batch, prefixes, refused, strict=True)
        ]
        shutil.rmtree(folder)
        return problems

    cases = checkpoints(known_dtypes(judge), Reader.PBCKPT, min_tensors=1)
    assert judge_cases(cases, judged, DRAWN) >= MINIMUM


def tensorflow_shards(case: CheckpointCase) -> list[list[Stored]]:
    """Return the inputs of SaveV2 for each shard; shards without any are left out."""
    shards: list[list[Stored]] = [[] for _ in range(MAX_SHARDS)]
    for tensor in case.tensors:
        array = tensor.array()
        for place, part in enumerate(tensor.parts()):
            told = "" if tensor.cuts is None else slice_text(tensor.shape, part)
            shape = part_shape(tensor.shape, part)
            stored = Stored(tensor.name, tensor.dtype, shape, value_of(piece(array, part)), told)
            shards[tensor.shard(place)].append(stored)
    return [shard for shard in shards if shard]


def compare_ours(case: CheckpointCase, prefix: Path) -> None:
    """Raise Differs where pbckpt reads something else, or would write other files."""
    report = pbckpt.verify(prefix)
    if not report.ok:
        raise Differs(str(report.problems))
    with pbckpt.open_checkpoint(prefix) as checkpoint:
        expect(
            sorted(tensor.name for tensor in case.tensors),
            [key.encode("utf-8", "surrogateescape") for key in checkpoint],
        )
        for tensor in case.tensors:
            compare_tensor(tensor, checkpoint)
    ours = prefix.with_name(f"ours_{prefix.name}")
    save_bundle(bundle_shards(case), 0, Prefix.parse(ours))
    expect(files_of(prefix), files_of(ours))


def compare_tensor(tensor: TensorCase, checkpoint: pbckpt.Checkpoint) -> None:
    info, array = checkpoint.info(tensor.text), tensor.array()
    parts = len(tensor.parts())
    expect((tensor.dtype, tensor.shape), (info.dtype, info.shape))
    expect(parts if parts > 1 else 0, info.num_slices)
    expect(bits_of(array), bits_of(checkpoint[tensor.text]))
    expect(bits_of(array), bits_of(checkpoint.load(tensor.text)))
    slices = checkpoint.get_slice(tensor.text)
    expect((tensor.dtype, tensor.shape), (slices.dtype, slices.shape))
    expect(bits_of(taken(array, tensor.index)), bits_of(slices[tensor.index]))


def bits_of(array: Array) -> object:
    return array.dtype, array.shape, value_of(array)


def files_of(prefix: Path) -> dict[str, bytes]:
    """Return the files of a checkpoint by what follows the prefix."""
    start = len(prefix.name)
    return {path.name[start:]: path.read_bytes() for path in prefix.parent.glob(f"{prefix.name}.*")}


# -- the harness itself


def test_a_failing_batch_is_searched_for_the_smallest_case() -> None:
    asked: list[int] = []

    def judged(batch: Sequence[tuple[int, str]]) -> list[str]:
        asked.append(len(batch))
        return ["too large" if number > 1000 else "" for number, _ in batch]

    with pytest.raises(AssertionError, match="too large") as failure:
        judge_cases(st.tuples(st.integers(0, 1 << 20), st.text()), judged, 200)
    assert any("(1001, '')" in note for note in failure.value.__notes__)
    assert asked[:4] == [50] * 4
    assert set(asked[4:]) == {1}


def test_every_case_is_judged_once() -> None:
    seen: list[int] = []

    def judged(batch: Sequence[int]) -> list[str]:
        seen.extend(batch)
        return [""] * len(batch)

    assert judge_cases(st.integers(), judged, 130) == len(set(seen))
    assert len(seen) == 130
