"""Samples, orders and failures become one outcome a question, and outcomes become numbers that hold no failure."""

from __future__ import annotations

from typing import Any

import pytest

from bayling_bench.judge import aggregate, bias, outcomes
from bayling_bench.judge.results import rankings


def judgement(question: int, order: int, scores: tuple[float, float] | None, **changes: Any) -> Any:
    names = ["a", "b"]
    verdict = None if scores is None else "win" if scores[0] > scores[1] else "lose" if scores[0] < scores[1] else "tie"
    made = {
        "task": "t", "item": question, "question_id": question, "category": "math", "language": "en",
        "turns": "singleturn", "judge": "j", "system1": "a", "system2": "b", "order": names[::-1] if order else names,
        "sample": 0, "scores": None if scores is None else list(scores), "verdict": verdict,
        "failure_kind": None if scores else "parse_failure", "lengths": [10, 20],
    }  # fmt: skip
    return made | changes


def outcome(*given: Any) -> outcomes.Outcome:
    (found,) = outcomes.collect(given)
    return found


def test_scores_are_averaged_over_samples_and_then_over_orders():
    found = outcome(
        judgement(1, 0, (8, 6)),
        judgement(1, 0, (9, 6), sample=1),
        judgement(1, 1, (7, 6)),
        judgement(1, 1, None, sample=1),
    )
    assert found.by_order == {0: (8.5, 6), 1: (7, 6)} and found.scores == (7.75, 6) and found.verdict == "win"


@pytest.mark.parametrize(
    ("first", "second", "verdict", "failure"),
    [
        ((8, 6), (7, 6), "win", None),
        ((6, 8), (5, 6), "lose", None),
        ((6, 6), (7, 7), "tie", None),
        ((8, 6), (6, 8), None, "order_disagreement"),
        ((8, 6), (6, 6), None, "order_disagreement"),
        ((8, 6), None, None, "parse_failure"),
        (None, None, None, "parse_failure"),
    ],
)
def test_a_win_only_where_both_orders_agree(first, second, verdict, failure):
    found = outcome(judgement(1, 0, first), judgement(1, 1, second))
    assert (found.verdict, found.failure) == (verdict, failure) and (found.scores is None) == (verdict is None)


def test_failures_are_counted_and_part_of_no_number():
    given = [judgement(1, 0, (8, 4)), judgement(2, 0, (6, 6)), judgement(3, 0, (2, 5)), judgement(4, 0, None)]
    found = aggregate.summary(outcomes.collect(given), 2)["overall"]
    assert {name: found[name] for name in ("items", "judged", "win", "tie", "lose", "sum1", "sum2", "failures")} == {
        "items": 4, "judged": 3, "win": 1, "tie": 1, "lose": 1, "sum1": 16, "sum2": 15,
        "failures": {"parse_failure": 1},
    }  # fmt: skip
    assert found["win_rate_pct"]["value"] == 50 and found["ratio_pct"]["value"] == pytest.approx(100 * 16 / 15)
    assert found["mean1"]["value"] == pytest.approx(16 / 3)


def test_nothing_judged_gives_no_number_and_no_error():
    summary = aggregate.summary(outcomes.collect([judgement(1, 0, None)]), 2)
    assert summary["overall"]["win_rate_pct"]["value"] is None and summary["tests"] == {}
    assert summary["overall"]["mean_ratio_of_tasks_pct"]["value"] is None
    collected = outcomes.collect([judgement(1, 0, None)])
    assert bias.length(collected)["length_controlled_win_rate_pct"]["value"] is None
    assert not bias.position(collected, [judgement(1, 0, None)])["measured"]


def test_the_mean_of_ratios_weighs_tasks_alike_and_the_pooled_ratio_by_score():
    given = [judgement(1, 0, (10, 5)), judgement(2, 0, (10, 5)), judgement(1, 0, (5, 10), task="u")]
    overall = aggregate.summary(outcomes.collect(given), 2)["overall"]
    assert overall["mean_ratio_of_tasks_pct"]["value"] == pytest.approx((200 + 50) / 2)
    assert overall["ratio_pct"]["value"] == pytest.approx(100 * 25 / 20)


def test_the_place_of_an_answer_and_chance_are_told_apart():
    given = []
    for question in range(8):
        # Shown first, either system gets two points more; the second sample of the first order turns the verdict round.
        given += [judgement(question, 0, (8, 6)), judgement(question, 0, (6, 8), sample=1)]
        given += [judgement(question, 1, (6, 8)), judgement(question, 1, (6, 8), sample=1)]
    found = bias.position(outcomes.collect(given), given)
    assert found["advantage"]["value"] == pytest.approx((0 + 2) / 2) and found["changed_by_chance_pct"] == 50
    assert found["changed_by_order_pct"] == 100


def test_all_wins_have_an_interval_that_is_no_point():
    given = [judgement(question, 0, (9, 3)) for question in range(10)]
    rate = aggregate.summary(outcomes.collect(given), 2)["overall"]["win_rate_pct"]
    assert rate["value"] == 100 and rate["low"] == pytest.approx(72.2, abs=0.1)  # Wilson for 10 of 10


def test_several_opponents_give_a_ranking_per_judge():
    def result(opponent: str, verdicts: str, snapshot: str = "s") -> dict:
        names = {"w": "win", "t": "tie", "l": "lose"}
        items = [{"question_id": n, "verdict": names.get(each)} for n, each in enumerate(verdicts)]
        return {
            "judge": {"spec": "openai:j", "base_url": "u", "snapshot": snapshot},
            "system1": {"name": "mine", "model": 1},
            "protocol": {"name": "p", "sha256": "x"}, "system2": {"name": opponent, "model": opponent}, "items": items,
        }  # fmt: skip

    (ranking,) = rankings([result("weak", "wwwl"), result("strong", "lllw-"), result("weak", "l", "other snapshot")])
    assert [each["name"] for each in ranking["systems"]] == ["strong", "mine", "weak"] and ranking["verdicts"] == 8
    strengths = {each["name"]: each["value"] for each in ranking["systems"]}
    assert strengths["mine"] / strengths["weak"] == pytest.approx(3)
    (ranking,) = rankings([result("weak", "ww"), result("strong", "lw")])
    assert ranking["systems"] == [] and "do not exist" in ranking["why_not"]


def test_a_ranking_tells_systems_by_what_they_are_and_not_by_their_labels():
    def result(one: dict, other: dict, verdicts: str) -> dict:
        items = [{"question_id": n, "verdict": {"w": "win", "l": "lose"}[each]} for n, each in enumerate(verdicts)]
        judge = {"spec": "openai:j", "base_url": "u", "snapshot": "s"}
        protocol = {"name": "p", "sha256": "x"}
        return {"judge": judge, "protocol": protocol, "system1": one, "system2": other, "items": items}

    mine, weak = {"name": "mine", "model": 1}, {"name": "run", "model": 2}
    strong = {"name": "run", "model": 3}
    found = [result(mine, weak, "wwwl"), result(mine, strong, "lllw"), result(mine | {"name": "mine (1)"}, weak, "wl")]
    (ranking,) = rankings(found)
    names = [each["name"] for each in ranking["systems"]]
    assert names[1] == "mine" and names[0].startswith("run (") and names[2].startswith("run (") and len(names) == 3
