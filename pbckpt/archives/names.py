"""Names in archives: every key has one, and every name there means one key.

A key is any bytes; an archive's names are not. What a kind cannot hold is
written as ``%`` and two upper-case digits for each byte, as in URLs:

    key                  .safetensors         .npz member        path under a folder
    dense/kernel         dense/kernel         dense/kernel.npy   dense/kernel.npy
    50%, a%20b           50%, a%20b           50%.npy, …         50%.npy, …
    a<FF>                a%FF                 a%FF.npy           a<FF>.npy
    a<00>                a<00>                a%00.npy           a%00.npy
    ../a, /a, a//b       as they are          as they are        %2E./a.npy, %2Fa.npy, a/%2Fb.npy
    __metadata__         %5F_metadata__       as it is           as it is
    a%FF                 a%25FF               a%25FF.npy         a%FF.npy

The trap is a name that looks like an escape and is none. If every ``%`` were
escaped, many ordinary names would change, and two names of somebody else's
file, ``%`` and ``%25``, would mean one key. So a key keeps its ``%`` unless the
name would be read as the escaped form of something else; only then, as in the
last row, each is written ``%25``. That makes escaping a bijection between keys
and names: reading never fails, never joins two names, and writing what was
read gives back the names that were there.

Names are text with surrogate escapes for bytes that are not UTF-8, as in
`pbckpt.names.key_to_text`. Pure.
"""

from __future__ import annotations

import re
from enum import Enum

from pbckpt.errors import SelectionError
from pbckpt.names import key_to_bytes

_HAS_PERCENT_RUNS = re.compile("%((?:25)*)")
_ESCAPE = re.compile("%([0-9A-F]{2})")
_MAX_ASCII = 0x7F
_SURROGATE_BASE = 0xDC00


class NameRule(Enum):
    """What a kind of archive cannot have in a name, as it stands in a key."""

    SAFETENSORS = "[\udc80-\udcff]|\\A_(?=_metadata__\\Z)"
    """JSON holds any text; ``__metadata__`` is no tensor there."""

    NPZ = "[\udc80-\udcff\0]"
    """Readers end the name of a zip's member at a NUL."""

    DIRECTORY = "\0|(?:\\A|(?<=/))(?:/|\\.(?=\\.?/))"
    """No NUL, no empty component, no ``.`` and ``..`` on the way."""

    def escape(self, key: str) -> str:
        """Return the name under which a key is stored."""
        if self._forbidden.search(key) or ("%" in key and self._is_escaped(key)):
            return self._escape_all(key)
        return key

    def unescape(self, name: str) -> str:
        """Return the key that is stored under a name; the inverse of `escape`."""
        return _decode(name) if "%" in name and self._is_escaped(name) else name

    @property
    def _forbidden(self) -> re.Pattern[str]:
        return re.compile(self.value)

    def _escape_all(self, key: str) -> str:
        return re.sub(f"%|{self.value}", lambda found: f"%{ord(found[0]) & 0xFF:02X}", key)

    def _is_escaped(self, name: str) -> bool:
        """Tell whether undoing escapes, once or several times, leads to a forbidden key.

        Undoing takes one ``25`` from behind each ``%``, as long as each has one;
        so many times at once. One more time must then decode a forbidden byte.
        """
        times = min(len(run) // 2 for run in _HAS_PERCENT_RUNS.findall(name))
        last = name.replace("%" + "25" * times, "%")
        key = _decode(last)
        try:
            key_to_bytes(key)
        except SelectionError:
            # Bytes that together are UTF-8 have another text, which is not forbidden.
            return False
        return self._escape_all(key) == last


def _decode(name: str) -> str:
    return _ESCAPE.sub(lambda found: _character(int(found[1], 16)), name)


def _character(byte: int) -> str:
    return chr(byte if byte <= _MAX_ASCII else _SURROGATE_BASE + byte)
