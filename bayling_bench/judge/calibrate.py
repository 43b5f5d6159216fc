"""How far a judge is to be trusted: its verdicts on the published pairs beside those that GPT-4 gave in 2023.

Agreement with GPT-4 of 2023 is no measure of truth, but a fixed point: the reviews are public, and a judge that differs
from them much, or from itself when answers change places, says little about new answers.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from bayling_bench import __version__, statistics
from bayling_bench.data import reviews, store
from bayling_bench.errors import DataError, RunError
from bayling_bench.journal import digest
from bayling_bench.judge import bias, calibrations, judgements, outcomes
from bayling_bench.judge.aggregate import share
from bayling_bench.judge.judgements import Judgement
from bayling_bench.judge.outcomes import Outcome
from bayling_bench.record import write_json

Row = dict[str, Any]
_VERDICTS = ("win", "tie", "lose")
_FILES = tuple(product(reviews.TURNS, reviews.LANGUAGES))
_DIMENSIONS = ("category", "language", "turns")


@dataclass(frozen=True)
class Pair:
    """One question that both judges gave a verdict on."""

    ours: Outcome
    published: Outcome


def opponents() -> list[str]:
    """Return the systems whose published reviews and answers are on this machine; DataError when there are none."""
    found = []
    for short, system in reviews.OPPONENTS.items():
        files = [
            reviews.review_file(short, turns, language) for turns in reviews.TURNS for language in reviews.LANGUAGES
        ]
        files += [
            reviews.answers_file(name, language) for name in (reviews.SYSTEM, system) for language in ("en", "zh")
        ]
        if all(map(store.is_present, files)):
            found.append(system)
    if not found:
        raise DataError(
            "--calibrate asks about the pairs that GPT-4 reviewed in 2023, and neither reviews nor answers are on this "
            f"machine. With a network: bayling-bench fetch reviews bayling80 published:{reviews.SYSTEM} "
            f"published:gpt-3.5-turbo published:vicuna-13b-1.1. {store.WITHOUT_NETWORK}"
        )
    return found


def published_outcomes(system2: str) -> dict[tuple[str, int], Outcome]:
    """Return GPT-4's outcome of each question of all tasks, by task and item."""
    short = next(name for name, system in reviews.OPPONENTS.items() if system == system2)
    given = [judgement for kind in _FILES for judgement in judgements.published(short, *kind)]
    return {(each.task, each.item): each for each in outcomes.collect(given)}


def record(judged: Sequence[tuple[Row, Sequence[Judgement]]]) -> Row:
    """Return the calibration record of one judge from its results and judgements, one of each an opponent."""
    results = judged[0][0]
    if others := [each["judge"]["snapshot"] for each, _ in judged if each["judge"] != results["judge"]]:
        raise RunError(
            f"the published pairs were judged by {results['judge']['snapshot']} and by {others[0]}: one record holds "
            "one judge. --new-snapshot judges everything again by the new one."
        )
    pairs, failures, both = [], {}, []
    for of_opponent, given in judged:
        published = published_outcomes(of_opponent["system2"]["name"])
        for each in outcomes.collect(given):
            both.append(each)
            if each.verdict and published[each.task, each.item].verdict:
                pairs.append(Pair(each, published[each.task, each.item]))
            else:
                failures[each.failure] = failures.get(each.failure, 0) + 1
    every = [each for _, given in judged for each in given]
    return {
        "kind": "calibration",
        "bayling_bench": __version__,
        "written": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "judge": results["judge"],
        "protocol": {name: results["protocol"][name] for name in ("name", "version", "sha256", "samples", "sampling")},
        "against": "GPT-4's reviews of 2023, released with BayLing (arXiv 2306.10968)",
        "pairs": len(both),
        "failures": dict(sorted(failures.items())),
        "overall": agreement(pairs),
        "by": {name: _by(pairs, name) for name in _DIMENSIONS} | {"opponent": _by_opponent(judged)},
        "table": _table(pairs),
        "published_order": _published_order(judged),
        "position": bias.position(both, every),
        "usd": _usd([of_opponent["usage"]["usd"] for of_opponent, _ in judged]),
    }


def agreement(pairs: Sequence[Pair]) -> Row:
    """Return raw agreement, kappa and rank correlations of two judges' verdicts and scores on the same questions."""
    ours, theirs = [each.ours for each in pairs], [each.published for each in pairs]
    same = [float(one.verdict == other.verdict) for one, other in zip(ours, theirs, strict=True)]
    gains = [[each.scores[0] - each.scores[1] for each in side if each.scores] for side in (ours, theirs)]
    scores = [[score for each in side for score in each.scores or ()] for side in (ours, theirs)]
    return {
        "n": len(pairs),
        "agreement_pct": share(same, ours),
        "kappa": statistics.cohen_kappa([each.verdict for each in ours], [each.verdict for each in theirs]),
        "spearman_of_scores": statistics.spearman(*scores),
        "spearman_of_differences": statistics.spearman(*gains),
    }


def _by(pairs: Sequence[Pair], dimension: str) -> dict[str, Row]:
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(getattr(pair.ours, dimension), []).append(pair)
    return {name: agreement(group) for name, group in groups.items()}


def _by_opponent(judged: Sequence[tuple[Row, Sequence[Judgement]]]) -> dict[str, Row]:
    return {results["system2"]["name"]: agreement(_pairs(results, given)) for results, given in judged}


def _pairs(results: Row, given: Sequence[Judgement]) -> list[Pair]:
    published = published_outcomes(results["system2"]["name"])
    found = [Pair(each, published[each.task, each.item]) for each in outcomes.collect(given)]
    return [pair for pair in found if pair.ours.verdict and pair.published.verdict]


def _published_order(judged: Sequence[tuple[Row, Sequence[Judgement]]]) -> Row:
    """Return the agreement of those replies alone that saw BayLing first, as GPT-4 did."""
    return agreement(
        [
            pair
            for results, given in judged
            for pair in _pairs(results, [each for each in given if outcomes.order_of(each) == 0])
        ]
    )


def _table(pairs: Sequence[Pair]) -> dict[str, dict[str, int]]:
    """Return how often each verdict of ours (outer) meets each of GPT-4's (inner)."""
    return {
        ours: {
            theirs: sum(pair.ours.verdict == ours and pair.published.verdict == theirs for pair in pairs)
            for theirs in _VERDICTS
        }
        for ours in _VERDICTS
    }


def _usd(costs: Sequence[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return round(sum(known), 6) if len(known) == len(costs) else None


def write(found: Mapping[str, Any], folder: Path) -> Path:
    """Write a record under a name of its judge, snapshot and protocol, and return where.

    Raises RunError where a record of more pairs stands there.
    """
    judge = found["judge"]
    named = f"{judge['snapshot'] or judge['spec']}-{found['protocol']['name']}"
    mark = digest(judge, found["protocol"]["sha256"])[:8]
    path = folder / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', named)}-{mark}.json"
    known = calibrations.read(path)
    if known is not None and known["pairs"] > found["pairs"]:
        raise RunError(
            f"{path} tells of {known['pairs']} pairs and is not replaced by a record of {found['pairs']}. Calibrate on "
            "all of them (without --limit), or remove that file first."
        )
    write_json(path, found)
    return path
