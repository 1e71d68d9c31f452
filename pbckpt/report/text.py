"""Results as text for a terminal: aligned tables, sizes that people read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.applications.inspect import GraphContents, GraphState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pbckpt.applications.convert import Report
    from pbckpt.applications.diff import DiffReport
    from pbckpt.applications.edit import EditReport
    from pbckpt.applications.freeze import FreezeReport
    from pbckpt.applications.inspect import CheckpointContents
    from pbckpt.applications.score import Score
    from pbckpt.applications.state import State
    from pbckpt.applications.verify import VerifyReport
    from pbckpt.checkpoints.stored import TensorInfo
    from pbckpt.checkpoints.write import WrittenBundle
    from pbckpt.thaw.signature import Port, Signature
    from pbckpt.variables.story import Story
    from pbckpt.variables.variable import Skipped, Variable

_OUTCOMES = {
    "variable": "a variable, stored as",
    "ambiguous": "ambiguous, not taken; take it with --take",
    "constant": "not a variable",
}
_OUTPUTS_FROM = {
    "given": "as given",
    "signatures": "as its signatures say; choose with --outputs",
    "thawed": "as the frozen graph before; choose with --outputs",
    "inferred": "inferred; choose with --outputs",
}
_KILO = 1000
_SHOWN_OUTPUTS = 5
_RIGHT = "bytes"


def convert_text(report: Report) -> str:
    """Return a summary of a conversion."""
    trainable = sum(variable.trainable for variable in report.variables)
    lines = [
        (
            f"{report.prefix}: {_counted(len(report.variables), 'variable')} "
            f"({trainable} trainable), "
            f"{size_text(report.nbytes)}"
        ),
        *(f"  wrote {file}" for file in report.files),
    ]
    lines += [f"  {line}" for line in _signature_lines(report.signatures or {})]
    if report.added:
        lines.append(f"  {_counted(len(report.added), 'tensor')} added")
    if report.skipped:
        were = "was" if len(report.skipped) == 1 else "were"
        ambiguous = sum(constant.is_ambiguous for constant in report.skipped)
        doubt = f" ({ambiguous} ambiguous)" if ambiguous else ""
        lines.append(f"  {_counted(len(report.skipped), 'constant')} {were} not taken{doubt}")
    if not report.files:
        lines.append("  nothing was written, as --dry-run says")
    return "\n".join(lines)


def _signature_lines(signatures: Mapping[str, Signature]) -> Iterator[str]:
    for key, signature in signatures.items():
        taken = ", ".join(map(_port, signature.inputs)) or "nothing"
        yield f"signature {key}: {taken} -> {', '.join(map(_port, signature.outputs))}"


def _port(port: Port) -> str:
    shape = "of any shape" if port.shape is None else shape_text(port.shape)
    return f"{port.key} ({port.dtype.label} {shape})"


def freeze_text(report: FreezeReport) -> str:
    """Return a summary of a freezing."""
    outputs = ", ".join(report.outputs[:_SHOWN_OUTPUTS])
    more = len(report.outputs) - _SHOWN_OUTPUTS
    outputs += f" and {more} more" if more > 0 else ""
    how = _OUTPUTS_FROM[report.outputs_from.value]
    return (
        f"{report.path}: {_counted(report.num_nodes, 'node')}, "
        f"{_counted(len(report.variables), 'variable')} frozen, {size_text(report.nbytes)}\n"
        f"  ends in {outputs} ({how}){_unfilled(report)}"
    )


def _unfilled(report: FreezeReport) -> str:
    """Return the warning that tables are empty, if any are."""
    if not report.unfilled:
        return ""
    more = len(report.unfilled) - 1
    tables = f"{report.unfilled[0]} and {more} more" if more else report.unfilled[0]
    return f"\n  warning: nothing in it fills the table {tables}; have its program do so"


def conversion_plan_text(report: Report) -> str:
    """Return the table of what would be written, by new names and those of the graph."""
    rows = [
        (variable.key, _nodes(variable), variable.dtype.label, shape_text(variable.shape))
        for variable in report.variables
    ]
    rows += [(name, "(set)", "", "") for name in report.added]
    return f"{convert_text(report)}\n\n{table(('key', 'node', 'dtype', 'shape'), rows)}"


def _nodes(variable: Variable) -> str:
    more = len(variable.nodes) - 1
    return f"{variable.node} and {more} more" if more else variable.node


def edit_text(report: EditReport) -> str:
    """Return a summary of an edit."""
    count = len(report.tensors)
    renamed = sum(one.old not in ("", one.new) for one in report.tensors)
    notes = [f"{renamed} renamed"] if renamed else []
    notes += [f"{len(report.dropped)} left out"] if report.dropped else []
    more = f" ({', '.join(notes)})" if notes else ""
    head = f"{report.prefix}: {_counted(count, 'tensor')}{more}, {size_text(report.nbytes)}"
    return "\n".join([head, *(f"  wrote {file}" for file in report.files)])


def plan_text(report: EditReport) -> str:
    """Return the table of old and new names of what would be written."""
    rows = [
        (one.old or "(set)", one.new, one.dtype.label, shape_text(one.shape))
        for one in report.tensors
    ]
    parts = [
        (
            f"{report.prefix}: would hold {_counted(len(rows), 'tensor')}, "
            f"{size_text(report.nbytes)} as they are now"
        ),
        table(("old", "new", "dtype", "shape"), rows),
    ]
    if report.dropped:
        parts.append("left out:\n" + table(("name", "reason"), report.dropped))
    return "\n\n".join(parts)


def written_text(prefix: str, written: WrittenBundle) -> str:
    """Return what was written where."""
    head = f"{prefix}: {size_text(written.nbytes)}"
    return "\n".join([head, *(f"  wrote {file}" for file in written.files)])


def diff_text(report: DiffReport) -> str:
    """Return a line if all is the same, else a table of what is not."""
    head = f"{report.first} and {report.second}: {_counted(report.same, 'tensor')} the same"
    if not report.differences:
        return head
    rows = [
        (
            one.key,
            one.kind.value,
            one.first or "-",
            one.second or "-",
            "" if one.elements is None else f"{one.elements:,}",
            "" if one.max_abs is None else f"{one.max_abs:.6g}",
            "" if one.max_rel is None else f"{one.max_rel:.6g}",
        )
        for one in report.differences
    ]
    titles = ("key", "differs in", "first", "second", "elements", "max abs", "max rel")
    return f"{head}, {len(rows)} not\n\n{table(titles, rows)}"


def state_text(state: State) -> str:
    """Return which checkpoint is the newest and which there are."""
    rows = [(one.path, "yes" if one.exists else "no") for one in state.checkpoints]
    head = f"latest: {printable(state.latest) or '(none)'}"
    return f"{head}\n\n{table(('listed', 'is there'), rows)}" if rows else head


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def inspect_text(contents: GraphContents | CheckpointContents) -> str:
    """Return the tables of a graph or a checkpoint."""
    if isinstance(contents, GraphContents):
        return _graph_text(contents)
    total = _total_bytes(contents)
    head = (
        f"checkpoint {contents.prefix}: {_counted(len(contents.tensors), 'tensor')}, "
        f"{size_text(total)}, {_counted(contents.num_shards, 'shard')}"
    )
    crcs = {key: f"{entry.crc32c:08x}" for key, entry in contents.entries if not entry.slices}
    rows = [(*_info_row(key, info), crcs.get(key, "")) for key, info in contents.tensors]
    parts = [head, table(("key", "dtype", "shape", _RIGHT, "crc32c"), rows)]
    if contents.objects:
        objects = [(one.path, one.full_name, one.key) for one in contents.objects]
        parts.append("objects:\n" + table(("path", "full name", "key"), objects))
    return "\n\n".join(parts)


def _graph_text(contents: GraphContents) -> str:
    head = _graph_head(contents)
    if contents.functions:
        head += f", {_counted(contents.functions, 'function')}"
    parts = [head]
    if contents.variables:
        parts.append(variables_table(contents.variables))
    folded = [(one.key, one.folded) for one in contents.variables if one.folded]
    if folded:
        parts.append("not as trained:\n" + table(("key", "what was done"), folded))
    ambiguous = [constant for constant in contents.skipped if constant.is_ambiguous]
    others = [constant for constant in contents.skipped if not constant.is_ambiguous]
    if ambiguous:
        title = (
            "ambiguous, not taken (--take NODE takes one, --select weights those that operations "
            "take as weights):"
        )
        parts.append(_skipped_table(title, ambiguous))
    if contents.remaining:
        rows = [
            (one.node, one.name, one.dtype.label if one.dtype else "-", _known_shape(one.shape))
            for one in contents.remaining
        ]
        titles = ("node", "name", "dtype", "shape")
        still = "still variables" if contents.variables else "variables"
        title = f"{still}, whose values are not in the graph:\n"
        parts.append(title + table(titles, rows))
    if others:
        parts.append(_skipped_table("not variables:", others))
    return "\n\n".join(parts)


def _graph_head(contents: GraphContents) -> str:
    """Return what a graph is, and how much of each there is in it."""
    nodes = _counted(contents.nodes, "node")
    constants = _counted(contents.constants, "constant")
    variables = _counted(len(contents.remaining), "variable")
    frozen = len(contents.variables)
    if contents.state is GraphState.VARIABLES:
        return f"graph {contents.path}: {nodes}, {variables}, {constants}"
    if contents.state is GraphState.FROZEN:
        of_them = "1 of them a variable" if frozen == 1 else f"{frozen} of them variables"
        return f"frozen graph {contents.path}: {nodes}, {constants}, {of_them}"
    of_them = "1 of them a frozen" if frozen == 1 else f"{frozen} of them frozen"
    are = f"{of_them} {'variable' if frozen == 1 else 'variables'}"
    return f"partly frozen graph {contents.path}: {nodes}, {variables}, {constants}, {are}"


def _known_shape(shape: Sequence[int] | None) -> str:
    return "-" if shape is None else shape_text(shape)


def _skipped_table(title: str, constants: Sequence[Skipped]) -> str:
    rows = [_skipped_row(constant) for constant in constants]
    return f"{title}\n" + table(("node", "dtype", "shape", "reason"), rows)


def story_text(story: Story) -> str:
    """Return what was found of one constant: its verdict, its consumers, the evidence."""
    tensor = story.tensor
    what = f", {tensor.dtype.label} {shape_text(tensor.shape)}" if tensor else ""
    outcome = _OUTCOMES[story.outcome.value]
    keys = f" {', '.join(story.keys)}" if story.keys else ""
    lines = [f"{story.node}{what}: {outcome}{keys}", f"  {story.reason}"]
    if story.part:
        lines.append(f"  {story.part}")
    if story.value:
        lines.append(f"  stored is {story.value}")
    if story.folded and story.folded != story.reason:
        lines.append(f"  not as trained: {story.folded}")
    lines.append("consumers:" if story.consumers else "no operation takes it")
    for consumer in story.consumers:
        through = f", through {', '.join(consumer.through)}" if consumer.through else ""
        lines.append(f"  input {consumer.slot} of {consumer.op} {consumer.node!r}{through}")
    if story.evidence:
        rows = [
            (
                "for" if one.speaks_for else "against",
                one.strength.name.lower(),
                one.rule,
                one.reason,
            )
            for one in story.evidence
        ]
        lines += ["evidence:", table(("speaks", "strength", "rule", "reason"), rows)]
    return "\n".join(printable(line) if "\n" not in line else line for line in lines)


def score_text(score: Score) -> str:
    """Return how detection did by a truth file."""
    rows = [
        ("variables found", f"{score.found} of {score.wanted}"),
        ("taken that were none", f"{len(score.wrong)} of {score.taken}"),
        ("names", f"{score.names} of {score.found}"),
        ("last components of names", f"{score.last_names} of {score.found}"),
        ("layers, but for prefixes and numbers", f"{score.layers} of {score.found}"),
        ("trainable or not", f"{score.trainable} of {score.found}"),
        ("bits equal", f"{score.bits} of {score.comparable}"),
        ("ambiguous", str(score.ambiguous)),
    ]
    lines = [table(("what", "score"), rows)]
    lines += [f"missed: {printable(name)}" for name in score.missed]
    lines += [f"wrong: {printable(name)}" for name in score.wrong]
    return "\n".join(lines)


def variables_table(variables: Sequence[Variable]) -> str:
    """Return the table of variables with the reason for each."""
    rows = [
        (
            variable.key,
            variable.dtype.label,
            shape_text(variable.shape),
            f"{variable.nbytes:,}",
            "yes" if variable.trainable else "no",
            variable.role.value if variable.role else "-",
            variable.rule,
            variable.reason + (" (folded: not as trained)" if variable.folded else ""),
        )
        for variable in variables
    ]
    titles = ("key", "dtype", "shape", _RIGHT, "trainable", "role", "rule", "reason")
    return table(titles, rows)


def _skipped_row(constant: Skipped) -> tuple[str, ...]:
    tensor = constant.tensor
    dtype = tensor.dtype.label if tensor else "-"
    shape = shape_text(tensor.shape) if tensor else "-"
    return constant.node, dtype, shape, constant.reason


def _total_bytes(contents: CheckpointContents) -> int:
    """Return the size of all tensors, with bytes that keys share counted once."""
    if not contents.entries:
        return sum(info.nbytes for _, info in contents.tensors)
    infos = dict(contents.tensors)
    sizes = {
        key if entry.slices else (entry.shard_id, entry.offset, entry.nbytes): infos[key].nbytes
        for key, entry in contents.entries
    }
    return sum(sizes.values())


def _info_row(key: str, info: TensorInfo) -> tuple[str, ...]:
    size = _counted(info.num_slices, "slice") if info.num_slices else f"{info.nbytes:,}"
    return key, info.dtype.label, shape_text(info.shape), size


def verify_text(report: VerifyReport) -> str:
    """Return a line if all is well, else a line per problem."""
    if report.ok:
        return f"{report.prefix}: {_counted(report.checked, 'tensor')} checked, no problem found"
    lines = [f"{report.prefix}: {_counted(len(report.problems), 'problem')}"]
    for problem in report.problems:
        what = f"{problem.key} in {problem.file}" if problem.key else problem.file
        lines.append("  " + printable(f"{what}: {problem.problem}"))
    return "\n".join(lines)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows in columns as wide as their widest cell; sizes to the right."""
    shown = [head, *([printable(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = []
    for row in shown:
        cells = [
            cell.rjust(width) if title == _RIGHT else cell.ljust(width)
            for cell, width, title in zip(row, widths, head, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as it is written in Python lists."""
    return "[" + ", ".join(map(str, shape)) + "]"


def size_text(nbytes: int) -> str:
    """Return a size in the largest decimal unit of which it has one."""
    size = float(nbytes)
    for unit in ("byte", "kB", "MB", "GB"):
        if size < _KILO:
            return _counted(nbytes, unit) if unit == "byte" else f"{size:.1f} {unit}"
        size /= _KILO
    return f"{size:.1f} TB"


def printable(text: str) -> str:
    """Return a name as it can be shown on any terminal: no control, no stray byte."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
