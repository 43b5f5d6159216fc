"""Constraint satisfaction against the counts of the published outputs, and echoes against hand-written cases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bayling_bench.scoring import constraints

EXPECTED = json.loads((Path(__file__).parents[1] / "expected" / "reproduced_from_outputs.json").read_text())


def outputs(mirror: Path, system: str, direction: str, prompt: str) -> list[dict]:
    target = direction.split("-")[1]
    suffix = "" if prompt == "default" else f".{prompt}"
    root = next((mirror / "ictnlp/BayLing").iterdir()) / "exp/constrained_translation"
    text = (root / system / f"hypo.{direction}.{target}{suffix}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


@pytest.mark.mirror
@pytest.mark.parametrize(
    "row", EXPECTED["constrained"], ids=lambda row: f"{row['system']}-{row['direction']}-{row['prompt']}"
)
def test_published_outputs(mirror: Path, row: dict):
    items = outputs(mirror, row["system"], row["direction"], row["prompt"])
    flags = [constraints.satisfied(item["hypo"], item["constraint"]) for item in items]
    assert len(flags) == row["items"]
    assert sum(len(item) for item in flags) == row["constraints"]
    assert sum(sum(item) for item in flags) == row["satisfied"]
    assert round(100 * constraints.micro(flags), 2) == row["csr_micro"]
    assert round(100 * constraints.macro(flags), 2) == row["csr_macro"]
    assert round(len(flags) * constraints.whole_item(flags)) == row["items_all_satisfied"]


def test_exact_and_case_sensitive():
    assert constraints.satisfied("Is it his?", ["Is", "is", "IS"]) == [True, True, False]


def test_aggregates_by_hand():
    flags = [[True], [True, False, False], [False, False]]
    assert constraints.micro(flags) == 2 / 6
    assert constraints.macro(flags) == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert constraints.whole_item(flags) == 1 / 3


def test_nothing_to_aggregate_is_no_score():
    for aggregate in (constraints.micro, constraints.macro, constraints.whole_item):
        with pytest.raises(ValueError, match="unscored"):
            aggregate([])


@pytest.mark.parametrize(
    ("hypothesis", "given"),
    [
        ("The bridge is closed. Make sure to include these words: bridge", ["bridge"]),
        ("A translation with the inclusion of the words 'old bridge': The old bridge.", ["old bridge"]),
        ('The words "old" and "bridge" have been included as requested.', ["old", "bridge"]),
        ("旧桥关闭了。请确保包括这些词：旧桥、关闭。", ["旧桥", "关闭"]),
        ("确保包含以下词语：旧桥", ["旧桥"]),
        ("舊橋關閉了。確保包含這些詞：舊橋", ["舊橋"]),
        ("bridge closed, until spring, by hand", ["bridge closed", "until spring", "by hand"]),
        ("The bridge is shut. Old bridge, by hand.", ["old bridge", "by hand"]),
        ("旧桥, 春天", ["旧桥", "春天"]),
    ],
)
def test_echo(hypothesis: str, given: list[str]):
    assert constraints.echoes(hypothesis, given)


@pytest.mark.parametrize(
    ("hypothesis", "given"),
    [
        ("The old bridge stays closed until spring.", ["old bridge", "until spring"]),
        ("After the flood, the old bridge, until spring, stays closed.", ["old bridge", "until spring"]),
        ("A sign with the words 'no entry' stood there, please include a photo.", ["no entry"]),
        ("bridge", ["bridge"]),  # of a single constraint nobody can tell
        ("费用包括早餐，这些词典很旧。", ["早餐"]),
        ("春天之前，旧桥一直关闭。", ["旧桥", "春天"]),
    ],
)
def test_no_echo(hypothesis: str, given: list[str]):
    assert not constraints.echoes(hypothesis, given)


@pytest.mark.mirror
@pytest.mark.parametrize("direction", ["zh-en", "en-zh"])
def test_references_are_hardly_ever_echoes(mirror: Path, direction: str):
    items = outputs(mirror, "bayling-13b", direction, "default")
    assert sum(constraints.echoes(item["tgt"], item["constraint"]) for item in items) <= 1


@pytest.mark.mirror
def test_vicunas_echoes_are_found(mirror: Path):
    """Its Chinese-prompt outputs repeat "确保包含" word for word in 17.7 % of all items (by grep)."""
    items = outputs(mirror, "vicuna-13B-1.1", "en-zh", "zh_prompt")
    literal = [item for item in items if "确保包含" in item["hypo"]]
    assert len(literal) == 360
    found = sum(constraints.echoes(item["hypo"], item["constraint"]) for item in literal)
    assert found / len(literal) > 0.9
