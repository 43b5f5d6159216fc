"""The published outputs, through the whole of ``bayling-bench run``, give the figures that correct scorers give.

Expected: ``expected/reproduced_from_outputs.json``, computed from the same files by the plain scorers.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.mirror]
EXPECTED = json.loads((Path(__file__).parent / "expected" / "reproduced_from_outputs.json").read_text(encoding="utf-8"))
JOBS = (("bayling-13b", "en"), ("bayling-13b", "zh"), ("nllb-3.3b", "en"))
"""System and prompt form. What other systems give is held by the audits of tests/test_leaderboard.py, which score the
same files without `run`; each of these jobs takes half a minute."""


def score(job: tuple[str, str, str]) -> dict:
    """Run one published system in a process of its own; return the scores by task."""
    from bayling_bench import run as runs
    from bayling_bench.config import RunConfig, Shard, TaskOptions

    system, form, folder = job
    tasks = ("paper",) if form == "en" else ("wmt22", "interactive")
    # The figures of the paper used the labels of June 2023.
    options = TaskOptions(prompt_form=form, label_state="2023-06")
    # TER, which the figures do not have, would take most of the time.
    asked = RunConfig(model=f"published:{system}", tasks=tasks, options=options, metrics=("bleu", "chrf"))
    outcome = runs.run(asked, Path(folder), Shard(), runs.Caller())
    assert outcome.run.finished
    return outcome.run.scores["tasks"]


@pytest.fixture(scope="module")
def scores(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict]:
    """Every job, on two cores."""
    folder = tmp_path_factory.mktemp("published")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        found = pool.map(score, [(*job, str(folder / "-".join(job))) for job in JOBS])
        return dict(zip(JOBS, found, strict=True))


def value(scores: dict, system: str, form: str, task: str, metric: str) -> float:
    return scores[system, form][task]["metrics"][metric]["value"]


def test_bleu_and_chrf_of_every_direction(scores: dict):
    compared = 0
    for name, figures in EXPECTED["translation"].items():
        system, direction, prompt = name.split("|")
        task = "wmt22_" + direction.replace("-", "_")
        form = "zh" if prompt else "en"
        if (system, form) not in JOBS:
            continue
        for metric in ("bleu", "chrf"):
            assert round(value(scores, system, form, task, metric), 2) == figures[metric], (name, metric)
            compared += 1
    assert compared == 64


def test_exam_counts_by_the_papers_rule(scores: dict):
    compared = 0
    for row in EXPECTED["exams"]:
        if (row["system"], "en") not in JOBS:
            continue
        task = row["subset"].replace("-", "_")
        right = value(scores, row["system"], "en", task, "acc") / 100 * row["n"]
        assert round(right, 6) == row["correct"], (row["system"], task)
        compared += 1
    assert compared == 18


def test_constraint_counts_and_bleu(scores: dict):
    compared = 0
    for row in EXPECTED["constrained"]:
        system, form = row["system"].lower(), "zh" if row["prompt"] == "zh_prompt" else "en"
        if (system, form) not in JOBS:
            continue
        task = "interactive_translation_" + row["direction"].replace("-", "_")
        metrics = {name: value(scores, system, form, task, name) for name in
                   ("constraint_micro", "constraint_macro", "constraint_all", "bleu")}  # fmt: skip
        assert round(metrics["constraint_micro"] / 100 * row["constraints"], 6) == row["satisfied"]
        assert round(metrics["constraint_micro"], 2) == row["csr_micro"]
        assert round(metrics["constraint_macro"], 2) == row["csr_macro"]
        assert round(metrics["constraint_all"] / 100 * row["items"], 6) == row["items_all_satisfied"]
        assert round(metrics["bleu"], 2) == row["bleu"]
        compared += 1
    assert compared == 4


def test_bayling_80_answers_are_kept_for_a_judge(scores: dict):
    row = scores["bayling-13b", "en"]["bayling80_zh_multi"]
    assert row["scored"] == 80 and "needs a judge" in row["note"]


def test_what_was_not_released_is_left_out_and_said(scores: dict):
    assert "gaokao_physics" not in scores["nllb-3.3b", "en"]
    assert len(scores["nllb-3.3b", "en"]) == 14
