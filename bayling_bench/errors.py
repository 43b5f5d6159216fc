"""Errors meant for the person at the keyboard: each names the thing, its value and the next command to type.

The command line prints them without a traceback and exits with code 2; anything else that escapes is our own bug.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BenchError(Exception):
    """A mistake in input or environment that the user can mend; its message says how."""


class Interrupted(BenchError):
    """The user stopped the command; its message says how to go on. Exit code 130."""


class DataError(BenchError):
    """A data file is missing, damaged or not the one that the catalogue names."""


class ModelError(BenchError):
    """A model specification that cannot be loaded or asked."""


class RunError(BenchError):
    """A run folder that cannot be used as asked: in use, unfinished, or of other settings."""


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """Return `` Did you mean X or Y?`` for the nearest names of ``known``, or an empty string."""
    near = difflib.get_close_matches(wrong, list(known), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(near)}?" if near else ""
