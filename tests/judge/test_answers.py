"""Answers are read wherever they lie: run folders, published outputs, samples of plain lm-eval.

tests/data/samples_mini_conversation_zh_*.jsonl was written by lm-eval 0.4.13 (`lm_eval run --log_samples`) with a model
of random weights on two of our own questions.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from chat_server import running
from judge_runs import TASK, command, documents, make_run, words
from judge_server import by_length, judged_by

from bayling_bench.errors import BenchError
from bayling_bench.judge import items, results, sources

SAMPLES = next((Path(__file__).parent.parent / "data").glob("samples_mini_conversation_zh_*.jsonl"))


def test_samples_of_lm_eval_give_both_turns_and_their_questions():
    found = sources.samples([str(SAMPLES)])
    ((task, given),) = found.tasks.items()
    assert task == "mini_conversation_zh" and [each.index for each in given] == [0, 1]
    logged = [json.loads(line) for line in SAMPLES.read_text("utf-8").splitlines()]
    assert [each.texts for each in given] == [tuple(turn[0] for turn in line["resps"]) for line in logged]
    assert [list(each.questions) for each in given] == [doc["turns"] for doc in documents(task)[:2]]
    assert {(each.language, each.turns) for each in given} == {("zh", "multiturn")}


def test_samples_of_lm_eval_are_judged_against_a_run(monkeypatch, tmp_path):
    make_run(tmp_path / "other", "other", words("other", 9), ("mini_conversation_zh",))
    shutil.copy(SAMPLES, tmp_path)
    monkeypatch.chdir(tmp_path)
    with running(monkeypatch) as server:
        server.always = judged_by(by_length)
        options = ("-j", "openai:gpt-4", "--base-url", server.url, "-p", "bayling_2023")
        assert command(monkeypatch, "judge", "--samples", SAMPLES.name, "--against", "other", *options) == 0
        assert len(server.requests) == 2
    (found,) = results.read_all(Path())
    assert found["overall"]["lose"] == 2 and found["settings"]["samples"] == [str(Path(SAMPLES.name).resolve())]
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert command(monkeypatch, "judge", "--samples", SAMPLES.name, "--reparse") == 0
    assert results.read_all(Path())[0]["overall"] == found["overall"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no samples"),
        ("not JSON", "line 1: is no sample of a conversation"),
        ('{"doc": {"prompt": "x"}, "resps": [["y"]]}', "line 1: is no sample of a conversation"),
        ('{"doc": {"index": 0, "question_id": 1, "category": "c", "turns": ["q"]}}', "line 1: is no sample"),
    ],
)
def test_files_that_are_no_samples_are_refused_with_the_line(tmp_path, content: str, message: str):
    path = tmp_path / "samples.jsonl"
    path.write_text(content, "utf-8")
    with pytest.raises(BenchError, match=message):
        sources.samples([str(path)])


@pytest.mark.mirror
def test_published_answers_are_those_released(mirror):
    found = sources.read("published:bayling-13b")
    assert list(found.tasks) == [f"bayling80_{lang}_{turns}" for lang in ("en", "zh") for turns in ("multi", "single")]
    single, multi = found.tasks["bayling80_zh_single"], found.tasks["bayling80_zh_multi"]
    assert [each.texts[0] for each in single] == [each.texts[0] for each in multi] and len(single) == 80
    assert not [each for given in found.tasks.values() for each in given if each.problem]


def test_an_opponent_with_fewer_questions_is_refused_unless_limited(tmp_path):
    own = sources.read(str(make_run(tmp_path / "own", "own", words("own", 3))))
    other = make_run(tmp_path / "other", "other", words("other", 3))
    path = other / "items" / f"{TASK}.jsonl"
    path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[:5]), "utf-8")
    fewer = sources.read(str(other))
    with pytest.raises(BenchError, match=r"has no item 5, which .*own has.*smaller --limit"):
        items.build(own, fewer, None)
    assert len(items.build(own, fewer, 5)) == 5


def test_a_run_without_conversations_says_which_tasks_can_be_judged(tmp_path):
    made = make_run(tmp_path / "run", "run", words("run", 3))
    settings = json.loads((made / "run.json").read_text("utf-8"))
    settings["tasks"][0]["name"] = "mini_exam_en"
    (made / "run.json").write_text(json.dumps(settings), "utf-8")
    with pytest.raises(BenchError, match=r"none of its tasks can be judged\. These can: bayling80"):
        sources.read(str(made))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{}", "line 1: must be of the form"),
        ('{"question_id": 1, "references": []}', "line 1: must be of the form"),
        ('{"question_id": 99, "references": ["x"]}', r"none of its questions \(99 …\)"),
        (
            '{"question_id": 1, "references": "a"}\n{"question_id": 1, "references": "b"}',
            "question 1 stands there twice",
        ),
    ],
)
def test_mistakes_in_known_good_answers_are_told(tmp_path, line: str, message: str):
    own = sources.read(str(make_run(tmp_path / "own", "own", words("own", 3))))
    (tmp_path / "known.jsonl").write_text(line, "utf-8")
    with pytest.raises(BenchError, match=message):
        items.with_references(items.build(own, None, None), str(tmp_path / "known.jsonl"))
