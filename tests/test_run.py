"""Runs of a real (tiny, random) model, in this process: resuming, shards, locks, failures, secrets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from conftest import make_tiny_model, read_lines

from bayling_bench import record
from bayling_bench import run as runs
from bayling_bench.config import Generation, ModelOptions, RunConfig, Shard, TaskOptions
from bayling_bench.errors import BenchError, RunError

pytestmark = pytest.mark.slow
TASKS = ("mini_translation_en_de", "mini_conversation_zh", "mini_exam_zh_mc", "mini_interactive_en_zh", "mini_cloze_zh")


def config(model: Path | str, **changes) -> RunConfig:
    values = {
        "model": str(model),
        "tasks": TASKS,
        "generation": Generation(overrides={"max_gen_toks": 12}),
        "model_options": ModelOptions(batch_size="4", device="cpu"),
        "limit": 9,
    }
    return RunConfig(**{**values, **changes})


def run(asked: RunConfig, folder: Path, shard: str = "1/1", report=lambda progress: None) -> runs.Outcome:
    return runs.run(asked, folder, Shard.parse(shard), runs.Caller(report=report))


def results(folder: Path) -> dict[str, str]:
    """Return the files of a record that must not depend on how it came about."""
    files = [folder / "scores.json", *sorted((folder / "items").iterdir())]
    return {str(file.relative_to(folder)): file.read_text(encoding="utf-8") for file in files}


def journal_lines(folder: Path) -> list[dict]:
    return [line for file in sorted((folder / "responses").glob("*.jsonl")) for line in read_lines(file)]


@pytest.fixture(scope="module")
def finished(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed run of one process."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    outcome = run(config(tiny_model), folder)
    assert outcome.missing == 0 and outcome.run.finished
    return folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder)
    return folder


class Stop(Exception):
    """Ends a run in its middle."""


def stop_after(count: int):
    def report(progress) -> None:
        if progress.done == count:
            raise Stop

    return report


def test_every_request_is_in_the_journal_once_with_all_that_the_model_tells(finished: Path):
    lines = journal_lines(finished)
    assert len(lines) == 9 + 2 * 9 + 4 * 9 + 9 + 9
    assert len({line["key"] for line in lines}) == len(lines)
    text = next(line for line in lines if line["task"] == "mini_translation_en_de")
    assert text["tokens"] == 12 and text["finish_reason"] == "length" and text["prompt"].endswith("<|assistant|>")


def test_turn_2_saw_the_models_own_turn_1(finished: Path):
    for item in record.load(finished).items("mini_conversation_zh"):
        first, second = item["turns"]
        assert second["prompt"].startswith(first["prompt"] + first["response"] + "<|end|><|user|>")
        assert item["doc"]["turns"][1] in second["prompt"]


def test_the_same_command_again_generates_nothing(copy: Path, tiny_model: Path):
    before = results(copy)
    outcome = run(config(tiny_model), copy)
    assert outcome.generated == 0
    assert results(copy) == before


@pytest.mark.parametrize("stop", [1, 10, 27, 61])
def test_a_run_that_was_stopped_comes_out_as_an_undisturbed_one(
    finished: Path, tiny_model: Path, tmp_path: Path, stop: int
):
    with pytest.raises(Stop):
        run(config(tiny_model), tmp_path, report=stop_after(stop))
    assert not (tmp_path / "done").exists()
    done = {line["key"] for line in journal_lines(tmp_path)}
    assert len(done) == stop
    outcome = run(config(tiny_model), tmp_path)
    assert outcome.generated == len(journal_lines(finished)) - stop
    assert results(tmp_path) == results(finished)


def test_any_shards_may_resume_what_others_left_and_the_scores_are_those_of_one_process(
    finished: Path, tiny_model: Path, tmp_path: Path
):
    with pytest.raises(Stop):
        run(config(tiny_model), tmp_path, "2/3", report=stop_after(5))
    outcome = run(config(tiny_model), tmp_path, "1/3")
    assert outcome.missing > 0 and not outcome.run.finished
    for shard in ("1/2", "2/2"):
        outcome = run(config(tiny_model), tmp_path, shard)
    assert outcome.missing == 0 and outcome.run.finished
    keys = [line["key"] for line in journal_lines(tmp_path)]
    assert len(keys) == len(set(keys)) == len(journal_lines(finished))
    assert results(tmp_path) == results(finished)


def test_sampled_answers_resume_to_the_same_ones(tiny_model: Path, tmp_path: Path):
    sampled = config(tiny_model, generation=Generation(overrides={"max_gen_toks": 12, "temperature": 0.9}))
    run(sampled, tmp_path / "a")
    with pytest.raises(Stop):
        run(sampled, tmp_path / "b", report=stop_after(14))
    run(sampled, tmp_path / "b")
    assert results(tmp_path / "a") == results(tmp_path / "b")


def test_beams_do_not_depend_on_who_shares_the_batch(tiny_model: Path, tmp_path: Path):
    found = []
    for size in ("1", "4"):
        options = ModelOptions(batch_size=size, device="cpu")
        beams = Generation(overrides={"max_gen_toks": 12, "num_beams": 3})
        asked = config(tiny_model, tasks=TASKS[:1], generation=beams, model_options=options)
        found.append([item["turns"] for item in run(asked, tmp_path / size).run.items(TASKS[0])])
    assert found[0] == found[1]


def test_score_needs_no_model_and_gives_the_same_record(copy: Path):
    before = results(copy)
    for path in (copy / "scores.json", copy / "done"):
        path.unlink()
    shutil.rmtree(copy / "items")
    outcome = runs.score(copy)
    assert outcome.run.finished
    assert results(copy) == before


def test_score_of_an_unfinished_run_says_what_is_missing(copy: Path):
    journal = next((copy / "responses").glob("mini_translation_en_de.*.jsonl"))
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-2]))
    (copy / "done").unlink()
    outcome = runs.score(copy)
    assert outcome.missing == 2 and not outcome.run.finished
    row = outcome.run.scores["tasks"]["mini_translation_en_de"]
    assert row["unscored"] == {"not_generated": 2} and row["metrics"]["bleu"]["n"] == 7


def test_score_refuses_responses_of_another_data_state_and_leaves_the_record_alone(copy: Path):
    before = results(copy)
    settings = json.loads((copy / "run.json").read_text(encoding="utf-8"))
    settings["config"]["options"]["prompt_form"] = "zh"
    (copy / "run.json").write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(RunError, match="18 of the saved responses do not fit the tasks and data of today"):
        runs.score(copy)
    assert results(copy) == before


@pytest.mark.parametrize(
    ("named", "changes"),
    [
        ("options", {"options": TaskOptions(prompt_form="zh")}),
        ("generation", {"generation": Generation(overrides={"max_gen_toks": 13})}),
        ("generation", {"generation": Generation(overrides={"max_gen_toks": 12}, seed=2)}),
        ("limit", {"limit": 8}),
        ("tasks", {"tasks": TASKS[:2]}),
        ("chat_template", {"model_options": ModelOptions(batch_size="4", device="cpu", chat_template="chatml")}),
        ("model", {"model_options": ModelOptions(batch_size="4", device="cpu", dtype="bfloat16")}),
    ],
)
def test_a_folder_of_other_settings_is_refused_naming_what_differs(
    copy: Path, tiny_model: Path, named: str, changes: dict
):
    before = results(copy)
    with pytest.raises(RunError, match=f"other settings.*{named}.*another folder with -o"):
        run(config(tiny_model, **changes), copy)
    assert results(copy) == before


def test_a_retrained_model_at_the_same_path_is_not_the_same_model(tiny_model: Path, tmp_path: Path):
    model = tmp_path / "model"
    shutil.copytree(tiny_model, model)
    few = config(model, tasks=("mini_cloze_zh",))
    run(few, tmp_path / "run")
    make_tiny_model(model, seed=1)
    with pytest.raises(RunError, match="fingerprint"):
        run(few, tmp_path / "run")


def test_a_journal_of_other_settings_serves_nothing_even_when_it_lies_in_the_folder(
    copy: Path, tiny_model: Path, tmp_path: Path
):
    few = config(tiny_model, generation=Generation(overrides={"max_gen_toks": 6}))
    shutil.copytree(copy / "responses", tmp_path / "run" / "responses")
    outcome = run(few, tmp_path / "run")
    ranked = 4 * 9  # log-likelihoods, which no generation setting changes
    assert outcome.generated == len(journal_lines(copy)) - ranked
    assert all(turn["tokens"] <= 6 for item in outcome.run.items("mini_cloze_zh") for turn in item["turns"])


def test_two_runs_into_one_folder_at_once_are_refused(copy: Path, tiny_model: Path):
    with record.locked(copy, Shard()), pytest.raises(RunError, match="is working on this run now"):
        run(config(tiny_model), copy)
    with record.locked(copy, Shard(0, 2)):
        with pytest.raises(RunError, match="another shard 1/2"):
            run(config(tiny_model), copy, "1/2")
        assert run(config(tiny_model), copy, "2/2").run.finished


def test_a_prompt_too_long_is_an_unscored_item_and_fails_the_run_when_there_are_many(tmp_path: Path):
    model = make_tiny_model(tmp_path / "model", seed=0, max_length=190)
    asked = config(model, tasks=("mini_exam_en",), limit=None, max_unscored=1.0)
    outcome = run(asked, tmp_path / "run")
    row = outcome.run.scores["tasks"]["mini_exam_en"]
    failed = row["unscored"]["prompt_too_long"]
    assert 0 < failed < 24 and row["metrics"]["acc"]["n"] == row["scored"] == 24 - failed
    item = next(item for item in outcome.run.items("mini_exam_en") if item["unscored"])
    assert "the model's context holds 190" in item["unscored"]["detail"]
    assert outcome.run.finished
    strict = run(config(model, tasks=("mini_exam_en",), limit=None), tmp_path / "strict")
    assert f"{failed} of 24 items are unscored ({failed} prompt_too_long)" in str(strict.too_many_unscored)
    assert not strict.run.finished


def test_a_conversation_without_a_template_is_refused_before_anything_is_generated(tiny_model: Path, tmp_path: Path):
    base = config(tiny_model, model_options=ModelOptions(device="cpu", chat_template="none"))
    with pytest.raises(BenchError, match=r"mini_conversation_zh are conversations.*--chat-template"):
        run(base, tmp_path)
    assert not (tmp_path / "responses").exists()


def test_a_half_written_run_json_is_never_seen(finished: Path):
    assert json.loads((finished / "run.json").read_text(encoding="utf-8"))["schema"] == record.SCHEMA
    assert not list(finished.glob(".run.json*"))
