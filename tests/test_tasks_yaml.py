"""Every YAML file below ``tasks/`` is a task, the same one for the command line and for lm-eval, and a typo has a name.

lm-eval leaves out a file with a mistake without a word; so numbers of files and tasks are compared here, and each file
is a test of its own. Expected names and counts are those of the test sets' makers: the WMT22 general task (21
directions), AGIEval's nine GaoKao and nine English subsets, BayLing's 14 directions (arXiv 2306.10968, section 5).
"""

from __future__ import annotations

import importlib
import logging
from pathlib import Path
from typing import Any

import pytest

from bayling_bench import prompts, task_index
from bayling_bench.config import TaskOptions
from bayling_bench.display import metrics
from bayling_bench.errors import BenchError
from bayling_bench.scoring.kinds import KINDS, whole

FOLDER = Path(__file__).parent.parent / "tasks"
FILES = [str(path.relative_to(FOLDER)) for path in sorted(FOLDER.rglob("*.yaml"))]

PAPER_DIRECTIONS = [
    "zh_en", "en_zh", "de_en", "en_de", "cs_en", "ja_en", "ru_en", "uk_en", "en_cs", "en_ja", "en_ru", "en_uk", "de_fr",
    "fr_de",
]  # fmt: skip
OTHER_DIRECTIONS = ["cs_uk", "uk_cs", "en_hr", "en_liv", "liv_en", "ru_sah", "sah_ru"]
GAOKAO = {
    "gaokao_chinese": 246, "gaokao_english": 306, "gaokao_mathqa": 351, "gaokao_physics": 200, "gaokao_chemistry": 207,
    "gaokao_biology": 210, "gaokao_history": 235, "gaokao_geography": 199, "gaokao_mathcloze": 118,
}  # fmt: skip
ENGLISH = {
    "sat_math": 220, "sat_en": 206, "sat_en_without_passage": 206, "aqua_rat": 254, "lsat_ar": 230, "lsat_lr": 510,
    "lsat_rc": 269, "logiqa_en": 651, "logiqa_zh": 651,
}  # fmt: skip
WMT22 = {f"wmt22_{direction}" for direction in [*PAPER_DIRECTIONS, *OTHER_DIRECTIONS]}
BAYLING80 = {f"bayling80_{language}_{turns}" for language in ("en", "zh") for turns in ("single", "multi")}
INTERACTIVE = {"interactive_translation_zh_en", "interactive_translation_en_zh"}
GROUPS = {
    "wmt22": WMT22,
    "gaokao": set(GAOKAO),
    "sat": set(ENGLISH),
    "exams": {*GAOKAO, *ENGLISH},
    "bayling80": BAYLING80,
    "interactive": INTERACTIVE,
    "paper": {*(f"wmt22_{each}" for each in PAPER_DIRECTIONS), *INTERACTIVE, *BAYLING80, *GAOKAO, *ENGLISH},
    "exams_mc": {f"{name}_mc" for name in [*GAOKAO, *ENGLISH] if name != "gaokao_mathcloze"},  # a cloze has no choices
}


@pytest.fixture(scope="module")
def by_file() -> dict[str, task_index.Task]:
    """The tasks of the folder, by their file."""
    return {str(task.path.relative_to(FOLDER)): task for task in task_index.load_folder(FOLDER).values()}


@pytest.fixture(scope="module")
def manager() -> Any:
    """lm-eval's view of the folder."""
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    from lm_eval.tasks import TaskManager

    return TaskManager(include_defaults=False, include_path=str(FOLDER))


def resolve(dotted: str) -> Any:
    module, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module), name)


def test_the_folder_is_the_one_that_the_package_names():
    assert task_index.tasks_path() == FOLDER


@pytest.mark.parametrize("file", FILES)
def test_each_file_is_a_task_of_its_own_name_with_sound_metadata(file: str, by_file: dict[str, task_index.Task]):
    task = by_file[file]
    metadata = task.config["metadata"]
    assert task.name == Path(file).stem
    assert metadata.keys() <= {"version", "suite", "items", "languages", "needs_judge"}
    assert isinstance(metadata["version"], float) and isinstance(task.items, int) and task.items > 0
    assert isinstance(task.languages, list) and set(task.languages) <= prompts.LANGUAGES.keys()
    arguments = task.config["dataset_kwargs"]
    named = [arguments["source"], arguments["target"]] if "source" in arguments else [arguments["language"]]
    assert task.languages == named
    assert f"{task.suite}{'_mc' if task.ranks_choices else ''}" in task.tags
    assert task.ranks_choices == task.name.endswith("_mc") == ("generation_kwargs" not in task.config)
    assert task.needs_judge == (task.suite == "bayling80")


@pytest.mark.parametrize("file", FILES)
def test_each_metric_is_known_to_scores_and_has_a_name_in_reports(file: str, by_file: dict[str, task_index.Task]):
    task = by_file[file]
    assert task.metrics and len(task.metrics) == len(set(task.metrics))
    for entry in task.config["metric_list"]:
        assert entry["higher_is_better"] == KINDS[entry["metric"]].higher_is_better
        assert metrics.shown_as(whole(entry["metric"]), task.name) in metrics.METRICS


@pytest.mark.parametrize("file", FILES)
def test_each_task_says_which_upstream_files_it_reads(file: str, by_file: dict[str, task_index.Task]):
    task = by_file[file]
    assert bool(task.files(TaskOptions())) == (task.suite not in ("mini", "miniature"))


def test_the_groups_hold_what_they_should():
    groups = {name: set(members) for name, members in task_index.suites().items()}
    mini = {name for name in task_index.all_tasks() if name.startswith("mini_")}
    ranked = {name for name in mini if name.endswith("_mc")}
    assert len(WMT22) == 21 and len(GROUPS["paper"]) == 14 + 2 + 4 + 18 and len(mini - ranked) == 13
    miniature = {name for name in task_index.all_tasks() if name.startswith("miniature_")}
    assert len(miniature) == 4 + 4 + 4 + 3
    expected = {**GROUPS, "mini": mini - ranked, "mini_mc": ranked, "miniature": miniature}
    assert {name: groups[name] for name in expected} == expected
    assert set(groups) - set(expected) == {"gaokao_mc", "sat_mc"}


def test_exams_have_agievals_numbers_of_items():
    tasks = task_index.all_tasks()
    assert {name: tasks[name].items for name in GROUPS["exams"]} == GAOKAO | ENGLISH
    ranked = {name: tasks[f"{name}_mc"].items for name in [*GAOKAO, *ENGLISH] if f"{name}_mc" in tasks}
    several_right = {"gaokao_physics": 35}  # AGIEval's items with more than one right letter cannot be ranked
    assert ranked == {name: (GAOKAO | ENGLISH)[name] - several_right.get(name, 0) for name in ranked}


def test_lm_eval_finds_one_task_a_file_under_the_same_names_and_groups(manager):
    assert set(manager.all_subtasks) == set(task_index.all_tasks())
    assert len(manager.all_subtasks) == len(FILES)
    assert set(manager.all_tags) == set(task_index.suites())


def assert_same(name: str, loaded: Any) -> None:
    """The task that lm-eval made is the one that the command line lists."""
    task = task_index.all_tasks()[name]
    assert len(loaded.eval_docs) == task.items, name
    assert [document["index"] for document in loaded.eval_docs] == sorted({d["index"] for d in loaded.eval_docs}), name
    assert task.config["output_type"] == loaded.OUTPUT_TYPE, name
    assert [entry["metric"] for entry in loaded.config.metric_list] == task.metrics, name
    assert (loaded.config.generation_kwargs or None) == task.config.get("generation_kwargs"), name
    assert list(loaded.eval_docs) == list(task.documents(TaskOptions())), name


def test_lm_eval_loads_every_task_of_our_own_data_with_the_items_that_its_file_states(manager):
    names = [name for name in task_index.all_tasks() if name.startswith(("mini_", "miniature_"))]
    loaded = manager.load(names)["tasks"]
    assert set(loaded) == set(names)
    for name in names:
        assert_same(name, loaded[name])


@pytest.mark.mirror
def test_lm_eval_loads_every_task_with_the_items_that_its_file_states(
    manager, mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BAYLING_BENCH_MIRROR", str(mirror))
    monkeypatch.setenv("BAYLING_BENCH_DATA", str(tmp_path))
    names = list(task_index.all_tasks())
    loaded = manager.load(names)["tasks"]
    assert len(loaded) == len(FILES)
    for name in names:
        assert_same(name, loaded[name])


@pytest.mark.parametrize("file", FILES)
def test_each_function_of_a_file_exists(file: str, by_file: dict[str, task_index.Task]):
    config = by_file[file].config
    named = [config[key] for key in ("custom_dataset", "process_results", "class") if key in config]
    aggregations = [entry["aggregation"] for entry in config["metric_list"]]
    for dotted in [*named, *(each for each in aggregations if "." in each)]:
        assert callable(resolve(dotted)), f"{file}: {dotted}"
    assert {each for each in aggregations if "." not in each} <= {"mean"}


SOUND = """
task: typo
tag: [mini]
custom_dataset: !function bayling_bench.data.mini.load_exam
test_split: test
output_type: generate_until
doc_to_text: prompt
doc_to_target: target
process_results: !function bayling_bench.scoring.process.exam
generation_kwargs: {until: [], do_sample: false, max_gen_toks: 8}
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
dataset_kwargs: {file: exam.en.jsonl, language: en, kind: single}
metadata: {version: 1.0, suite: mini, items: 24, languages: [en]}
"""


def folder_with(root: Path, text: str) -> Path:
    (root / "sound.yaml").write_text(SOUND.replace("task: typo", "task: sound"), encoding="utf-8")
    (root / "typo.yaml").write_text(text, encoding="utf-8")
    return root


def test_a_file_without_a_typo_is_a_task(tmp_path: Path):
    tasks = task_index.load_folder(folder_with(tmp_path, SOUND))
    assert list(tasks) == ["sound", "typo"] and tasks["typo"].items == 24


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("metric_list:", "metrics_list:", "unknown key 'metrics_list'.*Did you mean metric_list"),
        ("doc_to_text: prompt\n", "", "missing doc_to_text"),
        ("custom_dataset: !function ", "dataset_path: ", "unknown key 'dataset_path'"),
        ("tag: [mini]", "tag: [mini", "not valid YAML"),
        ("!function bayling_bench.data", "!functions bayling_bench.data", "not valid YAML"),
        ("tag: [mini]", "include: ../_exams\ntag: [mini]", "includes '../_exams', which does not exist"),
        ("items: 24, ", "", "metadata.*items"),
        ("items: 24", "itmes: 24", "metadata.*items"),
        ("bayling_bench.scoring.process.exam", "baylingbench.scoring.process.exam", "is not a function of the package"),
        ("task: typo", "task: sound", "'sound' is defined in .*sound.yaml too"),
        (SOUND, "", "must hold a mapping"),
        (SOUND, "- task: typo", "must hold a mapping"),
        (SOUND, "include: typo.yaml", "includes itself"),
        ("metadata: {", "metadata: 1.0 # {", "metadata"),
        ("items: 24", "items: many", "items"),
        ("languages: [en]", "languages: en", "languages"),
        ("suite: mini", "suite: mini, need_judge: true", "need_judge"),
        ("tag: [mini]", "tag:", "tag"),
        ("task: typo", "task: 5", "task"),
        ("{metric: acc,", "{metrc: acc,", "metric"),
        ("- {metric: acc, aggregation: mean, higher_is_better: true}", "- acc", "metric"),
        ("tag: [mini]", "tag: [mini]\ntag: [maxi]", "tag"),
    ],
)
def test_a_typo_fails_by_the_name_of_its_file(old: str, new: str, says: str, tmp_path: Path):
    assert old in SOUND
    folder = folder_with(tmp_path, SOUND.replace(old, new))
    with pytest.raises(BenchError, match=f"typo.yaml.*{says}"):
        task_index.load_folder(folder)
