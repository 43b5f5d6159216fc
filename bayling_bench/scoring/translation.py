"""BLEU, chrF2 and TER from sacrebleu's segment statistics.

One extraction serves the score, its interval and every paired test: `segment_statistics` gives a row of sufficient
statistics for each item, sums of rows give scores. Rows as in sacrebleu 2.6: BLEU has the lengths of hypothesis and
closest reference, then the matches and the totals of orders 1 to 4; chrF has hypothesis count, reference count and
matches for each order 1 to 6; TER has edits and mean reference length. Scores run from 0 to 100 (TER may exceed 100
and is better when lower). Tokenizers follow WMT22: `zh`, `ja-mecab`, `13a` elsewhere.

BLEU and chrF cost about 0.2 ms an item one by one and a quarter of that for many at once (`ngrams`), TER 1 to 25 ms
(long Chinese and English ones most), hence `jobs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics.base import Metric
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from bayling_bench.errors import BenchError, did_you_mean
from bayling_bench.scoring import ngrams
from bayling_bench.scoring.ter import FastTER
from bayling_bench.workers import pool

METRICS = ("bleu", "chrf", "ter")
"""``bleu:TOKENIZER`` (``bleu:char``) is BLEU with that tokenizer of sacrebleu's instead of the target language's."""

_CHUNK = 64
"""Items handled, or handed to a process, at once: few enough that arrays of their n-grams stay in a core's cache."""

_MANY = 16
"""Items from which counting n-grams together is faster than one item after the other."""


def check_metric(metric: str) -> None:
    """Raise BenchError unless a metric is one of `METRICS`, or BLEU with a tokenizer that sacrebleu has."""
    from sacrebleu.metrics.bleu import _TOKENIZERS

    name, _, tokenizer = metric.partition(":")
    known = {f"bleu:{each}" for each in _TOKENIZERS}
    if name not in METRICS or (tokenizer and metric not in known):
        raise BenchError(
            f"{metric!r} is no score of translations.{did_you_mean(metric, {*METRICS, *known})} "
            f"Known: {', '.join(METRICS)}, and bleu:TOKENIZER with {', '.join(sorted(_TOKENIZERS))}."
        )


def segment_statistics(
    metric: str, target: str, hypotheses: Sequence[str], references: Sequence[Sequence[str]], *, jobs: int = 1
) -> list[list[float]]:
    """Return one row of sufficient statistics for each item.

    ``references[i]`` holds the references of item i; their number may differ between items, as sacrebleu allows for
    all three metrics. With ``jobs`` above 1 the items are spread over that many processes (worth it for TER alone);
    the rows are the same. Raises BenchError for an item without references.
    """
    items = list(zip(hypotheses, references, strict=True))
    for number, (_, known) in enumerate(items):
        if not known:
            raise BenchError(f"item {number} has no reference to score {metric} against; name one in its `references`")
    chunks = [items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK)]
    workers = min(jobs, len(chunks))
    if workers <= 1:
        return list(chain.from_iterable(_extract(metric, target, chunk) for chunk in chunks))
    with pool(workers) as processes:
        rows = processes.map(_extract, [metric] * len(chunks), [target] * len(chunks), chunks)
        return list(chain.from_iterable(rows))


def corpus_score(metric: str, statistics: Sequence[Sequence[float]] | NDArray[np.float64]) -> float:
    """Return sacrebleu's corpus score of these items, unrounded; raises ValueError if there are none."""
    if not len(statistics):
        raise ValueError(f"{metric} of no items is undefined: report the items as unscored instead")
    sums = np.add.reduce(np.asarray(statistics, dtype=np.float64), axis=0)  # row by row, as sacrebleu adds
    return _metric(metric, "")._compute_score_from_stats(sums.tolist()).score


def sentence_score(metric: str, statistics: Sequence[float]) -> float:
    """Return the score of one item for display; BLEU with effective order, as sacrebleu advises for sentences."""
    if metric == "bleu":
        return _sentence_bleu()._compute_score_from_stats(list(statistics)).score
    return corpus_score(metric, [statistics])


def corpus_scores(metric: str, sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the corpus score [r] of each row of summed statistics [r, k]: sacrebleu's formulas over resamples."""
    return {"bleu": _bleu_scores, "chrf": _chrf_scores, "ter": _ter_scores}[_base(metric)](
        np.asarray(sums, dtype=np.float64)
    )


def sentence_scores(metric: str, statistics: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what `sentence_score` gives for each row of statistics [items, k], all at once."""
    if _base(metric) == "bleu":
        return _bleu_scores(np.asarray(statistics, dtype=np.float64), effective_order=True)
    return corpus_scores(metric, statistics)


def signature(metric: str, target: str, n_references: int | Literal["var"]) -> str:
    """Return sacrebleu's own signature, with its version; ``n_references`` is "var" if it differs between items."""
    scorer = _metric(metric, target)
    scorer.num_refs = -1 if n_references == "var" else n_references
    return str(scorer.get_signature())


def _extract(metric: str, target: str, items: Sequence[tuple[str, Sequence[str]]]) -> list[list[float]]:
    hypotheses = [hypothesis for hypothesis, _ in items]
    most = max(len(references) for _, references in items)
    if most == 1 and len(items) >= _MANY:
        together = _extract_together(metric, target, hypotheses, [reference for _, (reference,) in items])
        if together is not None:
            return together.tolist()
    padded = [[*references, *[None] * (most - len(references))] for _, references in items]
    streams = list(zip(*padded, strict=True))  # sacrebleu wants one stream a reference, None where an item has fewer
    return _metric(metric, target)._extract_corpus_statistics(hypotheses, streams)


def _extract_together(
    metric: str, target: str, hypotheses: Sequence[str], references: Sequence[str]
) -> NDArray[np.int64] | None:
    """Return the same rows for items with one reference each; None where that cannot be."""
    if metric == "chrf":
        return ngrams.chrf_statistics(hypotheses, references)
    if _base(metric) == "bleu":
        tokenized = _metric(metric, target)._preprocess_segment
        return ngrams.bleu_statistics(list(map(tokenized, hypotheses)), list(map(tokenized, references)))
    return None


@cache
def _metric(metric: str, target: str) -> Metric:
    name, _, tokenizer = metric.partition(":")
    if name == "bleu":
        # force: a model that writes " ." is scored as it is, without sacrebleu's warning about tokenized input
        return BLEU(trg_lang=target, force=True, tokenize=tokenizer or None)
    if metric == "chrf":
        return CHRF()
    # Without spaces a Chinese sentence would be a single word; sacrebleu splits characters if normalized only.
    by_character = target in ("zh", "ja")
    return FastTER(normalized=by_character, asian_support=by_character)


def _base(metric: str) -> str:
    return metric.partition(":")[0]


@cache
def _sentence_bleu() -> Metric:
    return BLEU(effective_order=True)


def _bleu_scores(sums: NDArray[np.float64], effective_order: bool = False) -> NDArray[np.float64]:
    """BLEU-4 with sacrebleu's default smoothing `exp`: the k-th order without a match counts as 1/2^k matches.

    With ``effective_order`` orders that a short hypothesis has no n-grams of are left out of the mean.
    """
    hypothesis_length, reference_length = sums[:, 0], sums[:, 1]
    matches, totals = sums[:, 2:6], sums[:, 6:10]
    halvings = np.cumsum(matches == 0, axis=1)
    smoothed = np.where(matches > 0, matches, 0.5**halvings)
    there = totals > 0
    enough = there.any(axis=1) if effective_order else there.all(axis=1)
    defined = enough & (matches > 0).any(axis=1)
    logs = np.where(there, np.log(smoothed / np.where(there, totals, 1)), 0).sum(axis=1)
    short = np.minimum(0.0, 1 - reference_length / np.where(hypothesis_length > 0, hypothesis_length, 1))
    return np.where(defined, 100 * np.exp(short + logs / np.maximum(there.sum(axis=1), 1)), 0.0)


def _chrf_scores(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """F2 of precision and recall, each averaged over the orders that hypothesis and reference both have."""
    in_hypothesis, in_reference, matches = sums[:, 0::3], sums[:, 1::3], sums[:, 2::3]
    defined = (in_hypothesis > 0) & (in_reference > 0)
    orders = np.maximum(defined.sum(axis=1), 1)
    precision = np.where(defined, matches / np.where(defined, in_hypothesis, 1), 0).sum(axis=1) / orders
    recall = np.where(defined, matches / np.where(defined, in_reference, 1), 0).sum(axis=1) / orders
    weighted = CHRF.BETA**2 * precision + recall
    return 100 * (1 + CHRF.BETA**2) * precision * recall / np.where(weighted > 0, weighted, 1)


def _ter_scores(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edits over reference length; against empty references 100 for any output, 0 for none."""
    edits, length = sums[:, 0], sums[:, 1]
    return 100 * np.where(length > 0, edits / np.where(length > 0, length, 1), edits > 0)
