"""Errors meant for the person at the keyboard: each names the thing, its value and the next command to type."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake in input or environment that the user can mend; its message says how. Exit code 2."""


class ConversationError(UserError):
    """A conversation, or a tokenizer, that a template cannot render."""


class CorpusError(UserError):
    """A training text or mixture that cannot be read as what it was said to be."""


class TrainingError(UserError):
    """Training that cannot begin or must stop; checkpoints that are there stay as they are."""


class ModelError(UserError):
    """A model that cannot be loaded, talked to or served."""


class WeightsError(UserError):
    """Weights that do not fit each other or their hashes."""


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """Return `` Did you mean X or Y?`` for the nearest names of ``known``, or an empty string."""
    near = difflib.get_close_matches(wrong, list(known), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(near)}?" if near else ""
