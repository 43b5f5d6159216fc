"""`compare`: values, tests and flips of two run folders, and what it refuses; all runs and texts here are ours."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU

from bayling_bench import compare, record
from bayling_bench.compare import Options
from bayling_bench.config import NGRAM_METRICS, RunConfig, Shard
from bayling_bench.errors import BenchError, RunError
from bayling_bench.scoring import translation

SENTENCES = [
    "the ferry to the island was cancelled because of the storm",
    "our neighbour sold the old piano to a school last week",
    "the museum opens an hour later on the first day of the week",
    "she asked the clerk twice before he looked up from his desk",
    "the price of onions has doubled again within a single month",
]
SHA = "0a" * 32
SIGNATURE = {"bleu": "tok:13a|version:2.6.0", "acc": "rule:paper|labels:head", "wrong_language": "lid:lid.176"}
FAST = Options(resamples=200)


def translated(index: int, keep: float, generator: np.random.Generator) -> dict[str, Any]:
    reference = SENTENCES[index % 5]
    output = " ".join(word for word in reference.split() if generator.random() < keep)
    (row,) = translation.segment_statistics("bleu", "en", [output], [[reference]])
    return {
        "doc": {"source": f"source {index}"},
        "references": [reference],
        "turns": [{"user": f"Translate: source {index}", "response": output}],
        "scores": {"bleu": round(translation.sentence_score("bleu", row), 4)},
        "statistics": {"bleu": row, "wrong_language": int(keep < 0.1)},
    }


def answered(index: int, right: int, passage: str | None = None) -> dict[str, Any]:
    return {
        "doc": {"passage": passage, "question": f"question {index}"},
        "references": ["C"],
        "turns": [{"user": f"question {index}", "response": "C" if right else "A"}],
        "scores": {"acc": right},
        "statistics": {},
    }


def settings(name: str, tasks: list[str]) -> dict[str, Any]:
    return {
        "schema": 1,
        "model": {"name": name},
        "options": {"prompt_form": "en", "reference_set": "A", "label_state": "head"},
        "tasks": [{"name": task, "version": 1.0} for task in tasks],
        "data": [{"file": f"owner/repository/{SHA[:40]}/test.txt", "sha256": SHA}],
    }


def write(folder: Path, rows: dict[str, list[dict[str, Any]]], /, *, done: bool = True, **changed: Any) -> record.Run:
    """Write a run folder and return it as the harness reads it."""
    scores = {}
    for task, items in rows.items():
        for index, item in enumerate(items):
            item |= {"item": f"{task}/{index}", "index": index, "unscored": None} | item
        counted = [{**item["scores"], **item["statistics"]} for item in items]
        names = [name for name in SIGNATURE if any(name in values for values in counted)]
        scores[task] = {"metrics": {name: {"signature": SIGNATURE[name]} for name in names}}
        record.write_lines(folder / "items" / f"{task}.jsonl", items)
    record.write_json(folder / "run.json", settings(folder.name, list(rows)) | changed)
    record.write_json(folder / "scores.json", {"schema": 1, "tasks": scores})
    if done:
        record.write_text(folder / "done", "")
    return record.load(folder)


def translations(folder: Path, keep: float, items: int = 60, **changed: Any) -> record.Run:
    generator = np.random.default_rng(int(100 * keep))
    return write(folder, {"task": [translated(index, keep, generator) for index in range(items)]}, **changed)


def exam(folder: Path, answers: list[int], **changed: Any) -> record.Run:
    return write(folder, {"task": [answered(index, right) for index, right in enumerate(answers)]}, **changed)


def only_row(comparison: compare.Comparison, metric: str) -> compare.Row:
    (row,) = [row for row in comparison.rows if row.metric == metric]
    return row


# ---- values and tests


def test_translations_are_compared_by_sacrebleus_scores(tmp_path: Path):
    runs = [translations(tmp_path / name, keep) for name, keep in (("a", 0.8), ("b", 0.9))]
    expected = []
    for run in runs:
        items = list(run.items("task"))
        outputs = [item["turns"][0]["response"] for item in items]
        expected.append(BLEU().corpus_score(outputs, [[item["references"][0] for item in items]]).score)
    row = only_row(compare.compare(*runs, FAST), "bleu")
    assert (row.value_a, row.value_b) == pytest.approx(tuple(expected))
    assert row.difference == pytest.approx(expected[1] - expected[0])
    assert row.low is not None and row.high is not None
    assert row.low < row.difference < row.high
    assert (row.n, row.units, row.better) == (60, 60, "b")


def test_accuracy_is_mcnemars_exact_test(tmp_path: Path):
    """7 gained and 2 lost: p = 0.1796875 by statsmodels 0.15.0, mcnemar([[30, 7], [2, 54]], exact=True)."""
    first = exam(tmp_path / "a", [0] * 7 + [1] * 2 + [1] * 30 + [0] * 54)
    second = exam(tmp_path / "b", [1] * 7 + [0] * 2 + [1] * 30 + [0] * 54)
    row = only_row(compare.compare(first, second, FAST), "acc")
    assert row.p_randomization == row.p_holm == pytest.approx(0.1796875)
    assert (row.value_a, row.value_b) == pytest.approx((3200 / 93, 3700 / 93))
    assert (row.gained, row.lost, row.better) == (7, 2, None)


def test_items_of_a_passage_go_together(tmp_path: Path):
    """Two passages with five gained items each: swapped whole, all four swaps but two are smaller, so p = 1/2."""
    runs = [
        write(tmp_path / name, {"task": [answered(index, right, f"passage {index // 5}") for index in range(10)]})
        for name, right in (("a", 0), ("b", 1))
    ]
    row = only_row(compare.compare(*runs, FAST), "acc")
    assert (row.n, row.units, row.p_randomization) == (10, 2, 0.5)
    assert "10 (2 passages)" in compare.to_text(compare.compare(*runs, FAST))


def test_holm_counts_every_test_of_the_table(tmp_path: Path):
    answers = {"one": ([0] * 6, [1] * 6), "two": ([0, 1] * 6, [1, 1] * 6), "three": ([1], [1])}
    runs = [
        write(
            tmp_path / name,
            {
                task: [answered(index, right) for index, right in enumerate(columns[side])]
                for task, columns in answers.items()
            },
        )
        for side, name in enumerate("ab")
    ]
    rows = compare.compare(*runs, FAST).rows
    assert [row.p_randomization for row in rows] == [2 / 2**6, 2 / 2**6, 1]
    assert [row.p_holm for row in rows] == [3 * 2 / 2**6, 3 * 2 / 2**6, 1]


def test_lower_is_better_for_faults_and_they_are_not_tested(tmp_path: Path):
    first, second = translations(tmp_path / "a", 0.05), translations(tmp_path / "b", 0.9)
    row = only_row(compare.compare(first, second, FAST), "wrong_language")
    assert (row.value_a, row.value_b, row.difference) == (100, 0, -100)
    assert (row.p_randomization, row.p_holm, row.better) == (None, None, None)


def test_items_that_one_run_left_unscored_are_left_out_of_both(tmp_path: Path):
    first, second = exam(tmp_path / "a", [1, 0, 1, 1]), [answered(index, 1) for index in range(4)]
    second[0] |= {"scores": {}, "turns": []}
    row = only_row(compare.compare(first, write(tmp_path / "b", {"task": second}), FAST), "acc")
    assert (row.n, row.value_a, row.value_b) == (3, pytest.approx(200 / 3), 100)
    assert row.note == "1 items that one run alone scored are left out"


def test_seed_decides(tmp_path: Path):
    runs = translations(tmp_path / "a", 0.8), translations(tmp_path / "b", 0.81)
    first = compare.compare(*runs, Options(resamples=200, seed=1))
    assert first == compare.compare(*runs, Options(resamples=200, seed=1))
    assert first.rows != compare.compare(*runs, Options(resamples=200, seed=2)).rows


# ---- degenerate runs


def no_nan(comparison: compare.Comparison) -> bool:
    texts = [form(comparison) for form in (compare.to_text, compare.to_markdown, compare.to_csv, compare.to_json)]
    return not any("nan" in text.lower() or "inf" in text.lower() for text in texts)


@pytest.mark.parametrize("answers", [[1] * 20, [0] * 20, [1, 0] * 10])
def test_equal_runs(tmp_path: Path, answers: list[int]):
    found = compare.compare(exam(tmp_path / "a", answers), exam(tmp_path / "b", answers), FAST)
    (row,) = found.rows
    assert (row.difference, row.low, row.high, row.p_randomization, row.p_holm) == (0, 0, 0, 1, 1)
    assert (row.better, row.detectable, row.gained, row.lost) == (None, None, 0, 0)
    assert not found.flips
    assert no_nan(found)


def test_one_item(tmp_path: Path):
    found = compare.compare(exam(tmp_path / "a", [0]), exam(tmp_path / "b", [1]), FAST)
    (row,) = found.rows
    assert (row.difference, row.low, row.high, row.p_bootstrap, row.p_randomization) == (100, None, None, None, 1)
    assert no_nan(found)


def test_empty_outputs(tmp_path: Path):
    found = compare.compare(translations(tmp_path / "a", 0.0), translations(tmp_path / "b", 0.0, items=60), FAST)
    row = only_row(found, "bleu")
    assert (row.value_a, row.value_b, row.difference, row.p_randomization) == (0, 0, 0, 1)
    assert no_nan(found)


def test_no_item_scored(tmp_path: Path):
    items = [[answered(0, 1)], [answered(0, 1)]]
    runs = [write(tmp_path / name, {"task": rows}) for name, rows in zip("ab", items, strict=True)]
    for run, (item,) in zip(runs, items, strict=True):
        record.write_lines(run.folder / "items" / "task.jsonl", [item | {"scores": {}, "turns": []}])
    with pytest.raises(RunError, match=r"nothing to compare \(no item is scored in both\)"):
        compare.compare(*runs, FAST)


def test_runs_without_scores_or_items(tmp_path: Path):
    whole, empty = exam(tmp_path / "a", [1, 0]), exam(tmp_path / "b", [1, 0])
    (empty.folder / "items" / "task.jsonl").unlink()
    with pytest.raises(RunError, match=r"b holds no items of task. `bayling-bench score"):
        compare.compare(whole, empty, FAST)
    (empty.folder / "scores.json").unlink()
    with pytest.raises(RunError, match=r"b has no scores. `bayling-bench score"):
        compare.compare(whole, empty, FAST)


def test_runs_without_a_common_task(tmp_path: Path):
    first = write(tmp_path / "a", {"one": [answered(0, 1)]})
    second = write(tmp_path / "b", {"two": [answered(0, 1)]})
    with pytest.raises(RunError, match=r"nothing to compare \(one: only in .*a; two: only in .*b\)"):
        compare.compare(first, second, FAST)


def test_tasks_of_one_run_are_named(tmp_path: Path):
    first = write(tmp_path / "a", {"one": [answered(0, 1)], "two": [answered(0, 1)]})
    second = write(tmp_path / "b", {"two": [answered(0, 1)]})
    found = compare.compare(first, second, FAST)
    assert [row.task for row in found.rows] == ["two"]
    assert found.left_out == (f"one: only in {tmp_path / 'a'}",)
    assert f"Left out: one: only in {tmp_path / 'a'}" in compare.to_text(found)


@pytest.mark.parametrize("wrong", [{"resamples": 0}, {"flips": -1}])
def test_options_out_of_range(wrong: dict[str, int]):
    with pytest.raises(BenchError, match=f"--{next(iter(wrong))}"):
        Options(**wrong)  # type: ignore[arg-type]


# ---- what is refused


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"options": {"prompt_form": "zh", "reference_set": "A", "label_state": "head"}}, r"prompt form .*: en and zh"),
        (
            {"options": {"prompt_form": "en", "reference_set": "all", "label_state": "head"}},
            r"references .*: A and all",
        ),
        ({"options": {"prompt_form": "en", "reference_set": "A", "label_state": "2023-06"}}, r"labels .*head and 2023"),
        (
            {"data": [{"file": f"owner/repository/{'1b' * 20}/test.txt", "sha256": "1b" * 32}]},
            "data: owner/repository/test.txt has sha256 0a0a0a0a0a0a and 1b1b1b1b1b1b",
        ),
        ({"tasks": [{"name": "task", "version": 2.0}]}, "version of task: 1.0 and 2.0"),
        ({"done": False}, "b is unfinished .*run --resume"),
    ],
)
def test_runs_of_other_settings_are_refused(tmp_path: Path, changed: dict[str, Any], message: str):
    first, second = exam(tmp_path / "a", [1, 0, 1]), exam(tmp_path / "b", [0, 0, 1], **changed)
    with pytest.raises(RunError, match=rf"(?s)cannot be compared as they are.*{message}.*--force"):
        compare.compare(first, second, FAST)
    forced = compare.compare(first, second, Options(force=True, resamples=50))
    assert only_row(forced, "acc").difference == pytest.approx(-100 / 3)
    assert len(forced.overlooked) == 1
    assert "Overlooked by --force" in compare.to_text(forced)


def test_everything_that_differs_is_named_at_once(tmp_path: Path):
    first = exam(tmp_path / "a", [1, 0, 1])
    options = {"prompt_form": "zh", "reference_set": "all", "label_state": "head"}
    second = exam(tmp_path / "b", [1, 0], options=options, done=False)
    with pytest.raises(RunError) as caught:
        compare.compare(first, second, FAST)
    for part in ("unfinished", "prompt form", "references", "items of task: 3 and 2, of which 2 are the same"):
        assert part in str(caught.value)


def test_other_items_are_refused(tmp_path: Path):
    first, second = exam(tmp_path / "a", [1, 0, 1]), exam(tmp_path / "b", [1, 0])
    with pytest.raises(RunError, match="items of task: 3 and 2, of which 2 are the same"):
        compare.compare(first, second, FAST)
    assert only_row(compare.compare(first, second, Options(force=True)), "acc").n == 2


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("doc", {"passage": None, "question": "another"}, "data: task/1 has another document or reference"),
        ("references", ["B"], "data: task/1 has another document or reference"),
        ("turns", [{"user": "Please: question 1", "response": "A"}], "prompts: task/1 was asked in other words"),
    ],
)
def test_other_data_in_the_items_is_refused(tmp_path: Path, place: str, value: Any, message: str):
    items = [answered(index, 1) for index in range(3)]
    items[1][place] = value
    first, second = exam(tmp_path / "a", [1, 1, 1]), write(tmp_path / "b", {"task": items})
    with pytest.raises(RunError, match=message):
        compare.compare(first, second, FAST)


def test_other_signatures_are_refused(tmp_path: Path):
    first, second = exam(tmp_path / "a", [1, 0]), exam(tmp_path / "b", [1, 0])
    scores = second.scores
    scores["tasks"]["task"]["metrics"]["acc"]["signature"] = "rule:paper|labels:2023-06"
    record.write_json(second.folder / "scores.json", scores)
    with pytest.raises(RunError, match=r"signature of task acc: rule:paper\|labels:head and rule:paper\|labels:2023"):
        compare.compare(first, second, FAST)


# ---- flips and renderings


def test_flipped_items_are_listed_with_both_outputs(tmp_path: Path):
    first, second = exam(tmp_path / "a", [1, 0, 1, 1, 0]), exam(tmp_path / "b", [0, 1, 1, 0, 1])
    found = compare.compare(first, second, Options(resamples=50, flips=1))
    assert [(flip.item, flip.score_a, flip.score_b) for flip in found.flips] == [("task/0", 1, 0), ("task/1", 0, 1)]
    assert (found.flips[0].outputs_a, found.flips[0].outputs_b) == (("C",), ("A",))
    assert (found.rows[0].gained, found.rows[0].lost) == (2, 2)
    assert not compare.compare(first, second, Options(resamples=50, flips=0)).flips


def test_an_item_is_listed_once(tmp_path: Path):
    runs = []
    for name, right in (("a", 0), ("b", 1)):
        item = answered(0, right)
        item["scores"]["constraint_all"] = right
        run = write(tmp_path / name, {"task": [item]})
        scores = run.scores
        scores["tasks"]["task"]["metrics"]["constraint_all"] = {"signature": "match:exact"}
        record.write_json(run.folder / "scores.json", scores)
        runs.append(run)
    found = compare.compare(*runs, FAST)
    assert [row.gained for row in found.rows] == [1, 1]
    assert [flip.item for flip in found.flips] == ["task/0"]


def test_largest_differences_of_sentences_come_first(tmp_path: Path):
    runs = translations(tmp_path / "a", 0.7), translations(tmp_path / "b", 0.8)
    found = compare.compare(*runs, Options(resamples=50, flips=3)).flips
    scores = [[item["scores"]["bleu"] for item in run.items("task")] for run in runs]
    gains = sorted(second - first for first, second in zip(*scores, strict=True))
    assert [flip.score_b - flip.score_a for flip in found] == gains[:3] + gains[:-4:-1]


def test_renderings_agree(tmp_path: Path):
    found = compare.compare(translations(tmp_path / "a", 0.8), translations(tmp_path / "b", 0.9), FAST)
    row = only_row(found, "bleu")
    read = {line["metric"]: line for line in csv.DictReader(io.StringIO(compare.to_csv(found)))}
    assert float(read["bleu"]["difference"]) == row.difference
    assert read["wrong_language"]["p_holm"] == ""
    assert json.loads(compare.to_json(found))["rows"][0]["p_holm"] == row.p_holm
    for text in (compare.to_text(found), compare.to_markdown(found)):
        assert f"{row.difference:+.2f}" in text
        assert f"[{row.low:.1f}, {row.high:.1f}]" in text
        assert "wrong language" not in text  # neither run has any
    assert compare.to_markdown(found).startswith("| task | metric | A | B |")


def test_faults_of_one_run_are_shown(tmp_path: Path):
    found = compare.compare(translations(tmp_path / "a", 0.05), translations(tmp_path / "b", 0.9), FAST)
    assert ["wrong", "language", "%", "100.00", "0.00", "-100.00"] in [
        line.split()[1:7] for line in compare.to_text(found).split("\n")
    ]


def test_outputs_cannot_act_in_a_terminal_or_in_markdown(tmp_path: Path):
    hostile = "\x1b[31m</code>```\n# heading ![](x)\n"
    items = [answered(0, 1)]
    items[0]["turns"][0]["response"] = hostile
    first, second = write(tmp_path / "a", {"task": items}), exam(tmp_path / "b", [0])
    found = compare.compare(first, second, FAST)
    assert found.flips[0].outputs_a == (hostile,)
    for text in (compare.to_text(found), compare.to_markdown(found), compare.to_json(found), compare.to_csv(found)):
        assert "\x1b" not in text
    (line,) = [line for line in compare.to_markdown(found).split("\n") if "# heading" in line]
    assert line.startswith("    A: ")


@pytest.mark.slow
@pytest.mark.mirror
def test_published_systems_compare_by_their_own_scores(tmp_path: Path, mirror: Path):
    from bayling_bench import run as runs

    loaded = []
    for system in ("vicuna-13b-1.1", "bayling-13b"):
        config = RunConfig(model=f"published:{system}", tasks=("wmt22_zh_en",), metrics=NGRAM_METRICS[:2])
        loaded.append(runs.run(config, tmp_path / system, Shard(), runs.Caller()).run)
    found = compare.compare(*loaded)
    for metric in ("bleu", "chrf"):
        row = only_row(found, metric)
        values = [run.scores["tasks"]["wmt22_zh_en"]["metrics"][metric]["value"] for run in loaded]
        assert (row.value_a, row.value_b) == pytest.approx(tuple(values))
        assert row.n == 1875
        assert row.better == "b"
    assert no_nan(found)


# ---- what a judge said


def judged(run: record.Run, scores: list[float | None], snapshot: str = "gpt-x-1", **changed: Any) -> record.Run:
    """Write the results of a judging beside a run, in the form of ``judge.results``; None is a failure."""
    results = {
        "schema": 1,
        "judge": {"spec": "openai:gpt-x", "base_url": "http://localhost/v1", "snapshot": snapshot},
        "protocol": {"name": "balanced", "sha256": SHA},
        "signature": f"judge:{snapshot}|protocol:balanced.1",
        "system2": {"name": "gpt-3.5-turbo"},
        "items": [
            {"task": "talk", "item": f"talk/{place}", "question_id": place // 2, "scores": score and [score, 5.0]}
            for place, score in enumerate(scores)
        ],
    }
    record.write_json(run.folder / "judgements" / "balanced.json", results | changed)
    return run


def test_a_judges_scores_are_compared_by_question(tmp_path: Path):
    answers = [1, 0] * 10
    first = judged(exam(tmp_path / "a", answers), [6.0, 7.0, 5.5, None, *[8.0, 6.0] * 8])
    second = judged(exam(tmp_path / "b", answers), [7.0, 7.0, 6.5, 9.0, *[8.5, 7.0] * 8])
    row = only_row(compare.compare(first, second, FAST), "judge_score")
    assert (row.task, row.n, row.units, row.unit) == ("talk", 19, 10, "points")  # two answers a question
    assert row.value_a == pytest.approx((6 + 7 + 5.5 + 14 * 8) / 19)
    assert row.difference == pytest.approx((1 + 1 + 1.5 * 8) / 19)
    assert (row.gained, row.lost, row.better) == (18, 0, "b") and "1 questions without a score" in row.note
    assert row.p_randomization == 2 / 2**10  # every question is better or equal in b: two of all swaps are as extreme
    text = compare.to_text(compare.compare(first, second, FAST))
    assert "judge's score" in text


def test_verdicts_of_two_judges_are_not_compared(tmp_path: Path):
    answers, scores = [1, 0] * 5, [6.0] * 10
    first = judged(exam(tmp_path / "a", answers), scores)
    second = judged(exam(tmp_path / "b", answers), scores, snapshot="gpt-x-2")
    with pytest.raises(
        RunError, match=r"judge of the answers against gpt-3.5-turbo: judge:gpt-x-1.* and judge:gpt-x-2"
    ):
        compare.compare(first, second, FAST)
    forced = compare.compare(first, second, Options(resamples=200, force=True))
    assert only_row(forced, "judge_score").difference == 0 and "gpt-x-2" in forced.overlooked[0]
    # Against another opponent there is nothing to compare, and nothing to refuse.
    judged(second, scores, snapshot="gpt-x-2", system2={"name": "other"})
    assert not [row for row in compare.compare(first, second, FAST).rows if row.metric == "judge_score"]
