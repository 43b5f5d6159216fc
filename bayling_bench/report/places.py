"""Where a number belongs on a leaderboard: suite, task, metric and the state of the data it was measured on.

A board names its figures as a paper does (``wmt22-zh-en``, ``accuracy_pct``); run records name theirs by our tasks and
metrics (``wmt22_zh_en``, ``acc``). Here both come to the same place, so that they can stand in one column, and only if
they are of the same data: numbers of another state stand in a table of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from bayling_bench import signatures, task_index
from bayling_bench.audit import exams
from bayling_bench.config import TaskOptions
from bayling_bench.journal import digest
from bayling_bench.scoring import translation
from bayling_bench.scoring.kinds import in_order

EXAMS = ("gaokao", "sat")
TRANSLATIONS = ("wmt22", "interactive")


@dataclass(frozen=True)
class Place:
    """One column of a leaderboard."""

    suite: str
    task: str
    metric: str
    state: str = ""
    """What sets the data apart from the usual: ``labels:2023-06``, ``prompt:zh|first:50``; mostly empty."""


def of_measure(figure: Any, measure: str | None, arguments: Mapping[str, Any]) -> Place | None:
    """Return the place of what a board's rule or ranking computes; None for a number that is of no single task.

    ``figure`` has group, task and metric. What no measure computes keeps the names that the board gives it.
    """
    if measure is None:
        return Place(figure.group, figure.task, figure.metric)
    maker = _MAKERS.get(measure)
    return None if maker is None else maker(figure, arguments)


def _exam(metric: str | None, figure: Any, arguments: Mapping[str, Any]) -> Place:
    task = exams.task_of(figure.task)
    rule = arguments.get("rule", "paper")
    name = metric or {"paper": "acc", "strict": "acc_strict"}[rule]
    return Place(task.suite, task.name, name, f"labels:{arguments.get('labels', 'head')}")


def _translation(metric: str | None, figure: Any, arguments: Mapping[str, Any], prefix: str = "wmt22") -> Place:  # noqa: ARG001
    name = f"{prefix}_{arguments['direction'].replace('-', '_')}"
    score, _, tokenizer = str(arguments.get("score", metric)).partition(":")
    states = [f"tokenizer:{tokenizer}"] if tokenizer else []
    if arguments.get("references", "paper") not in ("paper", "A"):
        states.append(f"references:{arguments['references']}")
    states += [f"prompt:{arguments['prompt']}"] if arguments.get("prompt", "en") != "en" else []
    return Place("wmt22" if prefix == "wmt22" else "interactive", name, metric or score, "|".join(states))


def _comet(figure: Any, arguments: Mapping[str, Any]) -> Place:
    return _translation(arguments.get("checkpoint", "comet"), figure, arguments)


def _interactive(metric: str | None, figure: Any, arguments: Mapping[str, Any]) -> Place:
    return _translation(metric, figure, arguments, "interactive_translation")


def _run_score(figure: Any, arguments: Mapping[str, Any]) -> Place:
    task = task_index.all_tasks().get(arguments["task"])
    state = f"labels:{TaskOptions().label_state}" if task and task.suite in EXAMS else ""
    return Place(task.suite if task else figure.group, arguments["task"], arguments["metric"], state)


_MAKERS = {
    "exam_accuracy": lambda figure, arguments: _exam(None, figure, arguments),
    "exam_unparsed": lambda figure, arguments: _exam("unparsed", figure, arguments),
    "corpus_score": lambda figure, arguments: _translation(None, figure, arguments),
    "comet": _comet,
    "wrong_language": lambda figure, arguments: _translation("wrong_language", figure, arguments),
    "source_copied": lambda figure, arguments: _translation("source_copied", figure, arguments),
    "constraints_met": lambda figure, arguments: _interactive("constraint_micro", figure, arguments),
    "constraints_echoed": lambda figure, arguments: _interactive("echo", figure, arguments),
    "interactive_score": lambda figure, arguments: _interactive(None, figure, arguments),
    "run_score": _run_score,
    "bradley_terry": lambda figure, arguments: Place("bayling80", "bayling80/reviews", "strength"),  # noqa: ARG005
}


def state_of_run(settings: Mapping[str, Any], planned: Mapping[str, Any]) -> str:
    """Return the state of the data that a run's task was measured on, from its ``run.json`` and its plan there."""
    options, suite = asdict(TaskOptions()) | settings["options"], planned["suite"]
    states = [f"labels:{options['label_state']}"] if suite in EXAMS else []
    if suite == "wmt22" and options["reference_set"] != "A":
        states.append(f"references:{options['reference_set']}")
    if suite in TRANSLATIONS and options["prompt_form"] != "en":
        states.append(f"prompt:{options['prompt_form']}")
    task = task_index.all_tasks().get(planned["name"])
    if task is not None:
        states += [f"first:{planned['items']}"] if planned["items"] < task.items else []
        version = task.config["metadata"]["version"]
        states += [f"version:{planned['version']}"] if float(planned["version"]) != float(version) else []
        states += _other_data(task, TaskOptions(**options), settings["data"])
    return "|".join(states)


def _other_data(task: task_index.Task, options: TaskOptions, data: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return ``data:…`` where a file that the task read had other bytes than the catalogue names today."""
    pinned = {f"{file.repo}/{file.path}": file.sha256 for file in task.files(options)}
    read: dict[str, list[str]] = {}
    for entry in data:
        owner, _, rest = entry["file"].partition("/")
        name, _, rest = rest.partition("/")
        read.setdefault(f"{owner}/{name}/{rest.partition('/')[2]}", []).append(entry["sha256"])
    strange = sorted({sha for path, sha in pinned.items() if path in read and sha not in read[path]})
    return [f"data:{digest([read[path] for path in sorted(pinned) if path in read])[:8]}"] if strange else []


@lru_cache(maxsize=4096)
def signature(place: Place) -> str:
    """Return what a run's record would say of a number in this place; empty for metrics that are not our tasks' own."""
    task = task_index.all_tasks().get(place.task)
    if task is None or not in_order([place.metric]) or place.metric.startswith("comet"):
        return ""
    states = dict(part.split(":", 1) for part in place.state.split("|") if part)
    options = TaskOptions(label_state=states.get("labels", "head"))
    references = len(states.get("references", "A").split("+"))
    if "tokenizer" in states:
        return translation.signature(f"{place.metric}:{states['tokenizer']}", task.languages[-1], references)
    return signatures.signature(task, options, place.metric, references)
