"""V1 checkpoints: the single file that savers wrote before there were bundles.

    PREFIX                       a table: "" -> list of tensors, slice key -> elements
    PREFIX-00000-of-00002        the same, where a saver was sharded: each shard
                                 is a whole table with a list of its own

The elements lie in the table itself, as typed fields of a TensorProto. Such
files are read, never written.
"""
