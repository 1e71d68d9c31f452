"""TensorBundle: the two kinds of files that hold a TensorFlow checkpoint's tensors.

    PREFIX.index                  a table: "" -> header, key -> entry
    PREFIX.data-00000-of-00001    a shard: the tensors' bytes, nothing else

An entry says in which shard and where a tensor's bytes lie, and their CRC32C.
"""
