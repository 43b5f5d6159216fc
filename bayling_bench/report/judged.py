"""What judges said, as data of pictures: wins, ties and losses by opponent, nine categories, calibration.

The published reviews of GPT-4 (`data.reviews`) and the judgings of runs come in one form, so that both can be drawn
side by side: ``judge`` tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bayling_bench.audit import judge as published
from bayling_bench.audit.reach import NotInReach
from bayling_bench.data import reviews
from bayling_bench.judge.judgements import Judgement
from bayling_bench.leaderboard import Board

PUBLISHED_JUDGE = "GPT-4, reviews of 2023"
FILES = tuple(f"{turns}.{language}" for turns in reviews.TURNS for language in reviews.LANGUAGES)
_TURNS = {"singleturn": "single", "multiturn": "multi"}
Row = dict[str, Any]


def uses_reviews(board: Board) -> bool:
    """Return whether any figure or ranking of a board is made of the published reviews."""
    measures = [*(rule.measure for rule in board.rules), *(ranking.measure for ranking in board.rankings)]
    return any(measure and (measure.startswith("judge_") or measure == "bradley_terry") for measure in measures)


def task_of(file: str) -> str:
    """Return the task that a file of reviews is about: ``bayling80_en_single`` for ``singleturn.en``."""
    turns, _, language = file.partition(".")
    return f"bayling80_{language}_{_TURNS[turns]}"


def of_reviews() -> tuple[list[Row], list[Row]]:
    """Return outcomes and category means of the published reviews, as far as they are on this machine."""
    outcomes, categories = [], []
    for opponent, system in reviews.OPPONENTS.items():
        for file in FILES:
            try:
                given = published.reviews_of(opponent, file)
            except NotInReach:
                continue
            about = {"judge": PUBLISHED_JUDGE, "system": reviews.SYSTEM, "opponent": system, "task": task_of(file)}
            outcomes.append(about | _counts(given))
            categories += [
                {**about, "of": side, **_means(given, place)} for place, side in enumerate((reviews.SYSTEM, system))
            ]
    return outcomes, categories


def _counts(given: Sequence[Judgement]) -> Row:
    counts = {name: sum(each["verdict"] == name for each in given) for name in ("win", "tie", "lose")}
    scores = [each["scores"] for each in given if each["scores"]]
    means = [sum(pair[place] for pair in scores) / len(scores) if scores else None for place in (0, 1)]
    return {**counts, "n": sum(counts.values()), "failed": len(given) - sum(counts.values()), "means": means}


def _means(given: Sequence[Judgement], place: int) -> Row:
    by: dict[str, list[float]] = {}
    for each in given:
        if each["scores"]:
            by.setdefault(each["category"], []).append(each["scores"][place])
    return {
        "values": {name: sum(scores) / len(scores) for name, scores in by.items()},
        "n": {name: len(scores) for name, scores in by.items()},
    }


def of_run(key: str, judgings: Sequence[Mapping[str, Any]]) -> tuple[list[Row], list[Row]]:
    """Return outcomes by task and category means of a run's judgings, as ``judge.results`` keeps them."""
    outcomes, categories = [], []
    for found in judgings:
        other = found["system2"]["name"] if found["system2"] else None
        about = {"judge": _judge(found), "system": key, "opponent": other, "complete": found["complete"]}
        for task, row in found["by"]["task"].items() if other else ():
            counts = {name: row[name] for name in ("win", "tie", "lose")}
            means = [row["mean1"]["value"], row["mean2"]["value"]]
            failed = row["items"] - row["judged"]
            outcomes.append({**about, "task": task, **counts, "n": row["judged"], "failed": failed, "means": means})
        for side, name in (("mean1", key), ("mean2", other)):
            if name is not None:
                of = found["by"]["category"]
                values = {category: row[side]["value"] for category, row in of.items()}
                sizes = {category: row["judged"] for category, row in of.items()}
                categories.append({**about, "task": None, "of": name, "values": values, "n": sizes})
    return outcomes, categories


def _judge(found: Mapping[str, Any]) -> str:
    return f"{found['judge']['snapshot'] or found['judge']['spec']}, {found['protocol']['name']}"


def calibrations(judgings: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Yield each calibration record of judgings once: how often a judge agrees with the published verdicts."""
    seen = set()
    for found in judgings:
        record = found["calibration"]
        key = None if record is None else (_judge(found), record["written"])
        if record is None or key in seen:
            continue
        seen.add(key)
        rows = [("overall", "", record["overall"]), ("order", "BayLing first", record["published_order"])]
        rows += [(name, value, row) for name, group in record["by"].items() for value, row in group.items()]
        yield {
            "judge": _judge(found),
            "against": record["against"],
            "written": record["written"][:10],
            "table": record.get("table", {}),
            "rows": [{"dimension": name, "value": value, **_agreement(row)} for name, value, row in rows],
        }


def _agreement(row: Mapping[str, Any]) -> Row:
    share = row["agreement_pct"]
    plain = {name: row[name] for name in ("n", "kappa", "spearman_of_scores", "spearman_of_differences")}
    return {**plain, "agreement": share["value"], "low": share.get("low"), "high": share.get("high")}
