"""Asked: what the options of a command ask of the library, as its types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt import api

if TYPE_CHECKING:
    import argparse

    from pbckpt.api import Edits, Layout, Like, Limits, SavedModelForm, Selection, Thaw, Values


def thaw(options: argparse.Namespace) -> Thaw:
    """Return what becomes of the graph."""
    wanted = {None: "auto", True: "required", False: "none"}[options.meta]
    return api.Thaw(api.MetaFile(wanted), api.VariableKind(options.variables))


def values(options: argparse.Namespace) -> Values:
    """Return how values are stored."""
    return api.Values(
        api.Quantized(options.quantized),
        api.Partitions(options.partitions) if options.partitions else None,
        tuple(getattr(options, "tensor", ())),
        api.Names(options.names),
    )


def like(options: argparse.Namespace) -> Like | None:
    """Return the target that a conversion fills."""
    if options.like is None:
        given = (options.match, options.missing, options.left_over, options.like_cast)
        if given != ("name", "error", "warn", False):
            raise api.SelectionError(
                "--match, --missing, --left-over and --like-cast are about a target; give it with "
                "--like"
            )
        return None
    return api.Like(
        options.like,
        api.MatchBy(options.match),
        api.OnMissing(options.missing),
        api.OnLeftOver(options.left_over),
        options.like_cast,
    )


def limits(options: argparse.Namespace) -> Limits:
    """Return what an input may take."""
    if options.max_expanded_bytes is None:
        return api.Limits()
    return api.Limits(max_expanded_bytes=options.max_expanded_bytes)


def selection(options: argparse.Namespace) -> Selection:
    """Return what is selected."""
    return api.Selection(
        api.Select(getattr(options, "select", "auto")),
        tuple(options.include),
        tuple(options.exclude),
        tuple(options.take),
    )


def edits(options: argparse.Namespace) -> Edits | None:
    """Return what changes names, types and values; None if nothing does."""
    given = (
        options.drop_slots,
        options.ema,
        options.renames,
        options.strip_prefix,
        options.add_prefix,
        options.cast,
        options.set,
    )
    if not any(given):
        return None
    return api.Edits(
        drop_slots=options.drop_slots,
        ema=api.Ema(options.ema) if options.ema else None,
        renames=tuple(
            api.read_map(value) if kind == "map" else value for kind, value in options.renames or ()
        ),
        strip_prefix=options.strip_prefix,
        add_prefix=options.add_prefix,
        casts=tuple(options.cast),
        settings=tuple(options.set),
    )


def all_edits(options: argparse.Namespace) -> Edits:
    """Return everything that is asked of a checkpoint's tensors, the selection included."""
    return (edits(options) or api.Edits())._replace(selection=selection(options))


_SAVED_MODELS = ("saved-model", "saved-model-v2")


def saved_model(options: argparse.Namespace) -> SavedModelForm | None:
    """Return the form of the SavedModel that is asked for; None for a checkpoint.

    Raises SelectionError for options that go with the other of the two.
    """
    if options.format not in _SAVED_MODELS:
        if options.inputs or options.outputs:
            raise api.SelectionError(
                "--inputs and --outputs are those of a SavedModel's signature; say --format "
                "saved-model, or leave them out"
            )
        return None
    for option, is_given in (
        ("--like", options.like is not None),
        ("--save-counter", options.save_counter is not None),
        ("--meta" if options.meta else "--no-meta", options.meta is not None),
    ):
        if is_given:
            raise api.SelectionError(
                f"{option} is about a checkpoint, and --format {options.format} writes a "
                "SavedModel, which has its graph in saved_model.pb; leave one of the two out"
            )
    return api.SavedModelForm(options.format)


def layout(options: argparse.Namespace) -> Layout | None:
    """Return how files are laid out; None if nothing is said of it."""
    given = (options.format, options.shards, options.max_shard_size, options.save_counter)
    if all(value is None for value in given):
        return None
    is_checkpoint = options.format and options.format not in _SAVED_MODELS
    return api.Layout(
        format=api.Format(options.format) if is_checkpoint else None,
        num_shards=options.shards,
        max_shard_bytes=options.max_shard_size,
        save_counter=options.save_counter,
    )
