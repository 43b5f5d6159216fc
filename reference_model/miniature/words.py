"""From words to text: spaces or none, a capital at the beginning, commas that do not pile up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Word(NamedTuple):
    """A word of a rendering."""

    text: str
    what: str = ""
    """The question of ``choice.Voice`` that this word answers; empty for words of grammar."""


COMMA = Word(",")


def plain(text: str, what: str = "") -> list[Word]:
    """Return the words of a text with spaces."""
    return [Word(part, what) for part in text.split(" ") if part]


def spaced(words: Iterable[Word], end: str) -> str:
    """Return a sentence of a language with spaces."""
    text = ""
    for word in words:
        if word == COMMA:
            text = text if text.endswith(",") or not text else f"{text},"
        else:
            text += f" {word.text}" if text else word.text
    text = text.removesuffix(",")
    return text[:1].upper() + text[1:] + end


def unspaced(words: Iterable[Word], end: str) -> str:
    """Return a sentence of Chinese."""
    return "".join("，" if word == COMMA else word.text for word in words) + end
