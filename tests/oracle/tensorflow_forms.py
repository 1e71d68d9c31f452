"""The worker's part for forms of checkpoints: parts, shards, objects, and what restores them.

    op                  asks                                             answers
    saver_save_parts    manifest (items with device?, num_parts?,        path
                        axis?), prefix, sharded, resource
    saver_restore       prefix, names: [{name_hex, dtype_enum, shape}]   tensors
    checkpoint_save     manifest, prefix, call: write or save            path
    checkpoint_restore  prefix, names, call: read or restore,            tensors, refused: for each
                        asserts: methods of the status                   assert "" or a class
    variable_dtypes     -                                                dtypes
    resave              prefix, names: [{name_hex, dtype_enum}], to      path

`checkpoint_…` and `variable_dtypes` are for a worker that was started with
`--eager`. A Checkpoint there is `tf.train.Checkpoint(**{name: tf.Variable(value,
name=name)})`.

Runs on Python 3.7 with TensorFlow 1.15, and with TensorFlow 2.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tests.oracle.tensorflow_values import Host, Json, described, name_of, string_array
else:  # a script finds the files beside it
    from tensorflow_values import Host, described, name_of, string_array

OPAQUE_DTYPES = (20, 21)


class FormOps(Host):
    """Answers requests about savers and checkpoints of objects."""

    def op_saver_save_parts(self, request: Json) -> Json:
        """Save variables, on devices and in parts, with the Saver of TensorFlow 1."""
        manifest = request["manifest"]
        items = json.loads(Path(manifest).read_text(encoding="utf-8"))["tensors"]
        entries = self.read_manifest(manifest)
        config = self.v1.ConfigProto(device_count={"CPU": 4})
        with self.tf.Graph().as_default(), self.v1.Session(config=config) as session:
            for at, entry in enumerate(entries):
                with self.tf.device(items[at].get("device", "")):
                    self._make_variable(items[at], entry, resource=request["resource"])
            session.run(self.v1.global_variables_initializer())
            values = {entry.name.decode("utf-8"): entry.value for entry in entries}
            for variable in self.v1.global_variables():
                variable.load(part_of(values, variable), session)
            saver = self.v1.train.Saver(sharded=request["sharded"])
            return {"path": saver.save(session, request["prefix"], write_meta_graph=False)}

    def _make_variable(self, item: Json, entry: Any, *, resource: bool) -> None:
        parts = item.get("num_parts")
        partitioner = None
        if parts:
            partitioner = self.v1.fixed_size_partitioner(parts, item.get("axis", 0))
        self.v1.get_variable(
            entry.name.decode("utf-8"),
            entry.shape,
            self.tf.as_dtype(entry.dtype),
            self.v1.zeros_initializer(),
            partitioner=partitioner,
            use_resource=resource,
        )

    def op_saver_restore(self, request: Json) -> Json:
        """Restore variables with the Saver of TensorFlow 1, and read them."""
        names = request["names"]
        with self.tf.Graph().as_default(), self.v1.Session(config=self.config) as session:
            variables = {
                name_of(item).decode("utf-8"): self.v1.get_variable(
                    f"variable_{at}", item["shape"], self.tf.as_dtype(item["dtype_enum"])
                )
                for at, item in enumerate(names)
            }
            self.v1.train.Saver(variables).restore(session, request["prefix"])
            values = session.run([variables[name_of(item).decode("utf-8")] for item in names])
        return {"tensors": describe_all(names, values)}

    def op_checkpoint_save(self, request: Json) -> Json:
        """Save variables as the attributes of a tf.train.Checkpoint."""
        variables = {}
        for entry in self.read_manifest(request["manifest"]):
            name = entry.name.decode("utf-8")
            variables[name] = self._eager_variable(entry.dtype, entry.value, name)
        # By the class: a variable may have the name of the method.
        call = getattr(self.tf.train.Checkpoint, request["call"])
        return {"path": call(self.tf.train.Checkpoint(**variables), request["prefix"])}

    def op_checkpoint_restore(self, request: Json) -> Json:
        """Restore the attributes of a tf.train.Checkpoint, and read them."""
        names = request["names"]
        variables = {name_of(item).decode("utf-8"): self._zero_variable(item) for item in names}
        call = getattr(self.tf.train.Checkpoint, request["call"])
        status = call(self.tf.train.Checkpoint(**variables), request["prefix"])
        refused = [refused_by(status, name) for name in request["asserts"]]
        values = [variables[name_of(item).decode("utf-8")].numpy() for item in names]
        return {"tensors": describe_all(names, values), "refused": refused}

    def _zero_variable(self, item: Json) -> Any:
        dtype = np.dtype(self.tf.as_dtype(item["dtype_enum"]).as_numpy_dtype)
        value = np.zeros(item["shape"], dtype)
        if dtype.kind == "O":
            value.fill(b"")
        return self._eager_variable(item["dtype_enum"], value, name_of(item).decode("utf-8"))

    def _eager_variable(self, dtype: int, value: Any, name: str) -> Any:
        return self.tf.Variable(self.tf.constant(value, self.tf.as_dtype(dtype)), name=name)

    def op_variable_dtypes(self, _request: Json) -> Json:
        """List the types that a variable can have: one of them is made of each."""
        known = sorted(number for number in self.types_pb2.DataType.values() if 0 < number < 100)
        fixed = [number for number in known if number not in OPAQUE_DTYPES]
        return {"dtypes": [number for number in fixed if self._has_variable(number)]}

    def _has_variable(self, number: int) -> bool:
        try:
            self._zero_variable({"dtype_enum": number, "shape": [1], "name": "v"})
        except Exception:  # noqa: BLE001 - whatever it says, there is none
            return False
        return True

    def op_resave(self, request: Json) -> Json:
        """Restore tensors and save them again, without looking at what they are."""
        items = request["names"]
        with self.tf.Graph().as_default(), self.v1.Session(config=self.config) as session:
            names = self.v1.placeholder(self.tf.string, [len(items)])
            slices = [""] * len(items)
            tensors = self.tf.raw_ops.RestoreV2(
                prefix=request["prefix"],
                tensor_names=names,
                shape_and_slices=slices,
                dtypes=[self.tf.as_dtype(item["dtype_enum"]) for item in items],
            )
            save = self.tf.raw_ops.SaveV2(
                prefix=request["to"], tensor_names=names, shape_and_slices=slices, tensors=tensors
            )
            session.run(save, {names: string_array([name_of(item) for item in items])})
        return {"path": request["to"]}


def part_of(values: dict[str, Any], variable: Any) -> Any:
    """Give the value of a variable, which may be a part of a larger one."""
    info = variable._get_save_slice_info()
    if info is None:
        return values[variable.op.name]
    ends = [start + info.var_shape[axis] for axis, start in enumerate(info.var_offset)]
    return values[info.full_name][tuple(map(slice, info.var_offset, ends))]


def describe_all(items: list[Json], values: list[Any]) -> list[Json]:
    """Describe what was fetched for each item."""
    return [described(item["dtype_enum"], values[at]) for at, item in enumerate(items)]


def refused_by(status: Any, name: str) -> str:
    """Call a method of a restore's status; give the class of what it raises, or nothing."""
    try:
        getattr(status, name)()
    except Exception as error:  # noqa: BLE001 - a refusal is what the tests ask about
        return type(error).__name__
    return ""
