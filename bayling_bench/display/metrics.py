"""Names of metrics as a reader meets them, with a sentence each: headings, tooltips and the glossary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Metric:
    """How one metric is shown."""

    name: str
    """Heading; the unit is added where it is percent."""
    explanation: str
    """One sentence for tooltips and the glossary."""
    headline: bool = True
    """Stands in the table that compares runs; the others stand in the task's own section."""
    right: bool = False
    """An item that scores below 1 counts as wrong in the item browser."""


METRICS = {
    "comet": Metric(
        name="COMET",
        explanation="Mean score of a network trained on human assessments of translations (wmt22-comet-da unless its "
        "signature says otherwise), times 100. A copied source still scores high: read the guards beside it.",
    ),
    "cometkiwi": Metric(
        name="COMETKiwi",
        explanation="Mean score of a network that judges a translation by its source alone (wmt22-cometkiwi-da), times "
        "100. A copied source still scores high: read the guards beside it.",
    ),
    "bleu": Metric(
        name="BLEU",
        explanation="Overlap of word n-grams (1 to 4) with the references over the whole test set, by sacrebleu.",
    ),
    "chrf": Metric(name="chrF", explanation="F-score of character n-grams against the references, by sacrebleu."),
    "ter": Metric(
        name="TER",
        explanation="Edits that turn the outputs into the references, per 100 reference words, by sacrebleu; "
        "lower is better.",
    ),
    "constraint_micro": Metric(
        name="constraints met (micro)",
        explanation="Required strings found verbatim in the outputs, as a share of all required strings.",
        right=True,
    ),
    "constraint_macro": Metric(
        name="constraints met (macro)",
        explanation="Share of an item's required strings found verbatim in its output, averaged over items.",
        right=True,
    ),
    "constraint_all": Metric(
        name="constraints met (whole item)",
        explanation="Share of items whose output holds every required string verbatim.",
        right=True,
    ),
    "judge_score": Metric(
        name="judge's score", explanation="Mean score that a judge gave, on its protocol's scale; see its signature."
    ),
    "strength": Metric(
        name="Bradley-Terry strength",
        explanation="Strength out of all pairwise reviews together, relative to the others (geometric mean 1); a tie "
        "is half a win for each.",
    ),
    "ranked_first_pct": Metric(
        name="ranked first by people",
        explanation="Share of samples in which people ranked the system first; no raw data were published.",
    ),
    "echo": Metric(
        name="constraints echoed",
        explanation="Share of outputs that repeat the list of required strings, which meets constraints "
        "without translating.",
    ),
    "acc": Metric(
        name="accuracy (paper rule)",
        explanation="Share of right answers by the rule that reproduces the BayLing paper: the first letter A-F "
        "once the words Answer and Choice are taken out.",
        right=True,
    ),
    "acc_mc": Metric(
        name="accuracy (log-likelihood)",
        explanation="Share of items where the right option is the one to which the model gives the highest "
        "log-likelihood; nothing is generated.",
        right=True,
    ),
    "acc_strict": Metric(
        name="accuracy (strict)",
        explanation="Share of right answers by our rule: only an answer that is declared counts; an item without "
        "one is not right.",
        right=True,
    ),
    "acc_strict_parsed": Metric(
        name="accuracy (strict, parsed)",
        explanation="Share of right answers by the strict rule among the items in which it found an answer.",
        headline=False,
    ),
    "unparsed": Metric(
        name="unparsed",
        explanation="Share of answers in which the strict rule finds no declared answer.",
    ),
    "instructions_turn1": Metric(
        name="instructions followed (turn 1)",
        explanation="Checks by rule that the first answers pass, as a share of all checks of first turns.",
        right=True,
    ),
    "instructions_turn2": Metric(
        name="instructions followed (turn 2)",
        explanation="Checks by rule that the second answers pass, as a share of all checks of second turns.",
        right=True,
    ),
    "instructions_all": Metric(
        name="instructions followed (whole item)",
        explanation="Share of conversations whose answers pass every check of every turn.",
        right=True,
    ),
    "exact": Metric(
        name="exact",
        explanation="Share of outputs that are one of the right answers and nothing else.",
        right=True,
    ),
    "exact_turn1": Metric(
        name="exact (turn 1)",
        explanation="Share of first answers that are one of the right ones and nothing else.",
        right=True,
    ),
    "exact_turn2": Metric(
        name="exact (turn 2)",
        explanation="Share of second answers that are one of the right ones and nothing else; before them stands the "
        "model's own first answer.",
        right=True,
    ),
    "constraint_micro@not_default": Metric(
        name="asked words used that it would not choose",
        explanation="Required strings found verbatim in the outputs, as a share of all required strings, over the "
        "items whose usual translation has another word.",
        right=True,
    ),
    "empty": Metric(name="empty", explanation="Share of outputs that hold no text.", headline=False),
    "source_copied": Metric(
        name="source copied",
        explanation="Share of outputs that repeat the source text instead of translating it.",
        headline=False,
    ),
    "wrong_language": Metric(
        name="wrong language",
        explanation="Share of outputs that a language identifier takes for another language than the target.",
        headline=False,
    ),
    "truncated": Metric(
        name="cut off",
        explanation="Share of outputs that the token limit ended, not the model.",
        headline=False,
    ),
}


GUARDS = ("source_copied", "wrong_language")
"""Without these shares no COMET value may stand: copies of WMT22's sources average 65.7."""


def shown_as(metric: str, task: str) -> str:
    """Return a record's metric as a key of `METRICS`: ``acc`` of a ``*_mc`` task is another quantity than ``acc``."""
    return "acc_mc" if metric == "acc" and task.endswith("_mc") else metric


def describe(key: str) -> Metric:
    """Return how ``key`` is shown; a metric of somebody else's task appears under its own name."""
    metric, _, part = key.partition("@")
    if part and key not in METRICS:
        shown, part = describe(metric), part.replace("_", " ")
        return replace(
            shown,
            name=f"{shown.name}, {part}",
            explanation=f"{shown.explanation} Items of the part {part}.",
            headline=False,
        )
    family, _, checkpoint = key.partition(":")
    if family == "comet" and checkpoint:
        return replace(METRICS["comet"], name=f"COMET ({checkpoint})")
    return METRICS.get(key) or Metric(name=key, explanation="A metric of the task's own; see its signature.")


def in_order(keys: Iterable[str]) -> list[str]:
    """Return ``keys`` once each in the order of `METRICS`; unknown ones last, in their own order."""
    places = {key: place for place, key in enumerate(METRICS)}
    return sorted(
        dict.fromkeys(keys),
        key=lambda key: (places.get(key.partition("@")[0].partition(":")[0], len(places)), "@" in key),
    )


def headlines(keys: Iterable[str]) -> list[str]:
    """Return the metrics that stand where runs are compared; beside COMET always its guards."""
    given = in_order(keys)
    guards = GUARDS if any(key.startswith("comet") for key in given) else ()
    return [key for key in given if describe(key).headline or key in guards]


def alike(tasks: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return the tasks in groups of the same headline metrics: one table each, or most of its cells would be empty."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for task, keys in tasks.items():
        groups.setdefault(tuple(headlines(keys)), []).append(task)
    return list(groups.values())
