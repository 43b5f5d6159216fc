"""Test sentences must not be trained on: texts are compared by a hash that survives case, spacing and punctuation.

A hash file holds one hash a line, so a check needs no test text: ``bayling-model hashes FOLDER -o FILE``.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from reference_model import corpus
from reference_model.errors import CorpusError
from reference_model.files import write_text

HEADER = "# bayling-model hashes 1"
SHORTEST = 16
"""Weight below which a sentence proves nothing ("Thank you."): one a letter, two a letter of scripts without spaces."""
LONGEST = 4000
"""Characters of a line beyond which it is data, which may have thousands of colons, and no request with a sentence."""
_COLON = re.compile(r"[:：]\s*")


def digest(text: str) -> str | None:
    """Return the hash of a sentence's letters and digits; None for one too short to be told from common speech."""
    letters = "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())
    if len(letters) + sum(char >= "⺀" for char in letters) < SHORTEST:
        return None
    return hashlib.sha256(letters.encode()).hexdigest()[:32]


def candidates(text: str) -> Iterator[str]:
    """Yield what may be a test sentence within a message: the whole, each line, and what follows a colon in a line."""
    yield text
    for line in text.split("\n"):
        yield line
        if len(line) <= LONGEST:
            for colon in _COLON.finditer(line):
                yield line[colon.end() :]


class TestSentences:
    """The hashes of all test sentences."""

    __test__ = False  # not a test, whatever pytest thinks of its name

    def __init__(self, hashes: Iterable[str]) -> None:
        self.hashes = frozenset(hashes)

    @classmethod
    def read(cls, paths: Iterable[Path]) -> TestSentences:
        """Read hash files, text files with a sentence a line, and folders of text files, at any depth."""
        found: set[str] = set()
        for path in paths:
            files = _within(path) if path.is_dir() else [path]
            before = len(found)
            for file in files:
                found.update(_hashes(file))
            if len(found) == before:
                raise CorpusError(
                    f"test_sentences: {path} holds no sentence to check against. Name a folder of text files with a "
                    "sentence a line, or a file that `bayling-model hashes` wrote."
                )
        return cls(found)

    def __len__(self) -> int:
        return len(self.hashes)

    def hold(self, texts: Iterable[str]) -> bool:
        """Return whether any of the texts is, or holds on a line of its own or after a colon, a test sentence."""
        return any(digest(part) in self.hashes for text in texts for part in candidates(text))

    def write(self, path: Path) -> None:
        """Write a hash file."""
        write_text(path, "\n".join([HEADER, *sorted(self.hashes), ""]))


def _within(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def _hashes(path: Path) -> Iterator[str]:
    lines = corpus.lines(path)
    first = next(lines, "")
    if first == HEADER:
        yield from lines
        return
    for line in (first, *lines):
        if (found := digest(line)) is not None:
            yield found
