"""All items of a report, packed: of runs from their records, of a board's systems from their published outputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bayling_bench import report as package
from bayling_bench.display.text import visible
from bayling_bench.leaderboard import Board
from bayling_bench.ranking import kept
from bayling_bench.report import board_items, items, run_items
from bayling_bench.report.gathered import Gathered
from bayling_bench.report.items import Items, Packed, Part, Table
from bayling_bench.report.packing import packed
from bayling_bench.report.systems import run_key

_WORTH_SHARING = 20_000
"""Characters of a task's documents from which tasks of the same documents share them."""

Told = Callable[[int, int, str], None]
"""Told of work: tasks done, tasks in all, the last one."""


@dataclass(frozen=True, kw_only=True)
class PackedItems:
    """The items of every task, as they lie in the page."""

    tasks: dict[str, Packed] = field(default_factory=dict)
    packs: list[str] = field(default_factory=list)
    docs: dict[str, str] = field(default_factory=dict)
    """Documents that several tasks share, by key."""

    @property
    def bytes(self) -> int:
        """Return their size in the page."""
        return sum(map(len, self.packs)) + sum(map(len, self.docs.values()))

    def say(self) -> str:
        """Return in words how many items there are of how many, and their size."""
        here, total = (sum(getattr(task, name) for task in self.tasks.values()) for name in ("packed", "total"))
        of = "" if here == total else f" of {total:,}"
        return f"{here:,}{of} items of {len(self.tasks)} tasks, {self.bytes / 1e6:.1f} MB"


def pack(found: Gathered, folders: Sequence[Path], chosen: Items, told: Told | None = None) -> PackedItems:
    """Return the items of runs, in these folders, and of the board's systems in reach.

    With a board they come from disk where the same were packed before: that takes a minute the first time.
    """
    if chosen == "none":
        return PackedItems()
    if found.standing is None:
        return _computed(found, folders, chosen, told)
    key = [chosen, _code(), *(kept.files_of_run(folder) for folder in folders)]
    key += [[str(path), path.stat().st_mtime_ns] for folder in folders for path in _judgements(folder)]
    stored = kept.keep("items", found.standing.board, key, lambda: asdict(_computed(found, folders, chosen, told)))
    return PackedItems(**{**stored, "tasks": {task: Packed(**each) for task, each in stored["tasks"].items()}})


def _judgements(folder: Path) -> list[Path]:
    return sorted((folder / "judgements").glob("*.jsonl"))


def _code() -> str:
    return "".join(
        path.read_text(encoding="utf-8")
        for path in sorted(Path(package.__path__[0]).glob("*.py"))
        if "item" in path.name or path.name == "packing.py"
    )


def _computed(found: Gathered, folders: Sequence[Path], chosen: Items, told: Told | None) -> PackedItems:
    verdicts = [run_items.verdicts(folder, found.judgings[run_key(place)]) for place, folder in enumerate(folders)]
    plan = _plan(found)
    tables: dict[str, Table] = {}
    for number, (task, of_board) in enumerate(plan.items()):
        parts = [
            part
            for place, reading in enumerate(found.readings)
            if (part := run_items.part(run_key(place), reading, task, verdicts[place])) is not None
        ]
        if found.standing is not None:
            parts += _of_board(found.standing.board, task, of_board)
        tables[task] = items.table(task, parts, chosen)
        if told is not None:
            told(number + 1, 2 * len(plan), task)
    return _packed(tables, lambda number, task: told and told(len(plan) + number, 2 * len(plan), task))


def _of_board(board: Board, task: str, systems: Iterable[tuple[str, Sequence[str]]]) -> list[Part]:
    parts = (board_items.part(board, system, task, states) for system, states in systems)
    return [part for part in parts if part is not None]


def _plan(found: Gathered) -> dict[str, list[tuple[str, list[str]]]]:
    tasks: dict[str, Any] = {planned["name"]: [] for reading in found.readings for planned in reading.settings["tasks"]}
    if found.standing is not None:
        tasks |= board_items.parts_of(found.standing.board, found.cells)
    return tasks


def _packed(tables: dict[str, Table], told: Callable[[int, str], Any]) -> PackedItems:
    """Return the tables compressed; large documents that several tasks have in common are packed once."""
    held = {task: table for task, table in tables.items() if table.total}
    of = Counter(table.docs_key for table in held.values())
    shared = {key for key, table in _large(held) if of[key] > 1}
    families: dict[str, list[str]] = {}
    for task in held:
        families.setdefault(items.family(task), []).append(task)
    packs, places, done = [], {}, 0
    for kin in families.values():
        chunks = {task: list(items.chunks(held[task], held[task].docs_key in shared)) for task in kin}
        joined = len(kin) > 1 and all(len(each) == 1 for each in chunks.values())
        together = [{task: each[0] for task, each in chunks.items()}] if joined else []
        apart = [{task: chunk} for task, each in chunks.items() for chunk in each]
        for pack in together or apart:
            for task in pack:
                places.setdefault(task, []).append(len(packs))
            packs.append(packed({visible(task): chunk for task, chunk in pack.items()}))
        done += len(kin)
        told(done, kin[-1])
    docs = {key: packed(list(table.docs.values())) for key, table in _large(held) if key in shared}
    return PackedItems(
        tasks={task: items.told(table, places.get(task, ())) for task, table in held.items()}, packs=packs, docs=docs
    )


def _large(tables: dict[str, Table]) -> list[tuple[str, Table]]:
    return [
        (table.docs_key, table)
        for table in tables.values()
        if sum(len(str(doc)) for doc in table.docs.values()) >= _WORTH_SHARING
    ]
