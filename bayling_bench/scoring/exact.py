"""Answers of which it is known what is right: the output must be one of the right texts, and nothing beside it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

SIGNATURE = "match:whole|case:mixed|space:folded|unicode:NFC|version:1"


def equals_one(text: str, references: Sequence[str]) -> bool:
    """Return whether a text is one of the references; runs of spaces count as one, those at the ends as none."""
    return _folded(text) in {_folded(reference) for reference in references}


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
