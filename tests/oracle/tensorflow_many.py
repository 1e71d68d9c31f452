"""The worker's part for many checkpoints at once: a graph and a session for all of them.

    op         asks                                                   answers
    read_many  checkpoints: [{prefix, whole: [{name_hex, dtype_enum}] checkpoints: for each, in
               for the reader, names for RestoreV2, as in `restore`}] order, {ok, listing, loaded,
                                                                      restored} or a refusal
    save_many  manifest: {"checkpoints": [{prefix, shards: [[item     checkpoints: for each {ok} or
               of a manifest, shape_and_slice?]]}]}                   a refusal

A checkpoint of several shards is saved as those of a Saver are: each shard by
itself, then merged. If TensorFlow refuses one of a batch, each is tried alone.

Runs on Python 3.7 with TensorFlow 1.15, and with TensorFlow 2.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.oracle.tensorflow_values import (
        Host,
        Json,
        described,
        name_of,
        read_once,
        refusal,
        string_array,
    )
else:  # a script finds the files beside it
    from tensorflow_values import (
        Host,
        described,
        name_of,
        read_once,
        refusal,
        string_array,
    )


class ManyOps(Host):
    """Answers requests about batches of checkpoints."""

    def op_read_many(self, request: Json) -> Json:
        """List and read checkpoints, through Python's reader and through RestoreV2."""
        asked = request["checkpoints"]
        try:
            answers = self._read_batch(asked)
        except Exception:  # noqa: BLE001 - found again, alone, just below
            answers = [self._read_alone(one) for one in asked]
        return {"checkpoints": answers}

    def _read_alone(self, asked: Json) -> Json:
        try:
            return self._read_batch([asked])[0]
        except Exception as error:  # noqa: BLE001 - a refusal is what the tests ask about
            return refusal(error)

    def _read_batch(self, asked: list[Json]) -> list[Json]:
        restored = self._restore_many(asked)
        return [
            dict(self._load(one["prefix"], one["whole"]), ok=True, restored=restored[at])
            for at, one in enumerate(asked)
        ]

    def _load(self, prefix: str, whole: list[Json]) -> Json:
        """List a checkpoint with Python's reader, and read some keys whole."""
        reader = self.tf.train.load_checkpoint(prefix)
        listing = [
            {"name_hex": key.hex(), "dtype": dtype, "shape": shape}
            for key, (dtype, shape) in sorted(self.listing(reader).items())
        ]
        loaded = [described(one["dtype_enum"], reader.get_tensor(name_of(one))) for one in whole]
        return {"listing": listing, "loaded": loaded}

    def _restore_many(self, asked: list[Json]) -> list[list[Json]]:
        """Run one RestoreV2 for each checkpoint that something is asked of."""
        with self.tf.Graph().as_default(), self.v1.Session(config=self.config) as session:
            feeds: dict[Any, Any] = {}
            fetches = [self._restore_op(one, feeds) for one in asked]
            # A session does not run a graph without nodes.
            values = session.run(fetches, feeds) if feeds else fetches
        return [
            [
                described(item["dtype_enum"], values[at][place])
                for place, item in enumerate(one["names"])
            ]
            for at, one in enumerate(asked)
        ]

    def _restore_op(self, asked: Json, feeds: dict[Any, Any]) -> list[Any]:
        items = asked["names"]
        if not items:
            return []
        names = self.v1.placeholder(self.tf.string, [len(items)])
        feeds[names] = string_array([name_of(item) for item in items])
        restored: list[Any] = self.tf.raw_ops.RestoreV2(
            prefix=asked["prefix"],
            tensor_names=names,
            shape_and_slices=[item["shape_and_slice"] for item in items],
            dtypes=[self.tf.as_dtype(item["dtype_enum"]) for item in items],
        )
        return restored

    def op_save_many(self, request: Json) -> Json:
        """Save checkpoints, each by one SaveV2 a shard and a merge of several."""
        read_once.cache_clear()
        manifest = Path(request["manifest"])
        asked = json.loads(manifest.read_text(encoding="utf-8"))["checkpoints"]
        try:
            self._save(asked, manifest.parent)
        except Exception:  # noqa: BLE001 - found again, alone, just below
            return {"checkpoints": [self._save_alone(one, manifest.parent) for one in asked]}
        return {"checkpoints": [{"ok": True}] * len(asked)}

    def _save_alone(self, asked: Json, folder: Path) -> Json:
        try:
            self._save([asked], folder)
        except Exception as error:  # noqa: BLE001 - a refusal is what the tests ask about
            return refusal(error)
        return {"ok": True}

    def _save(self, asked: list[Json], folder: Path) -> None:
        with self.tf.Graph().as_default(), self.v1.Session(config=self.config) as session:
            feeds: dict[Any, Any] = {}
            saves = [self._save_op(one, folder, feeds) for one in asked]
            session.run(saves, feeds)

    def _save_op(self, asked: Json, folder: Path, feeds: dict[Any, Any]) -> Any:
        prefix, shards = asked["prefix"], asked["shards"]
        if len(shards) == 1:
            return self._save_shard(prefix, shards[0], folder, feeds)
        parts = [f"{prefix}_temp/part-{at:05d}-of-{len(shards):05d}" for at in range(len(shards))]
        saves = [self._save_shard(part, shards[at], folder, feeds) for at, part in enumerate(parts)]
        with self.tf.control_dependencies(saves):
            return self.tf.raw_ops.MergeV2Checkpoints(
                checkpoint_prefixes=parts, destination_prefix=prefix, delete_old_dirs=True
            )

    def _save_shard(
        self, prefix: str, items: list[Json], folder: Path, feeds: dict[Any, Any]
    ) -> Any:
        names = self.v1.placeholder(self.tf.string, [len(items)])
        feeds[names] = string_array([name_of(item) for item in items])
        tensors = []
        for item in items:
            entry = self.read_entry(item, folder)
            tensors.append(self.v1.placeholder(self.tf.as_dtype(entry.dtype), entry.shape))
            feeds[tensors[-1]] = entry.value
        return self.tf.raw_ops.SaveV2(
            prefix=prefix,
            tensor_names=names,
            shape_and_slices=[item.get("shape_and_slice", "") for item in items],
            tensors=tensors,
        )
