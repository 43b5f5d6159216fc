"""What each metric is: how its per-item values add up, its unit, and which way is better."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """``ngram``: segment statistics; ``share``: 0 or 1 an item; ``ratio``: numerator and denominator; ``mean``."""

    form: str
    higher_is_better: bool = True
    flags: bool = False
    """Whether 1 marks a fault of the item that reports filter by."""
    raw: bool = False
    """Whether records hold it as the metric gives it, about 0 to 1, which tables show times 100."""

    @property
    def unit(self) -> str:
        """Return ``points`` for scores on a scale of their own, ``percent`` for shares, ``raw`` for raw means."""
        return "raw" if self.raw else "points" if self.form == "ngram" else "percent"


class _Kinds(dict[str, Kind]):
    def __missing__(self, name: str) -> Kind:
        """Return the kind of ``comet:NAME``, which is that of every COMET checkpoint, and of ``METRIC@PART``."""
        if "@" in name:
            return self[whole(name)]
        if name.startswith("comet:"):
            return self["comet"]
        raise KeyError(name)


KINDS: dict[str, Kind] = _Kinds({
    "comet": Kind("mean", raw=True),
    "cometkiwi": Kind("mean", raw=True),
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
    "exact": Kind("share"),
    "exact_turn1": Kind("share"),
    "exact_turn2": Kind("share"),
    "judge_score": Kind("mean"),
    "echo": Kind("share", higher_is_better=False, flags=True),
    "unparsed": Kind("share", higher_is_better=False, flags=True),
    "empty": Kind("share", higher_is_better=False, flags=True),
    "source_copied": Kind("share", higher_is_better=False, flags=True),
    "wrong_language": Kind("share", higher_is_better=False, flags=True),
    "truncated": Kind("share", higher_is_better=False, flags=True),
})  # fmt: skip


def whole(name: str) -> str:
    """Return the metric of a whole task that ``METRIC@PART`` gives over one part of its items."""
    return name.partition("@")[0]


def in_order(names: Iterable[str]) -> list[str]:
    """Return the names that are of a kind, once each, in the order of `KINDS`; ``comet:NAME`` after ``comet``.

    ``METRIC@PART`` comes after ``METRIC``, parts in the order in which they are named.
    """
    places = {name: place for place, name in enumerate(KINDS)}
    known = [name for name in dict.fromkeys(names) if whole(name) in places or name.startswith("comet:")]
    return sorted(known, key=lambda name: (places[whole(name).partition(":")[0]], "@" in name))


def unit_of(name: str) -> str:
    """Return the unit of a metric; ``points`` for those of tasks that are not ours."""
    return KINDS[name].unit if in_order([name]) else "points"


def for_tables(value: float | None, unit: str) -> float | None:
    """Return a value as tables show it: raw ones times 100."""
    return 100 * value if unit == "raw" and value is not None else value
