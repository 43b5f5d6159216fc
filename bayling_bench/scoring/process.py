"""lm-eval's ``process_results`` and aggregations for our tasks: one document and its responses in, per-item values out.

The per-item value of an n-gram metric is the segment's sufficient statistics, so that corpus score, interval and every
paired test come from one extraction. A share is 0 or 1 an item; a ratio is ``[numerator, denominator]``. A metric that
cannot be decided for an item (the language of "OK", say) is absent from its values, never zero. ``METRIC@PART`` is the
same metric over the items of one part of a task.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from bayling_bench.scoring import cloze, constraints, exact, instructions, letters, off_target
from bayling_bench.scoring import translation as ngrams

Values = dict[str, Any]


def translation(doc: Mapping[str, Any], responses: Sequence[str], metrics: Sequence[str] = ngrams.METRICS) -> Values:
    """Return n-gram statistics (bleu, chrf, ter) and off-target flags of one translation."""
    return {name: _statistics(name, doc, responses[0]) for name in metrics} | _flags(doc, responses[0])


def constrained(doc: Mapping[str, Any], responses: Sequence[str]) -> Values:
    """Return which constraints one translation meets, whether it echoes them, its BLEU statistics and its flags."""
    hypothesis = responses[0].strip()
    met = constraints.satisfied(hypothesis, doc["constraints"])
    return {
        "constraint_micro": [sum(met), len(met)],
        "constraint_macro": sum(met) / len(met),
        "constraint_all": int(all(met)),
        "echo": int(constraints.echoes(hypothesis, doc["constraints"])),
        "bleu": _statistics("bleu", doc, hypothesis),
        **_flags(doc, hypothesis),
    }


def conversation(doc: Mapping[str, Any], responses: Sequence[str]) -> Values:  # noqa: ARG001 - lm-eval's signature
    """Return whether any turn was left empty; the answers themselves are for a judge."""
    return {"empty": _empty(responses)}


def checked_conversation(doc: Mapping[str, Any], responses: Sequence[str]) -> Values:
    """Return how many instructions of each turn were followed, by rule."""
    followed = [
        instructions.score(checks, response, earlier=responses[:turn])
        for turn, (checks, response) in enumerate(zip(doc["checks"], responses, strict=True))
    ]
    values: Values = {f"instructions_turn{turn}": [sum(each), len(each)] for turn, each in enumerate(followed, start=1)}
    return values | {"instructions_all": int(all(map(all, followed))), "empty": _empty(responses)}


def known_translation(doc: Mapping[str, Any], responses: Sequence[str]) -> Values:
    """Return what `translation` does of one whose right renderings are all known, and whether it is one of them."""
    found = translation(doc, responses, ("bleu", "chrf")) | {"exact": _exact(responses[0], doc["references"])}
    return found | _in_parts(doc, found, ("bleu", "exact"))


def known_constrained(doc: Mapping[str, Any], responses: Sequence[str]) -> Values:
    """Return what `constrained` does of one whose right renderings are all known, and whether it is one of them."""
    found = constrained(doc, responses) | {"exact": _exact(responses[0], doc["references"])}
    return found | _in_parts(doc, found, ("constraint_micro", "exact"))


def known_conversation(doc: Mapping[str, Any], responses: Sequence[str]) -> Values:
    """Return which turns were answered by one of their right answers."""
    right = {
        f"exact_turn{turn}": _exact(response, references)
        for turn, (response, references) in enumerate(zip(responses, doc["turn_references"], strict=True), start=1)
    }
    return right | _in_parts(doc, right, right) | {"empty": _empty(responses)}


def known_answer(doc: Mapping[str, Any], responses: Sequence[str]) -> Values:
    """Return whether an answer is one of the right ones."""
    return {"exact": _exact(responses[0], doc["references"]), "empty": _empty(responses)}


def exam(doc: Mapping[str, Any], responses: Sequence[str]) -> Values:
    """Return accuracy by the paper's rule and by the strict rule; an answer that cannot be read is ``unparsed``."""
    text, gold = responses[0], doc["target"]
    if doc["kind"] == "cloze":
        paper, strict = cloze.paper_cloze_correct(text, gold), cloze.strict_cloze(text, gold)
    else:
        multiple = doc["kind"] == "multiple"
        paper = letters.paper_correct(text, gold, multiple)
        chosen = letters.strict_letters(text, "".join(doc["letters"]), doc["options"], multiple)
        strict = None if chosen is None else chosen == frozenset(gold)
    values = {
        "acc": int(paper),
        "acc_strict": int(bool(strict)),
        "unparsed": int(strict is None),
        "empty": _empty([text]),
    }
    return values if strict is None else values | {"acc_strict_parsed": int(strict)}


def bleu(statistics: Sequence[Sequence[float]]) -> float:
    """Return corpus BLEU from segment statistics."""
    return ngrams.corpus_score("bleu", statistics)


def chrf(statistics: Sequence[Sequence[float]]) -> float:
    """Return corpus chrF2 from segment statistics."""
    return ngrams.corpus_score("chrf", statistics)


def ter(statistics: Sequence[Sequence[float]]) -> float:
    """Return corpus TER from segment statistics."""
    return ngrams.corpus_score("ter", statistics)


def ratio(pairs: Sequence[Sequence[float]]) -> float:
    """Return the sum of numerators over the sum of denominators."""
    numerator, denominator = np.asarray(pairs, dtype=float).sum(axis=0)
    return float(numerator / denominator)


def _statistics(metric: str, doc: Mapping[str, Any], hypothesis: str) -> list[float]:
    return ngrams.segment_statistics(metric, doc["target_language"], [hypothesis.strip()], [doc["references"]])[0]


def _flags(doc: Mapping[str, Any], hypothesis: str) -> Values:
    found = off_target.check(doc["source"], hypothesis, doc["source_language"], doc["target_language"])
    return {name: int(flag) for name, flag in found.items() if flag is not None}


def _exact(response: str, references: Sequence[str]) -> int:
    return int(exact.equals_one(response, references))


def _in_parts(doc: Mapping[str, Any], values: Values, names: Iterable[str]) -> Values:
    """Return metrics again for the part of the items that a document belongs to."""
    return {f"{name}@{doc['part']}": values[name] for name in names}


def _empty(responses: Sequence[str]) -> int:
    return int(any(not response.strip() for response in responses))
