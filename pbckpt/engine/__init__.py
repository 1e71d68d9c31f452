"""The pipeline that moves a shard's bytes: read, checksum, write, at the same time."""
