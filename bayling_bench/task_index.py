"""The tasks as the command line sees them: read from the YAML files in a blink, without importing lm-eval.

lm-eval drops a file with a mistake in silence; here every ``*.yaml`` below ``tasks/`` must be a task, and a mistake is
an error that names the file. Suites are lm-eval tags, so that both know the same groups.
"""

from __future__ import annotations

import fnmatch
import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from bayling_bench.config import TaskOptions
from bayling_bench.data.catalogue import File
from bayling_bench.documents import Document, Documents
from bayling_bench.errors import BenchError, did_you_mean

_REQUIRED = {"task", "tag", "custom_dataset", "test_split", "output_type", "doc_to_text", "doc_to_target"}
_REQUIRED |= {"dataset_kwargs", "metric_list", "metadata"}
_OPTIONAL = {"class", "process_results", "generation_kwargs", "doc_to_choice", "task_alias", "description"}
_SUITES = ("mini", "miniature", "wmt22", "interactive", "bayling80", "gaokao", "sat")
_KINDS = {
    "task": str,
    "tag": list,
    "custom_dataset": str,
    "dataset_kwargs": dict,
    "metric_list": list,
    "metadata": dict,
}
_METADATA = {"version": float, "suite": str, "items": int, "languages": list}
_OPTIONAL_METADATA = {"needs_judge": bool}
_METRIC = {"metric": str, "aggregation": str, "higher_is_better": bool}


@dataclass(frozen=True)
class Task:
    """One task, as its YAML file describes it."""

    name: str
    path: Path
    config: Mapping[str, Any]
    """The merged YAML; functions stand in it as dotted names."""

    @property
    def suite(self) -> str:
        """Return the suite under which the task is reported."""
        return self.config["metadata"]["suite"]

    @property
    def tags(self) -> list[str]:
        """Return the groups that hold the task."""
        tag = self.config["tag"]
        return [tag] if isinstance(tag, str) else list(tag)

    @property
    def items(self) -> int:
        """Return the number of items."""
        return self.config["metadata"]["items"]

    @property
    def languages(self) -> list[str]:
        """Return the language of a task, or source and target."""
        return self.config["metadata"]["languages"]

    @property
    def metrics(self) -> list[str]:
        """Return the metrics that lm-eval reports."""
        return [entry["metric"] for entry in self.config["metric_list"]]

    @property
    def needs_judge(self) -> bool:
        """Return whether a judge model scores the answers."""
        return bool(self.config["metadata"].get("needs_judge"))

    @property
    def multi_turn(self) -> bool:
        """Return whether the task is a conversation of several turns."""
        return "class" in self.config

    @property
    def ranks_choices(self) -> bool:
        """Return whether the task needs log-likelihoods rather than text."""
        return self.config["output_type"] == "multiple_choice"

    def files(self, options: TaskOptions) -> list[File]:
        """Return the upstream files that the task reads; none for the mini suite."""
        module, _, loader = self.config["custom_dataset"].rpartition(".")
        lister = getattr(importlib.import_module(module), loader.replace("load", "files", 1), None)
        return lister(**self._arguments(options)) if lister else []

    def documents(self, options: TaskOptions) -> Documents:
        """Return the items; DataError when an upstream file is absent or damaged."""
        return _resolve(self.config["custom_dataset"])(**self._arguments(options))[self.config["test_split"]]

    def _arguments(self, options: TaskOptions) -> dict[str, Any]:
        return {**self.config["metadata"], **self.config["dataset_kwargs"], **asdict(options)}


def tasks_path() -> Path:
    """Return the folder of task files: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "tasks"
    return installed if installed.is_dir() else package.parent / "tasks"


@lru_cache(maxsize=1)
def all_tasks() -> dict[str, Task]:
    """Return every task by name, suite by suite; BenchError naming the file that has a mistake."""
    return load_folder(tasks_path())


def load_folder(folder: Path) -> dict[str, Task]:
    """Return the tasks of a folder, suite by suite; BenchError naming the file that has a mistake."""
    tasks: dict[str, Task] = {}
    for path in sorted(folder.rglob("*.yaml")):
        config = _read(path)
        _check(path, config)
        name = config["task"]
        if name in tasks:
            raise BenchError(f"{path}: task {name!r} is defined in {tasks[name].path} too. Rename one of them.")
        tasks[name] = Task(name, path, config)
    return dict(sorted(tasks.items(), key=lambda named: _place(named[1])))


def suites() -> dict[str, list[str]]:
    """Return the names of the tasks of each group."""
    groups: dict[str, list[str]] = {}
    for task in all_tasks().values():
        for tag in task.tags:
            groups.setdefault(tag, []).append(task.name)
    return dict(sorted(groups.items()))


def select(names: Iterable[str]) -> list[Task]:
    """Return the tasks that names, groups or patterns (``wmt22_*_en``) stand for, each once, in the order asked for.

    Raises BenchError for a name that stands for nothing.
    """
    tasks, groups = all_tasks(), suites()
    chosen: dict[str, Task] = {}
    for name in names:
        found = [name] if name in tasks else groups.get(name) or fnmatch.filter(tasks, name)
        if not found:
            raise BenchError(
                f"No task or suite is called {name!r}.{did_you_mean(name, [*tasks, *groups])} "
                "See `bayling-bench tasks` for all of them."
            )
        chosen.update((each, tasks[each]) for each in found)
    return list(chosen.values())


def files_of(tasks: Iterable[Task], options: TaskOptions) -> list[File]:
    """Return the upstream files of several tasks, each once."""
    return list(dict.fromkeys(file for task in tasks for file in task.files(options)))


def first_document(task: Task, options: TaskOptions) -> Document:
    """Return the first item, to show what the task asks."""
    return task.documents(options)[0]


def _place(task: Task) -> tuple[int, str]:
    """Return where a task stands in listings and reports: the paper's suites in the paper's order."""
    known = task.suite in _SUITES
    return (_SUITES.index(task.suite) if known else len(_SUITES), task.name)


def _resolve(dotted: str) -> Callable[..., Any]:
    module, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module), name)


class _Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """Reads lm-eval's YAML; ``!function`` stays a dotted name, and a key given twice is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping; YAML itself would let the last of two equal keys win in silence."""
        keys = [key.value for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"{twice!r} stands there twice", node.start_mark)
        return super().construct_mapping(node, deep)


_Loader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))


def _read(path: Path, including: tuple[Path, ...] = ()) -> dict[str, Any]:
    try:
        config = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BenchError(f"{path}: not valid YAML ({' '.join(str(error).split())}).") from None
    if not isinstance(config, dict):
        raise BenchError(f"{path}: a task file must hold a mapping.")
    include = config.pop("include", None)
    if include is None:
        return config
    base = path.parent / str(include)
    if not base.is_file():
        raise BenchError(f"{path}: includes {include!r}, which does not exist.")
    if base.resolve() in (path.resolve(), *including):
        raise BenchError(f"{path}: includes itself, by way of {include!r}.")
    return {**_read(base, (*including, path.resolve())), **config}


def _check(path: Path, config: Mapping[str, Any]) -> None:
    _check_keys(f"{path}:", config, _REQUIRED, _OPTIONAL)
    _check_kinds(f"{path}:", config, _KINDS)
    metadata = config["metadata"]
    _check_keys(f"{path}: metadata:", metadata, set(_METADATA), set(_OPTIONAL_METADATA))
    _check_kinds(f"{path}: metadata:", metadata, {**_METADATA, **_OPTIONAL_METADATA})
    for entry in config["metric_list"]:
        if not isinstance(entry, dict):
            raise BenchError(f"{path}: metric_list: {entry!r} is not of the form {{metric: NAME, …}}.")
        _check_keys(f"{path}: metric_list:", entry, set(_METRIC), set())
        _check_kinds(f"{path}: metric_list:", entry, _METRIC)
    functions = [config["custom_dataset"], config.get("class"), config.get("process_results")]
    functions += [entry["aggregation"] for entry in config["metric_list"]]
    for name in functions:
        if name and "." in name and not name.startswith("bayling_bench."):
            raise BenchError(f"{path}: {name!r} is not a function of the package.")


def _check_keys(place: str, values: Mapping[str, Any], required: set[str], optional: set[str]) -> None:
    for key in values:
        if key not in required | optional:
            raise BenchError(f"{place} unknown key {key!r}.{did_you_mean(str(key), required | optional)}")
    if missing := required - set(values):
        raise BenchError(f"{place} missing {', '.join(sorted(missing))}.")


def _check_kinds(place: str, values: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
    for key, kind in kinds.items():
        if key in values and not isinstance(values[key], kind):
            raise BenchError(f"{place} {key} must be a {kind.__name__}, not {values[key]!r}.")
