"""What the authors published, in the report: outputs item by item and GPT-4's reviews, against the printed figures."""

from __future__ import annotations

import csv
from collections import Counter

import pytest

from bayling_bench import leaderboard
from bayling_bench.report import board_items, items, judged
from bayling_bench.report.cells import Cell
from bayling_bench.report.packing import packed, unpacked
from bayling_bench.report.places import Place

pytestmark = pytest.mark.mirror


@pytest.fixture(scope="module")
def board(mirror):
    return leaderboard.load("bayling_2023")


@pytest.fixture(scope="module")
def printed():
    """The published figures, as the paper and the README of its release print them."""
    with (leaderboard.leaderboards_path() / "bayling_2023" / "figures.csv").open(encoding="utf-8") as file:
        return {(row["task"], row["system"], row["metric"]): float(row["value"]) for row in csv.DictReader(file)}


@pytest.mark.parametrize("system", ["bayling-13b", "gpt-3.5-turbo", "vicuna-13b-1.1"])
def test_exam_items_add_up_to_the_printed_accuracy(board, printed, system):
    states = ["labels:head", "labels:2023-06"]
    part = board_items.part(board, system, "gaokao_biology", states)
    assert part is not None
    right = [item.columns["acc|labels:2023-06"] for item in part.items]
    assert len(right) == 210
    assert round(100 * sum(right) / 210, 2) == printed["gaokao-biology", system, "accuracy_pct"]
    for item in part.items:
        read, label = item.columns["read|paper"], item.references[0]
        assert item.columns["acc"] == int(read == label)
        assert ("unparsed" in item.flags) == (item.columns["read|strict"] is None)


def test_translations_carry_source_references_scores_and_flags(board):
    part = board_items.part(board, "vicuna-13b-1.1", "wmt22_de_fr", [""])
    assert part is not None
    found = list(part.items)
    assert len(found) == 1984
    assert all(0 <= item.columns["chrf"] <= 100 and item.doc["source"] and item.references for item in found)
    wrong = sum("wrong_language" in item.flags for item in found)
    assert 0.5 < wrong / 1984 < 0.7  # 60.0 % in RANKINGS.md
    table = items.table("wmt22_de_fr", [part], 30)
    (chunk,) = unpacked(packed(list(items.chunks(table, shared=False))))
    assert chunk["users"]["before"] == "Provide the French translation for this sentence: "
    assert [
        item[4][0] if isinstance(item[4][0], str) else item[4][0]["turns"][0]["response"] for item in chunk["items"]
    ] == [item.turns[0]["response"] for item in found[:30]]


def test_what_is_not_on_this_machine_has_no_items(board):
    assert board_items.part(board, "gpt-4", "wmt22_zh_en", [""]) is None
    assert board_items.part(board, "nllb-3.3b", "gaokao_biology", ["labels:head"]) is None


def test_reviews_stand_with_the_answers_of_both_systems(board, printed):
    outcomes, categories = judged.of_reviews()
    assert len(outcomes) == 4 * len({row["opponent"] for row in outcomes}) >= 8  # two opponents are in the mirror
    names = {"alpaca-7b": "alpaca", "chatglm-6b": "chatglm", "vicuna-13b-1.1": "vicuna"}
    for row in outcomes:
        _, language, turns = row["task"].split("_")
        task = f"bayling-80-{turns}turn-{language}"
        system = f"bayling-13b vs {names.get(row['opponent'], row['opponent'])}"
        assert [row[name] for name in ("win", "tie", "lose")] == [
            printed[task, system, name] for name in ("win", "tie", "lose")
        ]
    assert {len(row["values"]) for row in categories} == {9}
    part = board_items.part(board, "gpt-3.5-turbo", "bayling80_zh_multi", [""])
    assert part is not None
    verdicts = [verdict for item in part.items for verdict in item.more["verdicts"]]
    found = Counter(verdict["verdict"] for verdict in verdicts)
    of_bayling = printed["bayling-80-multiturn-zh", "bayling-13b vs gpt-3.5-turbo", "win"]
    assert found["lose"] == of_bayling and {verdict["order"] for verdict in verdicts} == {"second"}
    assert all(
        len(item.turns) == 2 and len(verdict["evidence"]) > 20 for item in part.items for verdict in verdicts[:3]
    )


def test_one_set_of_answers_serves_both_states_of_the_labels(board):
    cells = {
        ("bayling-13b", place): Cell(system="bayling-13b", place=place, source="reproduced", value=1.0)
        for place in (
            Place("gaokao", "gaokao_physics", "acc", "labels:2023-06"),
            Place("gaokao", "gaokao_physics", "acc_strict", "labels:head"),
            Place("wmt22", "wmt22_zh_en", "bleu"),
            Place("wmt22", "wmt22_zh_en", "bleu", "prompt:zh"),
        )
    }
    plan = board_items.parts_of(board, cells)
    assert plan["gaokao_physics"] == [("bayling-13b", ["labels:head", "labels:2023-06"])]
    assert plan["wmt22_zh_en"] == [("bayling-13b", [""]), ("bayling-13b", ["prompt:zh"])]
    assert {"gpt-3.5-turbo", "chatglm-6b"} <= {system for system, _ in plan["bayling80_en_single"]}
