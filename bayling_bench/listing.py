"""What ``bayling-bench tasks`` and ``fetch`` show and take: tasks in rows and cards, names as files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bayling_bench import task_index
from bayling_bench.config import TaskOptions
from bayling_bench.data import catalogue, published, store
from bayling_bench.errors import DataError
from bayling_bench.task_index import Task

_COLUMNS = ("task", "suite", "items", "languages", "metrics", "fetched")


def row(task: Task, options: TaskOptions) -> dict[str, Any]:
    """Return what a listing says of a task."""
    files = task.files(options)
    return {
        "task": task.name,
        "suite": task.suite,
        "groups": task.tags,
        "items": task.items,
        "languages": task.languages,
        "metrics": ["judge"] if task.needs_judge else [name for name in task.metrics if "@" not in name],
        "licence": sorted({file.licence for file in files}) or ["Apache-2.0"],
        "fetched": all(map(store.is_present, files)),
    }


def card(task: Task, options: TaskOptions) -> dict[str, Any]:
    """Return everything about one task, with the prompt of its first item (None while its data is not here)."""
    files = task.files(options)
    try:
        document = task_index.first_document(task, options)
        prompt: Any = document["turns"] if task.multi_turn else document["prompt"]
    except DataError:
        prompt = None
    return row(task, options) | {
        "file": str(task.path),
        "output_type": task.config["output_type"],
        "generation": task.config.get("generation_kwargs"),
        "data": [{"file": file.tail, "sha256": file.sha256, "citation": file.citation} for file in files],
        "prompt": prompt,
    }


def card_text(shown: dict[str, Any]) -> str:
    """Return a card for the terminal."""
    lines = [f"{shown['task']}  ({shown['suite']}; in {', '.join(shown['groups'])})"]
    lines.append(f"items      {shown['items']}    languages {' -> '.join(shown['languages'])}")
    lines.append(f"metrics    {', '.join(shown['metrics'])}")
    lines.append(f"licence    {', '.join(shown['licence'])}")
    lines.append(f"settings   {shown['generation'] or shown['output_type']}")
    lines.append(f"task file  {shown['file']}")
    lines += [f"data       {entry['file']}" for entry in shown["data"]]
    lines += [f"cite       {citation}" for citation in dict.fromkeys(entry["citation"] for entry in shown["data"])]
    if shown["prompt"] is None:
        return "\n".join([*lines, "", f"The data is not here yet: bayling-bench fetch {shown['task']}"])
    turns = shown["prompt"] if isinstance(shown["prompt"], list) else [shown["prompt"]]
    for number, turn in enumerate(turns, start=1):
        lines += ["", f"--- first item, the user's message{f' {number}' if len(turns) > 1 else ''} ---", turn]
    return "\n".join(lines)


def table_text(rows: Sequence[dict[str, Any]]) -> str:
    """Return the listing for the terminal, and the groups below it."""
    cells = [_COLUMNS, *(tuple(_cell(row[column]) for column in _COLUMNS) for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(_COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    groups = ", ".join(f"{name} ({len(tasks)})" for name, tasks in task_index.suites().items())
    return "\n".join([*lines, "", f"{len(rows)} tasks. Suites: {groups}", "Not fetched: bayling-bench fetch SUITE"])


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(value) if isinstance(value, list) else str(value)


def files_for(targets: Iterable[str]) -> list[catalogue.File]:
    """Return the upstream files of tasks, suites, ``published:SYSTEM``, ``reviews`` and ``all``, each once.

    Both label states and every reference are included, so that all options work offline afterwards.
    """
    files: list[catalogue.File] = []
    for target in targets:
        if target == "all":
            return list(catalogue.files())
        if target == "reviews":
            files += catalogue.match(published.REPOSITORY, "exp/general_tasks/GPT4-REVIEW/*")
            continue
        if target.startswith("published:"):
            files += published.files_of(published.check_system(target.partition(":")[2]))
            continue
        for task in task_index.select([target]):
            for labels in ("head", "2023-06"):
                files += task.files(TaskOptions(reference_set="all", label_state=labels))
    return list(dict.fromkeys(files))
