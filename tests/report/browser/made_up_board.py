"""A made-up board as the page reads it: published and reproduced systems, two rules of exams, a judge, its calibration.

All names, texts and figures are ours. ``VALUES`` is what the tests expect to see.
"""

from __future__ import annotations

from typing import Any

from bayling_bench.report import strings
from bayling_bench.report.packing import packed

SYSTEMS = {
    "alder": ("Alder-13B", "reproduced", 13.0),
    "birch": ("Birch-7B", "reproduced", 7.0),
    "cedar": ("Cedar", "published", None),
    "drift": ("Drift-70B", "published", 70.0),
}
TASKS = {
    "wmt22/mean": ("wmt22", "mean of 2", []),
    "wmt22_zh_en": ("wmt22", "zh → en", ["zh", "en"]),
    "wmt22_de_en": ("wmt22", "de → en", ["de", "en"]),
    "wmt22_en_zh": ("wmt22", "en → zh", ["en", "zh"]),
    "gaokao_physics": ("gaokao", "physics", ["zh"]),
    "gaokao_history": ("gaokao", "history", ["zh"]),
    "gaokao_english": ("gaokao", "English", ["zh"]),
}
METRICS = {
    "comet": ("COMET", "points", None, True),
    "ter": ("TER", "points", None, False),
    "acc": ("accuracy (paper rule)", "percent", "paper", True),
    "acc_strict": ("accuracy (strict)", "percent", "strict", True),
}
JUNE, TODAY = "labels:2023-06", "labels:head"
VALUES = {
    ("wmt22/mean", "comet", ""): {"alder": 80.5, "birch": 79.25, "cedar": 85.835, "drift": 7.5},
    ("wmt22_zh_en", "comet", ""): {"alder": 78.0, "birch": 79.0, "cedar": 83.0, "drift": 9.0},
    ("wmt22_de_en", "comet", ""): {"alder": 83.0, "birch": 79.5, "cedar": 87.25, "drift": 6.0},
    ("wmt22_zh_en", "ter", ""): {"alder": 61.0, "birch": 60.0},
    ("gaokao_physics", "acc", JUNE): {"alder": 21.5, "birch": 24.5},
    ("gaokao_history", "acc", JUNE): {"alder": 34.0, "birch": 33.2},
    ("gaokao_english", "acc", JUNE): {"alder": 69.3, "birch": 55.6},
    ("gaokao_physics", "acc_strict", TODAY): {"alder": 31.5, "birch": 14.5},
    ("gaokao_history", "acc_strict", TODAY): {"alder": 35.0, "birch": 30.0},
}
CATEGORIES = ("generic", "knowledge", "coding", "math", "writing")
OUTCOMES = {"bayling80_en_multi": (31, 8, 41), "bayling80_zh_multi": (28, 8, 44)}

ENGLISH = ("The red house stands near the river.", "The blue house stands near the river.")
CHINESE = ("那座红房子在河边。", "那座蓝房子在河边。")


def payload() -> dict[str, Any]:
    """Return what `report.payload.build` would return of such a board, with the items of two tasks."""
    suites = [
        _suite("wmt22", "Translation, WMT22", ["comet", "ter"], ["comet"], [""]),
        _suite("gaokao", "GaoKao (Chinese exams)", ["acc", "acc_strict"], ["acc", "acc_strict"], [JUNE, TODAY]),
    ]
    return {
        "schema": 1, "title": "A made-up board", "date": "2026-11-26", "version": "0.1.0",
        "board": {"name": "made_up", "title": "A made-up board", "summary": "Ours."},
        "summary": [
            {"about": "subject", "en": "4 published systems on 5 tasks.", "zh": "4 个已发表系统，5 项任务。"},
            {"about": "lead", "en": "Cedar leads (85.84).", "zh": "Cedar 领先（85.84）。"},
            {"about": "careful", "en": "All of it is made up.", "zh": "全部为虚构。"},
        ],
        "systems": [_system(key, *about) for key, about in SYSTEMS.items()],
        "suites": suites,
        "tasks": {key: _task(*about, mean=key == "wmt22/mean") for key, about in TASKS.items()},
        "metrics": {key: _metric(*about) for key, about in METRICS.items()},
        "states": {state: {"name": both(state), "about": both(f"about {state}")} for state in ("", JUNE, TODAY)},
        "signatures": ["made:up"],
        "cells": [_cell(system, column, value) for column, row in VALUES.items() for system, value in row.items()],
        "pairs": [],
        "absent": [
            {"system": "cedar", "task": "gaokao_physics", "metric": "acc", "why": "no outputs", "command": "none"}
        ],
        "figures": _figures(),
        "items": _items_told(),
        "strings": strings.load(),
    }  # fmt: skip


def both(text: str) -> dict[str, str]:
    return {"en": text, "zh": f"{text}（中）"}


def _suite(key: str, name: str, metrics: list[str], headlines: list[str], states: list[str]) -> dict[str, Any]:
    tasks = [task for task, (suite, *_) in TASKS.items() if suite == key and "/" not in task]
    means = [task for task in TASKS if task.startswith(f"{key}/")]
    return {"key": key, "name": both(name), "tasks": tasks, "means": means, "metrics": metrics,
            "headlines": headlines, "states": states}  # fmt: skip


def _system(key: str, label: str, kind: str, size: float | None) -> dict[str, Any]:
    return {"key": key, "label": label, "kind": kind, "finished": True, "size_b": size, "size_from": "board",
            "cost": None, "date": "", "origin": "", "notes": []}  # fmt: skip


def _task(suite: str, name: str, languages: list[str], *, mean: bool) -> dict[str, Any]:
    direction = "-".join(languages) if len(languages) == 2 else None
    of = ["wmt22_zh_en", "wmt22_de_en"] if mean else None
    return {"suite": suite, "name": both(name), "languages": languages, "direction": direction, "items": 2,
            "versions": ["1"], "mean": of}  # fmt: skip


def _metric(name: str, unit: str, rule: str | None, higher: bool) -> dict[str, Any]:
    return {"name": both(name), "about": both("What it is."), "unit": unit, "decimals": 2, "rule": rule,
            "higher_is_better": higher, "guard": False, "right": rule is not None}  # fmt: skip


def _cell(system: str, column: tuple[str, str, str], value: float) -> dict[str, Any]:
    task, metric, state = column
    cell = {"system": system, "task": task, "metric": metric, "state": state, "value": value, "n": 1234,
            "source": SYSTEMS[system][1]}  # fmt: skip
    if SYSTEMS[system][1] == "reproduced":
        place = 1 + sum(other > value for other in VALUES[column].values())
        cell |= {"low": value - 1.5, "high": value + 1.25, "rank_low": place, "rank_high": 4, "signature": 0}
    if value == max(VALUES[column].values()):
        cell["best"] = True
    if (system, task) == ("birch", "wmt22_de_en"):
        cell |= {"guards": {"wrong_language": 12.34, "source_copied": 0.5}, "unscored": 3}
    return cell


def _figures() -> dict[str, Any]:
    about = {"judge": "A judge", "system": "alder", "opponent": "birch"}
    values = {name: 5.0 + place for place, name in enumerate(CATEGORIES)}
    calibration = {
        "judge": "A judge", "against": "published verdicts", "written": "2026-11-26", "table": {},
        "rows": [
            {"dimension": "overall", "value": "", "n": 80, "agreement": 71.25, "low": 60.0, "high": 80.0, "kappa": 0.5,
             "spearman_of_scores": 0.6, "spearman_of_differences": 0.4},
            {"dimension": "category", "value": "coding", "n": 7, "agreement": 57.1, "low": 25.0, "high": 84.0,
             "kappa": 0.2, "spearman_of_scores": None, "spearman_of_differences": None},
        ],
    }  # fmt: skip
    return {
        "judge": {
            "outcomes": [
                {**about, "task": task, "win": win, "tie": tie, "lose": lose, "n": 80, "failed": 0, "means": [7.1, 8.2]}
                for task, (win, tie, lose) in OUTCOMES.items()
            ],
            "categories": [
                {**about, "task": "bayling80_zh_multi", "of": of, "values": values, "n": dict.fromkeys(CATEGORIES, 10)}
                for of in ("alder", "birch")
            ],
            "calibrations": [calibration],
        },
        "directions": {"suites": ["wmt22"]},
        "exams": {"suites": ["gaokao"]},
        "size": {"systems": ["alder", "birch", "drift"], "cost": []},
    }


# ---- items: two translations, and a conversation that a judge read


def _items_told() -> dict[str, Any]:
    parts = [{"system": key, "states": [""], "scores": ["comet"], "prompts": False} for key in ("alder", "birch")]
    shelf = {"total": 2, "packed": 2, "packs": [0], "parts": parts}
    return {
        "wmt22_de_en": {**shelf, "suite": "wmt22"},
        "wmt22_en_zh": {**shelf, "suite": "wmt22"},
        "bayling80_zh_multi": {**shelf, "suite": "bayling80", "total": 80, "packs": [1]},
    }


def items() -> dict[str, list]:
    """Return the packed items for the template."""
    return {
        "docs": [("shared", packed([{"source": "Das rote Haus"}, {"source": "Es regnet"}]))],
        "packs": [
            packed({"wmt22_de_en": _translations(ENGLISH, "shared"), "wmt22_en_zh": _translations(CHINESE, None)}),
            packed({"bayling80_zh_multi": _conversations()}),
        ],
    }


def _translations(answers: tuple[str, str], shared: str | None) -> dict[str, Any]:
    docs = [0, 0] if shared else [{"source": "The red house"}, {"source": "It rains"}]
    return {
        "docs": shared,
        "users": {"before": "Translate: ", "after": ""},
        "prompts": [{"before": "### Instruction:\n", "after": "\n### Response:\n"}, None],
        "items": [[0, docs[0], [answers[1]], 0, list(answers)], [1, docs[1], ["Rain."], 0, ["It rains.", None]]],
        "columns": [{"comet": [70.5, 90.25]}, {"comet": [99.0, None]}],
    }


def _conversations() -> dict[str, Any]:
    turns = [{"response": "第一个回答"}, {"response": "第二个回答", "finish_reason": "length"}]
    said = [
        {"judge": "A judge", "opponent": other, "scores": scores, "verdict": verdict, "evidence": "甲更完整。"}
        for other, scores, verdict in (("birch", [7.5, 9], "lose"), ("alder", [9, 7.5], "win"))
    ]
    entries = [[{"turns": turns, "verdicts": [verdict]} for verdict in said], [{"turns": turns}, {"turns": turns}]]
    return {
        "docs": None,
        "users": None,
        "prompts": [None, None],
        "items": [
            [4, {"category": "coding"}, [], ["问题一", "问题二"], entries[0]],
            [7, {"category": "math"}, [], ["问题三", "问题四"], entries[1]],
        ],
        "columns": [{"judge_score": [7.5, None]}, {"judge_score": [9, None]}],
    }
