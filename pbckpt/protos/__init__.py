"""The message classes: ``from pbckpt.protos import GraphDef``.

    proto/*.proto  ->  descriptors.binpb  ->  a private pool  ->  classes
       written            compiled,             .pool, at the       here,
       by hand            committed             first use           by name

There is no generated code. A generated module refuses a protobuf that is older,
or a major version newer, than its compiler; a descriptor set is data, which any
protobuf reads.

The trap is the pool. Generated modules register their names in the one pool of
the process, where TensorFlow registers the same names: whoever comes second
fails to import. Classes from a private pool meet nobody, at a price: a GraphDef
of TensorFlow's is no GraphDef of ours, so such a message crosses as bytes.

Fields that proto/ does not list are kept through parse and serialize.

Importing this package loads nothing of protobuf; asking for a class does. The
types are in the stub beside this file, which hides this file from type checkers:
hence the code is in ``pool``.

Reference: PEP 562; https://protobuf.dev/reference/python/python-generated.
"""


def __getattr__(name: str) -> object:
    """Put all classes here when the first is asked for.

    Other names are refused untouched, for it is tools that probe for those.
    """
    if name[:1].isupper():
        from pbckpt.protos.pool import CLASSES  # noqa: PLC0415 - it imports protobuf

        if name in CLASSES:
            globals().update(CLASSES)
            return CLASSES[name]
    message = f"module {__name__!r} has no message {name!r}"
    raise AttributeError(message, name=name)
