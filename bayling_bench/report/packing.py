"""JSON packed into a page: LZMA, then base85 in letters that mean nothing to HTML.

Browsers decompress deflate natively, but its window of 32 KB makes a board's items a third larger than LZMA does, and
base64 takes 7 % more room than base85; ``assets/scripts/packed.js`` unpacks both.
"""

from __future__ import annotations

import base64
import json
import lzma
from typing import Any

_FILTERS = [{"id": lzma.FILTER_LZMA1, "preset": 6, "dict_size": 1 << 23, "lc": 4, "lp": 0, "pb": 0}]
# RFC 1924's letters but for those with which markup begins.
_HARMLESS = str.maketrans("<>&", ".,:")
_HARMFUL = str.maketrans(".,:", "<>&")
_SIZE = slice(5, 13)  # bytes of the header of "lzma alone" that hold the length, which Python's lzma leaves unknown


def packed(value: Any) -> str:
    """Return a JSON value as base85 of an LZMA stream whose header holds its length in bytes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    stream = bytearray(lzma.compress(text, format=lzma.FORMAT_ALONE, filters=_FILTERS))
    stream[_SIZE] = len(text).to_bytes(8, "little")
    return base64.b85encode(bytes(stream)).decode("ascii").translate(_HARMLESS)


def unpacked(text: str) -> Any:
    """Return what `packed` was given, as the page's script reads it."""
    stream = bytearray(base64.b85decode(text.translate(_HARMFUL)))
    stream[_SIZE] = b"\xff" * 8
    return json.loads(lzma.decompress(bytes(stream), format=lzma.FORMAT_ALONE))
