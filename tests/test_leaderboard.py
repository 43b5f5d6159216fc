"""Boards are data: those shipped are what they say, a new one needs no code, and mistakes in one are named."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from bayling_bench import leaderboard
from bayling_bench.audit import formats, measures, readme, rows
from bayling_bench.audit.explain import CHECKS
from bayling_bench.audit.rows import DIFFERS, EQUAL, EXPLAINED, NOT_IN_REACH
from bayling_bench.audit.session import Session
from bayling_bench.leaderboard import BoardError

BOARDS = ("bayling_2023", "wmt22_official")

FIGURES = "group,task,system,metric,value,items,source\n"
BOARD = """
title = "Made up"
figures = ["figures.csv"]
[systems.ours]
name = "Ours"
outputs = "run:runs/ours"
[systems.theirs]
name = "Theirs"
outputs = "run:runs/theirs"
[[rules]]
metric = "(?P<metric>acc|bleu)"
task = "(?P<task>(?!average).+)"
measure = "run_score"
decimals = 1
[[rules]]
task = "average"
measure = "cells_mean"
arguments = { cells = { tasks = "(?!average).+", metric = "acc" } }
decimals = 1
[[tables]]
title = "Exams"
tasks = ["mini_exam_en", "mini_exam_zh", "average"]
systems = ["ours", "theirs"]
metrics = ["acc"]
decimals = 1
"""


@pytest.fixture
def made_up(tmp_path: Path) -> Path:
    """A board of two systems, of which one has a run folder with two scores: 61.24 and 40.06, mean 50.65."""
    folder = tmp_path / "made_up"
    run = folder / "runs" / "ours"
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"schema": 1, "model": {"name": "ours"}}), encoding="utf-8")
    tasks = {
        "mini_exam_en": {"metrics": {"acc": {"value": 61.24, "n": 60}}},
        "mini_exam_zh": {"metrics": {"acc": {"value": 40.06, "n": 50}}},
    }
    (run / "scores.json").write_text(json.dumps({"schema": 1, "tasks": tasks}), encoding="utf-8")
    (folder / "board.toml").write_text(BOARD, encoding="utf-8")
    figures = (
        "exams,mini_exam_en,ours,acc,61.2,60,our paper\n"
        "exams,mini_exam_zh,ours,acc,40.1,50,our paper\n"
        "exams,average,ours,acc,50.6,,our paper\n"  # 50.65 may be rounded either way
        "exams,mini_exam_en,theirs,acc,70.0,60,their paper\n"
    )
    (folder / "figures.csv").write_text(FIGURES + figures, encoding="utf-8")
    return folder


def test_a_new_board_needs_no_code(made_up: Path):
    audited = rows.audit(leaderboard.load(str(made_up)))
    assert [row.verdict for row in audited] == [EQUAL, EQUAL, EQUAL, EXPLAINED]
    assert [row.reproduced for row in audited[:2]] == [61.24, 40.06]
    assert audited[2].reproduced == pytest.approx(50.65)
    assert audited[3].kind == NOT_IN_REACH and "bayling-bench run -o" in audited[3].command
    readme.write(leaderboard.load(str(made_up)), audited, made_up)
    page = (made_up / "README.md").read_text(encoding="utf-8")
    assert "| Ours | **61.2** | **40.1** | **50.6** |" in page and "| Theirs | 70.0 |  |  |" in page


def test_a_figure_that_is_one_digit_off_differs(made_up: Path):
    path = made_up / "figures.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("61.2,60", "61.3,60"), encoding="utf-8")
    audited = rows.audit(leaderboard.load(str(made_up)))
    assert audited[0].verdict == DIFFERS and not rows.passed(audited)
    assert audited[0].difference == pytest.approx(-0.06)


def test_every_format_holds_every_figure(made_up: Path):
    board = leaderboard.load(str(made_up))
    audited = rows.audit(board)
    lines = list(csv.DictReader(formats.to_csv(board, audited).splitlines()))
    whole = json.loads(formats.to_json(board, audited))
    assert [line["task"] for line in lines] == [row["task"] for row in whole["rows"]] == [f.task for f in board.figures]
    assert whole["verdicts"] == {EQUAL: 3, EXPLAINED: 1, DIFFERS: 0}
    assert float(lines[0]["reproduced"]) == whole["rows"][0]["reproduced"] == 61.24
    assert formats.table(board, audited).row_count == 4
    text = formats.to_markdown(board, audited)
    assert "3 equal, 1 explained (of these 1 unchecked" in text and "mini_exam_en, Theirs" in text


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("figures.csv", "61.2,", "61.x,", "figures.csv, line 2: value '61.x'"),
        ("figures.csv", "our paper\nexams,mini_exam_zh", "our paper, p. 3\nexams,mini_exam_zh", "line 2: 7 columns"),
        ("figures.csv", "mini_exam_zh,ours", "mini_exam_en,ours", "line 3: the same figure stands in .*line 2"),
        ("figures.csv", "metric,value", "measure,value", "the columns must be group,task"),
        ("figures.csv", "ours,acc,61.2", "ours,chrf,61.2", "no rule of .* chooses this figure"),
        ("board.toml", 'measure = "run_score"', 'measure = "run_skore"', "Did you mean run_score"),
        ("board.toml", "decimals = 1\n[[rules]]", "decimal = 1\n[[rules]]", "unknown key .* Did you mean decimals"),
        ("board.toml", 'title = "Made up"', "title = Made up", "not valid TOML"),
        ("board.toml", '(?P<metric>acc|bleu)', "(?P<metric>acc|bleu", "is not a regular expression"),
        ("board.toml", '(?P<metric>acc|bleu)', "acc|bleu", "'run_score' of .*missing a required argument: 'metric'"),
        ("board.toml", 'outputs = "run:runs/ours"', "", r"\[systems.'ours'\] needs `outputs`"),
        ("board.toml", '"figures.csv"', '"figure.csv"', "figure.csv does not exist"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_board_is_named(made_up: Path, file: str, old: str, new: str, message: str):
    path = made_up / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BoardError, match=message):
        rows.audit(leaderboard.load(str(made_up)))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('task = "no_such_task"\ncheck = {}', "'why' covers no figure"),
        ('task = "mini_exam_en"\ncheck = { withn = 0.1 }', "unknown check 'withn'. Did you mean within"),
        ('task = "mini_exam_en"', "why lacks check"),
    ],
)
def test_a_mistake_in_an_explanation_is_named(made_up: Path, entry: str, message: str):
    text = f'[[explanations]]\nname = "why"\nkind = "a kind"\nreason = "r"\nevidence = "e"\n{entry}\n'
    (made_up / "explanations.toml").write_text(text, encoding="utf-8")
    path = made_up / "figures.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("61.2,60", "61.3,60"), encoding="utf-8")
    with pytest.raises(BoardError, match=message):
        rows.audit(leaderboard.load(str(made_up)))


@pytest.mark.parametrize("name", ["bayling2023", "bayling_2024", "wmt22"])
def test_an_unknown_board_gets_near_names(name: str):
    with pytest.raises(BoardError, match=r"No board is called .* Did you mean (bayling_2023|wmt22_official)"):
        leaderboard.load(name)


# --- the boards that are shipped


def test_shipped_boards_lie_beside_or_inside_the_package():
    assert tuple(leaderboard.names()) == BOARDS


def test_the_bayling_board_holds_the_published_figures():
    figures = leaderboard.read_figures(leaderboard.leaderboards_path() / "bayling_2023" / "figures.csv")
    # Tables of the README: 6 systems x 18 subsets and 2 averages; 4 directions x 11 systems; 4 x 4 battles; 4 charts of
    # 9 categories x 2 systems, less one value hidden in the picture; 3 rankings x 5 systems; 3 claims.
    assert Counter(figure.group for figure in figures) == {
        "exams": 6 * 20, "translation": 44, "judge": 4 * 4 * 3 + 4 * 9 * 2 - 1, "human": 15, "claims": 3,
    }  # fmt: skip
    assert len(figures) == 301
    cells = {(figure.task, figure.system): figure.value for figure in figures}
    assert (cells["wmt22-zh-en", "gpt-4"], cells["gaokao-average", "bayling-13b"]) == (82.79, 32.13)


@pytest.mark.parametrize("name", BOARDS)
def test_every_rule_names_a_measure_and_every_explanation_a_check(name: str):
    board = leaderboard.load(name)
    assert {rule.measure for rule in board.rules} - {None} <= set(measures.MEASURES)
    assert {check for explanation in board.explanations for check in explanation.check} <= set(CHECKS)
    assert all(explanation.evidence and explanation.check for explanation in board.explanations)
    shown = {
        (s, t, m) for table in board.tables for s in table["systems"] for t in table["tasks"] for m in table["metrics"]
    }
    assert not shown - {(figure.system, figure.task, figure.metric) for figure in board.figures}


@pytest.mark.parametrize("name", BOARDS)
def test_the_readme_is_rendered_from_the_current_figures(name: str):
    board = leaderboard.load(name)
    assert (board.folder / "README.md").read_text(encoding="utf-8") == readme.render(board, readme.read(board))


@pytest.mark.slow
@pytest.mark.mirror
@pytest.mark.parametrize("name", BOARDS)
def test_what_was_reproduced_is_what_the_audit_gives_today(mirror: Path, name: str):
    board = leaderboard.load(name)
    audited = rows.audit(board)
    assert (board.folder / "reproduced.csv").read_text(encoding="utf-8") == readme.reproduced(
        audited, rows.beside(board)
    )
    assert rows.passed(audited)


def test_systems_without_published_figures_can_stand_beside_them(made_up: Path):
    path = made_up / "board.toml"
    text = path.read_text(encoding="utf-8").replace("[systems.ours]", 'beside = ["again", "theirs"]\n[systems.ours]')
    text = text.replace(
        "[systems.theirs]", '[systems.again]\nname = "Again"\noutputs = "run:runs/ours"\n[systems.theirs]'
    )
    path.write_text(text.replace('"mini_exam_zh", "average"]', '"mini_exam_zh"]'), encoding="utf-8")
    board = leaderboard.load(str(made_up))
    audited = rows.audit(board)
    assert len(audited) == 4
    assert {(figure.task, found.value) for figure, found in rows.beside(board).items()} == {
        ("mini_exam_en", 61.24), ("mini_exam_zh", 40.06),
    }  # fmt: skip
    readme.write(board, audited, made_up)
    assert "| *Again* | *61.2* | *40.1* |" in (made_up / "README.md").read_text(encoding="utf-8")


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("system", "metric", "score"),
    [  # of the official table of en-zh
        ("Lan-Bridge", "bleu-A", 48.2704), ("Lan-Bridge", "bleu-B", 56.0020), ("Lan-Bridge", "bleu-all", 66.5467),
        ("Lan-Bridge", "chrf-A", 42.8324), ("Online-B", "bleu-A", 49.1039), ("Online-B", "bleu-all", 79.9942),
        ("Online-B", "chrf-all", 70.3480),
    ],
)  # fmt: skip
def test_official_scores_come_out_of_the_submissions(mirror: Path, system: str, metric: str, score: float):
    board = leaderboard.load("wmt22_official")
    figure = board.index["official", "wmt22-en-zh", system, metric]
    measured = Session(board, measures.MEASURES).measure(figure)
    assert measured is not None and round(measured.value, 4) == score == round(figure.value, 4)
