"""The transfer experiment: what its arms have in common and what not, a run of two steps, and its figures."""

from __future__ import annotations

import importlib.util
import json
import random
from pathlib import Path

import pytest

from reference_model.errors import TrainingError
from reference_model.experiments import transfer
from reference_model.experiments.transfer import ARMS, Plan
from reference_model.miniature import dataset

SCRIPT = Path(__file__).parents[2] / "examples" / "transfer.py"


@pytest.fixture(scope="module")
def figures():
    """The module of the script."""
    spec = importlib.util.spec_from_file_location("transfer_figures", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_arms_share_the_english_half_and_have_equally_many_tokens(tmp_path):
    cards, halves = {}, {}
    for arm in ARMS:
        plan = dataset.Plan(tokens=8000, seed=3, shares=transfer.shares(arm))
        cards[arm] = dataset.write(plan, tmp_path / arm)
        lines = (tmp_path / arm / "conversations.jsonl").read_text(encoding="utf-8").splitlines()
        first = cards[arm]["shares"][0]["counts"]["conversations"]
        halves[arm] = lines[:first], lines[first:]
    assert all(halves[arm][0] == halves["english"][0] for arm in ARMS)
    assert all(abs(card["tokens"] - 8000) < 200 for card in cards.values())
    assert halves["english"][0][:50] != halves["english"][1][:50]
    told = {
        arm: [(share["kind"], sorted(share["languages"])) for share in card["shares"]] for arm, card in cards.items()
    }
    assert {tuple(first[1]) for first, _ in told.values()} == {("en",)}
    assert [told[arm][1] for arm in ("english", "all")] == [("instructions", ["en"]), ("instructions", ["de", "zh"])]
    for arm in ("single", "interactive"):
        assert not any('"source": "miniature instructions"' in line for line in halves[arm][1])
    assert not any("\u4e00" <= sign <= "\u9fff" for line in halves["interactive"][0] for sign in line)


@pytest.mark.slow
def test_a_run_answers_every_question_once_and_is_not_done_again(tmp_path):
    plan = Plan(steps=2, questions=1)
    transfer._check_plan(tmp_path, plan)
    transfer.run_one(tmp_path, "interactive", 1, plan)
    path = tmp_path / "interactive-1" / "answers.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    asked = transfer.read_questions(tmp_path)
    assert sorted(row["id"] for row in rows) == sorted(one.id for one in asked)
    assert len(asked) == 3 * len(transfer.FAMILIES) + 2 * 4 and {row["arm"] for row in rows} == {"interactive"}
    assert next(one.right for one in asked if one.id == "de/repeat/0")[0].count(",") == 2
    before = path.stat().st_mtime_ns
    transfer.run_one(tmp_path, "interactive", 1, plan)
    assert path.stat().st_mtime_ns == before
    with pytest.raises(TrainingError, match="another plan"):
        transfer._check_plan(tmp_path, Plan(steps=3, questions=1))


def made_up_answers(seeds: int, chances: dict[str, float]) -> list[dict]:
    """Answers in which each arm is right so often, the same questions for all."""
    draw = random.Random(0)
    return [
        {"arm": arm, "seed": seed, "id": f"{language}/{family}/{number}", "language": language, "family": family,
         "answer": "", "right": int(draw.random() < (0.9 if language == "en" else chances[arm]))}
        for arm in ARMS for seed in range(1, seeds + 1) for language in ("en", "zh", "de", "")
        for family in (("translation", "interactive") if not language else ("who", "negate")) for number in range(30)
    ]  # fmt: skip


def test_figures_have_exact_tests_over_seeds(figures, tmp_path, monkeypatch, capsys):
    """Six seeds that all favour one arm: of the 2^6 ways to swap arms within seeds two are as extreme, p = 2 / 64."""
    chances = {"english": 0.1, "single": 0.3, "interactive": 0.7, "all": 0.95}
    rows = made_up_answers(6, chances)
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr("sys.argv", ["transfer.py", str(tmp_path)])
    figures.main()
    told = json.loads((tmp_path / "figures.json").read_text())
    assert [test["seeds"]["p"] for test in told["tests"]] == [2 / 64] * 3
    assert [test["seeds"]["p_holm"] for test in told["tests"]] == [6 / 64] * 3  # Holm: the smallest times three
    assert told["tests"][0]["questions"]["p"] < 0.001
    both = told["groups"]["zh+de"]["arms"]
    for arm, chance in chances.items():
        assert both[arm]["mean"] == pytest.approx(chance, abs=0.05) and len(both[arm]["seeds"]) == 6
        assert both[arm]["interval"][0] <= both[arm]["mean"] <= both[arm]["interval"][1]
    assert told["tests"][0]["difference"] == pytest.approx(both["interactive"]["mean"] - both["single"]["mean"])
    assert told["groups"]["zh+de changes"]["questions"] == 60  # negate, in two languages
    out = capsys.readouterr().out
    assert out.startswith("| right answers, % |") and "interactive - single" in out
    assert "<svg" in (tmp_path / "figures.svg").read_text()


def test_missing_answers_are_no_wrong_answers(figures):
    rows = made_up_answers(2, dict.fromkeys(ARMS, 0.5))
    with pytest.raises(AssertionError, match="missing"):
        figures.right(rows[:-1], "interactive")
