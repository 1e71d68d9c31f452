"""``python -m pbckpt``: the same as the command ``pbckpt``."""

from pbckpt.cli.main import run

run()
