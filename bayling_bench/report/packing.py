"""JSON packed into a page: LZMA, then base85 in letters that mean nothing to HTML.

Browsers decompress deflate natively, but its window of 32 KB makes a board's items a third larger than LZMA does, and
base64 takes 7 % more room than base85; ``assets/scripts/packed.js`` unpacks both. Text that is largely Chinese or
Japanese is packed as UTF-16 behind its byte order mark, which LZMA makes 4 % smaller than UTF-8.
"""

from __future__ import annotations

import base64
import codecs
import json
import lzma
from typing import Any

_DICTIONARY = {"id": lzma.FILTER_LZMA1, "preset": 6, "dict_size": 1 << 23}
_OF_BYTES = [{**_DICTIONARY, "lc": 4, "lp": 0, "pb": 0}]
_OF_PAIRS = [{**_DICTIONARY, "lc": 3, "lp": 1, "pb": 1}]
"""Filters for UTF-8, and for UTF-16, whose bytes come in pairs."""
_LARGELY = 0.15
"""Share of characters of three bytes in UTF-8 from which UTF-16 is smaller when packed."""
# RFC 1924's letters but for those with which markup begins.
_HARMLESS = str.maketrans("<>&", ".,:")
_HARMFUL = str.maketrans(".,:", "<>&")
_SIZE = slice(5, 13)  # bytes of the header of "lzma alone" that hold the length, which Python's lzma leaves unknown


def packed(value: Any) -> str:
    """Return a JSON value as base85 of an LZMA stream whose header holds its length in bytes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    content, filters = text.encode("utf-8"), _OF_BYTES
    if len(content) > (1 + 2 * _LARGELY) * len(text):
        content, filters = codecs.BOM_UTF16_LE + text.encode("utf-16-le"), _OF_PAIRS
    stream = bytearray(lzma.compress(content, format=lzma.FORMAT_ALONE, filters=filters))
    stream[_SIZE] = len(content).to_bytes(8, "little")
    return base64.b85encode(bytes(stream)).decode("ascii").translate(_HARMLESS)


def unpacked(text: str) -> Any:
    """Return what `packed` was given, as the page's script reads it."""
    stream = bytearray(base64.b85decode(text.translate(_HARMFUL)))
    stream[_SIZE] = b"\xff" * 8
    return json.loads(lzma.decompress(bytes(stream), format=lzma.FORMAT_ALONE))  # knows UTF-16 by its mark
