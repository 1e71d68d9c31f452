"""Bytes on the wire: varints, CRC32C, spans of bytes, protobuf fields without copies."""
