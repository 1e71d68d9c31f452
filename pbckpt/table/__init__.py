"""The sorted string table: the container of every ``.index`` file.

    data block … | metaindex block | index block | footer

LevelDB's layout with blocks of 256 KiB, no filters and no compression on
write. Keys and values are byte strings here; what they mean is the bundle's
business.
"""
