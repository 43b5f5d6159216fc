"""What each metric is: how its per-item values add up, its unit, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """``ngram``: segment statistics; ``share``: 0 or 1 an item; ``ratio``: numerator and denominator; ``mean``."""

    form: str
    higher_is_better: bool = True
    flags: bool = False
    """Whether 1 marks a fault of the item that reports filter by."""

    @property
    def unit(self) -> str:
        """Return ``points`` for scores on a scale of their own, ``percent`` for shares."""
        return "points" if self.form == "ngram" else "percent"


KINDS: dict[str, Kind] = {
    "bleu": Kind("ngram"),
    "chrf": Kind("ngram"),
    "ter": Kind("ngram", higher_is_better=False),
    "constraint_micro": Kind("ratio"),
    "constraint_macro": Kind("mean"),
    "constraint_all": Kind("share"),
    "acc": Kind("share"),
    "acc_strict": Kind("share"),
    "acc_strict_parsed": Kind("share"),
    "instructions_turn1": Kind("ratio"),
    "instructions_turn2": Kind("ratio"),
    "instructions_all": Kind("share"),
    "echo": Kind("share", higher_is_better=False, flags=True),
    "unparsed": Kind("share", higher_is_better=False, flags=True),
    "empty": Kind("share", higher_is_better=False, flags=True),
    "source_copied": Kind("share", higher_is_better=False, flags=True),
    "wrong_language": Kind("share", higher_is_better=False, flags=True),
    "truncated": Kind("share", higher_is_better=False, flags=True),
}
