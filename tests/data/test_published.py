"""Released outputs: which there are, how each kind of file is read, and that none is taken for another question's."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from bayling_bench import task_index
from bayling_bench.config import TaskOptions
from bayling_bench.data import published, store
from bayling_bench.errors import DataError, ModelError
from bayling_bench.models.published import Published

# The systems of the paper's tables (arXiv 2306.10968), by evaluation.
TRANSLATION = {
    "alpaca-7b", "bayling-13b", "bayling-7b", "bloomz-7b1-mt", "chatglm-6b", "google-translate", "gpt-3.5-turbo",
    "gpt-4", "nllb-3.3b", "parrot-7b", "vicuna-13b-1.1",
}  # fmt: skip
NOTHING: list[dict] = [{}]
"""Documents of a file that does not say what it answers."""
CHAT = {"alpaca-7b", "bayling-13b", "bayling-7b", "chatglm-6b", "gpt-3.5-turbo", "vicuna-13b-1.1"}


def task(name: str) -> task_index.Task:
    return task_index.all_tasks()[name]


def covered(suite: str, form: str) -> Counter[str]:
    """Return how many tasks of a suite each system has outputs for."""
    tasks = [each for each in task_index.all_tasks().values() if each.suite == suite]
    found = {
        system: sum(published.output_file(system, each, form) is not None for each in tasks)
        for system in published.systems()
    }
    return Counter({system: count for system, count in found.items() if count})


@pytest.fixture
def upstream(monkeypatch) -> dict[str, bytes]:
    """Upstream files by path, made up by a test; whatever it does not make up is not there."""
    files: dict[str, bytes] = {}
    monkeypatch.setattr(store, "read_bytes", lambda file: files[file.path])
    return files


def lines(*rows: object) -> bytes:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


def test_the_systems_are_those_of_the_paper():
    assert set(published.systems()) == TRANSLATION | CHAT


def test_each_system_has_outputs_for_what_the_paper_asked_it():
    main, all_directions = 4, 14
    of_two = {"bloomz-7b1-mt", "parrot-7b"}
    assert covered("wmt22", "en") == {system: main if system in of_two else all_directions for system in TRANSLATION}
    assert covered("wmt22", "zh") == {
        **dict.fromkeys(CHAT - {"alpaca-7b", "gpt-3.5-turbo"}, main),
        "gpt-3.5-turbo": 2,
    }
    assert covered("interactive", "en") == dict.fromkeys(CHAT, 2)
    assert covered("interactive", "zh") == dict.fromkeys(CHAT - {"gpt-3.5-turbo"}, 2)
    for suite, tasks in (("gaokao", 9), ("sat", 9), ("bayling80", 4)):
        assert covered(suite, "en") == covered(suite, "zh") == dict.fromkeys(CHAT, tasks)
    assert covered("mini", "en") == {}


@pytest.mark.parametrize(
    ("system", "name", "form", "path"),
    [
        ("bayling-13b", "wmt22_zh_en", "en", "translation_benchmark/bayling-13b/zh-en.hypo"),
        ("bayling-13b", "wmt22_zh_en", "zh", "translation_benchmark/bayling-13b/zh-en.zh_prompt.hypo"),
        ("gpt-4", "wmt22_fr_de", "en", "translation_benchmark/gpt-4/fr-de.hypo"),
        (
            "vicuna-13b-1.1", "interactive_translation_en_zh", "zh",
            "constrained_translation/vicuna-13B-1.1/hypo.en-zh.zh.zh_prompt.jsonl",
        ),
        ("bayling-7b", "bayling80_zh_single", "en", "general_tasks/bayling-7b/res.bayling-80.multiturn.zh.jsonl"),
        (
            "bayling-7b", "sat_en_without_passage", "en",
            "examination/bayling-7b/predict.BayLing-7B.sat-en-without-passage.zero-shot.jsonl",
        ),
    ],
)  # fmt: skip
def test_a_task_is_answered_by_its_own_file(system: str, name: str, form: str, path: str):
    file = published.output_file(system, task(name), form)
    assert file is not None and file.path == f"exp/{path}"


@pytest.mark.parametrize("name", ["gaokao_biology_mc", "mini_translation_zh_en", "wmt22_en_hr"])
def test_a_task_that_nobody_answered_has_no_file(name: str):
    assert published.output_file("bayling-13b", task(name), "en") is None


def test_names_may_be_written_in_capitals_and_a_wrong_one_meets_near_ones():
    assert published.check_system("Vicuna-13B-1.1") == "vicuna-13b-1.1"
    with pytest.raises(ModelError, match=r"no such system\. Did you mean bayling-13b.*Released: alpaca-7b, "):
        published.check_system("bayling-13")


def test_all_files_of_a_system_are_fetched_in_every_spelling():
    files = published.files_of("vicuna-13b-1.1")
    assert {"/".join(file.path.split("/")[1:3]) for file in files} == {
        "constrained_translation/vicuna-13B-1.1", "examination/vicuna-13b-1.1", "general_tasks/vicuna-13b-1.1",
        "translation_benchmark/vicuna-13b-1.1",
    }  # fmt: skip
    assert len(files) == 4 + 18 + 2 + 18


@pytest.mark.parametrize("end", ["", "\n"])
def test_hypotheses_are_one_a_line_with_or_without_a_last_newline(upstream, end: str):
    file = published.output_file("gpt-4", task("wmt22_zh_en"), "en")
    assert file is not None
    upstream[file.path] = f"one\n\nthree\u2028still three{end}".encode()
    assert [answer.texts for answer in published.answers(file, NOTHING * 3)] == [
        ("one",),
        ("",),
        ("three\u2028still three",),
    ]


@pytest.mark.parametrize(
    ("count", "part"), [(2, "it ends before item 3"), (4, "line 4 answers none of them"), (0, "it ends before item 1")]
)
def test_a_file_with_another_number_of_lines_is_refused_where_they_part(upstream, count: int, part: str):
    file = published.output_file("gpt-4", task("wmt22_zh_en"), "en")
    assert file is not None
    upstream[file.path] = b"line\n" * count
    message = rf"zh-en\.hypo: {count} outputs for 3 items, so they cannot be aligned: {part}\."
    with pytest.raises(DataError, match=message):
        published.answers(file, NOTHING * 3)


def test_a_missing_line_is_found_by_the_question_that_stands_in_its_place(upstream):
    file = published.output_file("bayling-13b", task("bayling80_en_single"), "en")
    assert file is not None
    rows = [{"question_id": number, "text": [f"Q{number}?", "More?"], "response": ["1", "2"]} for number in range(5)]
    upstream[file.path] = lines(*rows[:2], *rows[3:])
    with pytest.raises(DataError, match=r'line 3: answers \["Q3\?"\] where the task asks \["Q2\?"\]'):
        published.answers(file, [{"turns": row["text"][:1]} for row in rows])


def test_exam_answers_come_in_the_forms_of_two_apis(upstream):
    file = published.output_file("gpt-3.5-turbo", task("sat_math"), "en")
    assert file is not None
    chat = {
        "choices": [{"message": {"role": "assistant", "content": "(B)"}, "finish_reason": "length"}],
        "usage": {"completion_tokens": 100},
    }
    upstream[file.path] = lines(chat, {"text": "Answer: A"}, {"choices": [{"text": "C", "finish_reason": "stop"}]})
    assert published.answers(file, NOTHING * 3) == [
        published.Answer(("(B)",), tokens=100, finish_reason="length"),
        published.Answer(("Answer: A",)),
        published.Answer(("C",), finish_reason="stop"),
    ]


def test_a_log_beside_the_predictions_is_never_read():
    paths = {
        file.path
        for system in published.systems()
        for each in task_index.all_tasks().values()
        if (file := published.output_file(system, each, "en"))
    }
    assert any(file.path.endswith(".log.jsonl") for file in published.files_of("bayling-7b"))
    assert not any(path.endswith(".log.jsonl") for path in paths)


def test_a_constrained_translation_of_another_sentence_is_refused_naming_the_line(upstream):
    file = published.output_file("bayling-13b", task("interactive_translation_zh_en"), "en")
    assert file is not None
    row = {"src": "早。", "tgt": "Morning.", "constraint": ["Morning"], "hypo": "Good morning."}
    upstream[file.path] = lines(row)
    document = {"source": "早。", "target": "Morning."}
    assert [answer.texts for answer in published.answers(file, [document])] == [("Good morning.",)]
    with pytest.raises(DataError, match=r'hypo\.zh-en\.en\.jsonl, line 1: answers .*"早。".* asks .*"晚。"'):
        published.answers(file, [{**document, "source": "晚。"}])
    with pytest.raises(DataError, match="line 1"):
        published.answers(file, [{**document, "target": "Evening."}])


@pytest.mark.parametrize("turns", [1, 2])
def test_an_answer_to_another_question_is_refused_naming_the_line(upstream, turns: int):
    file = published.output_file("bayling-13b", task("bayling80_en_multi"), "en")
    assert file is not None
    row = {"question_id": 2, "text": ["First?", "Second?"], "response": ["1", "2"]}
    upstream[file.path] = lines(row, row)
    asked = ["First?", "Second?"][:turns]
    assert published.answers(file, [{"turns": asked}] * 2)[1].texts == ("1", "2")
    with pytest.raises(DataError, match=r"multiturn\.en\.jsonl, line 2: answers .* where the task asks"):
        published.answers(file, [{"turns": asked}, {"turns": [*asked[:-1], "Other?"]}])


@pytest.mark.mirror
def test_every_mirrored_output_file_aligns_with_its_task(mirror, monkeypatch):
    monkeypatch.setenv(store.MIRROR_VARIABLE, str(mirror))
    seen = Counter()
    for system in published.systems():
        for form in ("en", "zh"):
            for each in task_index.all_tasks().values():
                file = published.output_file(system, each, form)
                if file is None or not store.is_present(file):
                    continue
                documents = each.documents(TaskOptions(prompt_form=form))
                for answer, document in zip(published.answers(file, documents), documents, strict=True):
                    assert all(isinstance(text, str) for text in answer.texts)
                    assert len(answer.texts) >= len(document.get("turns", [""]))
                seen[system] += 1
    # translation, interactive translation, exams and BayLing-80, in both prompt forms
    whole = (14 + 2 + 18 + 4) + (4 + 2 + 18 + 4)
    assert (seen["bayling-13b"], seen["vicuna-13b-1.1"], seen["nllb-3.3b"]) == (whole, whole, 14)
    assert seen["gpt-3.5-turbo"] == (14 + 2 + 18 + 4) + (2 + 18 + 4)


@pytest.mark.mirror
def test_the_model_answers_each_document_with_its_own_line(mirror, monkeypatch):
    from lm_eval.api.instance import Instance

    monkeypatch.setenv(store.MIRROR_VARIABLE, str(mirror))
    asked = task("bayling80_en_multi")
    model = Published("bayling-13b", [asked], "en")
    documents = asked.documents(TaskOptions())
    requests = [
        Instance("generate_until", documents[place], ("", {}), turn, metadata=(asked.name, place, 1))
        for place in (79, 0)
        for turn in (0, 1)
    ]
    file = published.output_file("bayling-13b", asked, "en")
    assert file is not None
    rows = store.read_jsonl(file)
    assert model.generate_until(requests) == [*rows[79]["response"], *rows[0]["response"]]
    assert len(model.details) == 4
    with pytest.raises(ModelError, match="gives no log-likelihoods"):
        model.loglikelihood(requests)
