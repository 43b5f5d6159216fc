"""The audit gives each published figure the right verdict, and cannot be talked into a better one.

Expected: the counts and ratios in ``expected/reproduced_from_outputs.json``, computed from the same files by plain
scorers; averages, claims and exceptions from the protocol's own recomputation of BayLing's README tables.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from scipy.stats import binomtest

from bayling_bench import leaderboard
from bayling_bench.audit import formats, rows
from bayling_bench.audit.reach import OUTPUTS
from bayling_bench.audit.rows import DIFFERS, EQUAL, EXPLAINED, NOT_IN_REACH, Row
from bayling_bench.leaderboard import Board

EXPECTED = json.loads((Path(__file__).parent / "expected" / "reproduced_from_outputs.json").read_text(encoding="utf-8"))
pytestmark = pytest.mark.slow
HELD = 114
"""Answers of BayLing-13B to aqua-rat that hold the right letter: a plain count of `label in text` over both files."""
IN_REACH = ("gpt-3.5-turbo", "bayling-13b", "vicuna-13b-1.1")


@pytest.fixture(scope="module")
def board(mirror: Path) -> Board:
    return leaderboard.load("bayling_2023")


@pytest.fixture(scope="module")
def audited(board: Board) -> list[Row]:
    return rows.audit(board)


def find(audited: list[Row], task: str, system: str, metric: str) -> Row:
    (row,) = [
        row for row in audited if (row.figure.task, row.figure.system, row.figure.metric) == (task, system, metric)
    ]
    return row


@pytest.mark.mirror
def test_every_figure_has_a_row_and_none_differs(audited: list[Row]):
    assert sum(row.figure.line.partition(",")[0].endswith("figures.csv") for row in audited) == 301
    assert rows.counts(audited)[DIFFERS] == 0 and rows.passed(audited)
    assert all(row.reason and row.kind for row in audited if row.verdict == EXPLAINED)
    assert not [row for row in audited if row.verdict == EQUAL and row.reproduced is None]


@pytest.mark.mirror
def test_exam_cells_are_those_of_the_plain_scorer(audited: list[Row]):
    for cell in EXPECTED["exams"]:
        row = find(audited, cell["subset"], cell["system"], "accuracy_pct")
        assert row.verdict == EQUAL and row.basis == OUTPUTS
        assert row.reproduced == pytest.approx(100 * cell["correct"] / cell["n"])
        today = row.others["labels of today"]
        assert (today.value, today.items) == (pytest.approx(100 * cell["correct_head_labels"] / cell["n"]), cell["n"])
    assert len(EXPECTED["exams"]) == 54


@pytest.mark.mirror
def test_bleu_and_chrf_of_the_same_outputs_stand_beside_comet(audited: list[Row]):
    compared = 0
    for row in audited:
        if row.figure.group != "translation" or not row.others:
            continue
        direction = row.figure.task.removeprefix("wmt22-")
        expected = EXPECTED["translation"][f"{row.figure.system}|{direction}|"]
        found = row.others["BLEU"].value, row.others["chrF2"].value
        assert (round(found[0], 2), round(found[1], 2)) == (expected["bleu"], expected["chrf"])
        interval = row.others["BLEU"].interval
        assert interval is not None and interval.low < found[0] < interval.high
        compared += 1
    assert compared == 4 * 4  # four systems in the mirror, four directions


@pytest.mark.mirror
def test_intervals(audited: list[Row]):
    # Plain shares: Wilson's interval, as scipy computes it. BayLing-13B: 63 of 210 in gaokao-biology.
    row = find(audited, "gaokao-biology", "bayling-13b", "accuracy_pct")
    wilson = binomtest(63, 210).proportion_ci(method="wilson")
    assert row.interval == pytest.approx((100 * wilson.low, 100 * wilson.high))
    # Passages of several items make sat-en's interval another, and wider than a plain share's of 114 of 206.
    clustered = find(audited, "sat-en", "bayling-13b", "accuracy_pct").interval
    plain = binomtest(114, 206).proportion_ci(method="wilson")
    assert clustered is not None and clustered != pytest.approx((100 * plain.low, 100 * plain.high))
    # The average's standard error is that of nine independent shares, within the noise of 1000 resamples.
    average = find(audited, "gaokao-average", "bayling-13b", "accuracy_pct").interval
    cells = [cell for cell in EXPECTED["exams"] if cell["system"] == "bayling-13b" and "gaokao" in cell["subset"]]
    variance = sum(cell["correct"] / cell["n"] * (1 - cell["correct"] / cell["n"]) / cell["n"] for cell in cells)
    assert average is not None
    assert average.high - average.low == pytest.approx(2 * 1.96 * 100 * variance**0.5 / 9, rel=0.15)
    # Twice two subsets of the English table ask the same questions: drawn together, the interval lies between that of
    # independent subsets and that of answers that agree throughout.
    english = find(audited, "english-average", "bayling-13b", "accuracy_pct").interval
    cells = [cell for cell in EXPECTED["exams"] if cell["system"] == "bayling-13b" and "gaokao" not in cell["subset"]]
    of = {cell["subset"]: cell["correct"] / cell["n"] * (1 - cell["correct"] / cell["n"]) / cell["n"] for cell in cells}
    twins = [("sat-en", "sat-en-without-passage"), ("logiqa-en", "logiqa-zh")]
    apart = sum(of.values())
    together = apart + sum(2 * (of[one] * of[other]) ** 0.5 for one, other in twins)
    assert english is not None and len(of) == 9
    narrow, wide = (2 * 1.96 * 100 * variance**0.5 / 9 for variance in (apart, together))
    assert 0.95 * narrow < english.high - english.low < 1.1 * wide


@pytest.mark.mirror
def test_how_far_ahead_a_system_is(audited: list[Row]):
    others = find(audited, "gaokao", "bayling-13b", "rank").others
    ahead = others["points before Vicuna-13B"]
    assert round(ahead.value, 2) == round(32.1322 - 29.3566, 2)  # the two averages, from the counts of the 18 cells
    assert ahead.interval is not None and 0 < ahead.interval.low < ahead.value < ahead.interval.high
    assert others["points before ChatGLM-6B"].interval is None  # its outputs are not in the mirror


@pytest.mark.mirror
def test_wins_ties_and_losses_are_those_of_the_plain_scorer(audited: list[Row]):
    for file in EXPECTED["judge"]:
        opponent, turns, language = file["file"].removeprefix("bayling-13b.vs.").removesuffix(".jsonl").rsplit(".", 2)
        for outcome in ("win", "tie", "lose"):
            row = find(audited, f"bayling-80-{turns}-{language}", f"bayling-13b vs {opponent}", outcome)
            assert (row.verdict, row.reproduced) == (EQUAL, file[outcome])
    assert len(EXPECTED["judge"]) == 8


@pytest.mark.mirror
def test_category_means_lie_where_the_charts_were_read(audited: list[Row]):
    category = [row for row in audited if row.figure.metric.startswith("mean_score:")]
    assert len(category) == 71
    assert {(row.verdict, row.kind) for row in category} == {(EQUAL, ""), (EXPLAINED, "figure read off a picture")}
    assert max(abs(row.difference or 0) for row in category) == pytest.approx(0.06)


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("system", "nine", "verdict"),
    [  # the means of nine that the protocol gives for the six systems, in the order of the paper's table
        ("gpt-3.5-turbo", 49.30, EQUAL), ("bayling-13b", 34.92, EXPLAINED), ("bayling-7b", 28.07, EXPLAINED),
        ("chatglm-6b", 32.54, EXPLAINED), ("vicuna-13b-1.1", 35.18, EXPLAINED), ("alpaca-7b", 23.75, EXPLAINED),
    ],
)  # fmt: skip
def test_english_averages_are_of_two_kinds(audited: list[Row], system: str, nine: float, verdict: str):
    row = find(audited, "english-average", system, "accuracy_pct")
    assert (round(row.reproduced or 0, 2), row.verdict) == (nine, verdict)
    assert row.kind == ("" if verdict == EQUAL else "rule of averaging")
    assert row.basis == (OUTPUTS if system in IN_REACH else "published cells")


@pytest.mark.mirror
def test_claims_are_computed_from_cells(audited: list[Row]):
    comet = find(audited, "wmt22, 4 directions", "bayling-13b relative to gpt-4", "comet_ratio_pct")
    assert (round(comet.reproduced or 0, 1), comet.verdict, comet.kind) == (95.5, EXPLAINED, "rule of rounding")
    judged = find(audited, "bayling-80", "bayling-13b relative to gpt-3.5-turbo", "judge_score_ratio_pct")
    assert (round(judged.reproduced or 0, 2), judged.verdict) == (89.21, EQUAL)
    assert round(judged.others["all 320 items pooled"].value, 2) == 89.23
    better = find(audited, "bayling-80", "bayling-13b relative to gpt-3.5-turbo", "better_pct")
    not_worse = find(audited, "bayling-80", "bayling-13b relative to gpt-3.5-turbo", "not_worse_pct")
    assert (better.verdict, not_worse.verdict) == (EQUAL, EQUAL)
    assert round(better.others["all 320 items"].value, 2) == 36.56
    assert not_worse.others["all 320 items"].value == 48.75


@pytest.mark.mirror
def test_second_place_holds_on_gaokao_but_not_on_the_english_table(audited: list[Row]):
    # By the README's own averages: GaoKao 43.87, 32.13, 31.83, …; English 49.30, 35.97 (Vicuna), 35.31 (BayLing-13B), …
    assert find(audited, "gaokao", "bayling-13b", "rank").reproduced == 2
    english = find(audited, "sat", "bayling-13b", "rank")
    assert (english.reproduced, english.verdict, english.kind) == (
        3, EXPLAINED, "claim of both tables together",
    )  # fmt: skip
    assert "Vicuna-13B 35.97, BayLing-13B 35.31" in next(
        found.note for label, found in english.others.items() if label.startswith("mean of 8")
    )


@pytest.mark.mirror
def test_outputs_that_are_not_here_are_explained_with_the_command_that_brings_them(audited: list[Row]):
    absent = [row for row in audited if row.kind == NOT_IN_REACH]
    assert Counter(row.figure.group for row in absent) == {"exams": 54, "judge": 24}
    row = find(audited, "aqua-rat", "bayling-7b", "accuracy_pct")
    assert row.command == "bayling-bench fetch published:bayling-7b"
    assert "at most 47" in row.evidence


def test_without_any_upstream_data_only_printed_cells_are_equal(monkeypatch, tmp_path):
    monkeypatch.delenv("BAYLING_BENCH_MIRROR", raising=False)
    monkeypatch.setenv("BAYLING_BENCH_DATA", str(tmp_path))
    audited = rows.audit(leaderboard.load("bayling_2023"))
    assert {row.basis for row in audited if row.verdict == EQUAL} == {"published cells"}
    assert rows.counts(audited)[DIFFERS] == 0
    assert f"of these {108 + 119 + 3} unchecked" in formats.summary(audited)


# --- it cannot be talked into a better verdict


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the board, to tamper with."""
    folder = tmp_path / "tampered"
    shutil.copytree(leaderboard.leaderboards_path() / "bayling_2023", folder)
    return folder


def tamper(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        # One item more.
        ("sat-math,bayling-13b,accuracy_pct,27.27,", "sat-math,bayling-13b,accuracy_pct,27.73,", {"no explanation"}),
        ("sat-math,bayling-13b,accuracy_pct,27.27,220", "sat-math,bayling-13b,accuracy_pct,27.27,221", {"other items"}),
        ("turn-zh,bayling-13b vs vicuna,win,58,", "turn-zh,bayling-13b vs vicuna,win,59,", {"no explanation"}),
        ("mean_score:common-sense,8.74,", "mean_score:common-sense,8.73,", {"false explanation"}),
        ("gpt-3.5-turbo,ranked_first_pct,50,", "gpt-3.5-turbo,ranked_first_pct,51,", {"false explanation"}),
        ("bayling-13b,comet_x100,77.72,1875", "bayling-13b,comet_x100,77.72,1874", {"false explanation"}),
        # Outputs of ChatGLM-6B are not in the mirror, but its printed average is made of its printed cells.
        ("chatglm-6b,accuracy_pct,52.29,", "chatglm-6b,accuracy_pct,53.29,", {"no explanation"}),
    ],
)  # fmt: skip
def test_a_tampered_figure_differs(mirror: Path, copy: Path, old: str, new: str, kinds: set[str]):
    tamper(copy, "figures.csv", old, new)
    audited = rows.audit(leaderboard.load(str(copy)))
    assert not rows.passed(audited)
    assert {row.kind for row in audited if row.verdict == DIFFERS} == kinds


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("english average of eight", "lsat-.+|logiqa-en", "lsat-.+|logiqa-zh"),  # another eight
        ("category scores off a chart", "within = 0.06", "within = 0.05"),
        ("95 cut off, not rounded", "cut_off = true", "cut_off = false"),
        ("human ranking", "sums_to = 100", "sums_to = 99"),
        ("human claim", "*human*", "*GPT4-REVIEW*"),
        ("second over both tables", "(gaokao|sat|aqua|lsat|logiqa)-.+", "sat-.+"),
    ],
)
def test_a_false_explanation_is_caught(mirror: Path, copy: Path, name: str, old: str, new: str):
    path = copy / "explanations.toml"
    before, marker, after = path.read_text(encoding="utf-8").partition(f'name = "{name}"')
    path.write_text(before + marker + after.replace(old, new, 1), encoding="utf-8")
    differing = [row for row in rows.audit(leaderboard.load(str(copy))) if row.verdict == DIFFERS]
    assert differing and {row.kind for row in differing} == {"false explanation"}
    assert f"{name!r} does not hold" in differing[0].reason


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("count", "published", "verdict"),
    [
        (HELD, "90.0", EXPLAINED),
        (HELD - 1, "90.0", DIFFERS),  # too few: more answers hold the right letter than the explanation says
        (HELD, "25.0", DIFFERS),  # true, but no reason: the file may well hold the published figure
    ],
)
def test_how_many_answers_hold_the_right_letter_is_counted(
    mirror: Path, copy: Path, count: int, published: str, verdict: str
):
    cell = "aqua-rat,bayling-13b,accuracy_pct,"
    tamper(copy, "figures.csv", f"{cell}22.83", f"{cell}{published}")
    tamper(copy, "explanations.toml", 'system = "bayling-7b"', 'system = "bayling-(7b|13b)"')
    tamper(copy, "explanations.toml", "count = 47", f"count = {count}")
    row = find(rows.audit(leaderboard.load(str(copy))), "aqua-rat", "bayling-13b", "accuracy_pct")
    assert row.verdict == verdict
    assert f"{HELD} of 254 answers hold the right letter" in row.found
