"""A board's rankings and audit, kept on disk: the same board, code, outputs and runs are computed once.

The key covers the board's folder, the code that computes and the versions of what it uses, and which upstream files,
checkpoints and run files are there, by size and time of change (their bytes are verified when they are read). So an
entry never becomes wrong, only unused; one that cannot be read is computed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bayling_bench import audit, leaderboard, ranking, scoring, statistics
from bayling_bench.audit import rows as auditing
from bayling_bench.audit.reach import Measured
from bayling_bench.audit.rows import Row
from bayling_bench.comet import registry
from bayling_bench.data import catalogue, store
from bayling_bench.errors import BenchError
from bayling_bench.leaderboard import Board, Figure
from bayling_bench.ranking import board as ranked
from bayling_bench.ranking.board import Asked, Progress
from bayling_bench.ranking.contest import Absent, Contest, Pair, Standing
from bayling_bench.statistics import Interval

_SHOWING = ("formats.py", "grids.py", "kept.py", "readme.py")
"""Modules that compute nothing: the same numbers hold after a change of theirs."""
_MADE = (".html", ".md")
"""What is made of a board and lies in its folder, where no number is read from it."""


def contests(asked: Asked, progress: Progress | None = None) -> list[Contest]:
    """Return what `ranking.board.rank` does, from disk if it was computed before."""
    board = leaderboard.load(asked.board)
    key = [asked.only, asdict(asked.options), *(files_of_run(Path(folder)) for folder in asked.runs)]
    found = keep("contests", board, key, lambda: [asdict(each) for each in ranked.rank(asked, progress)])
    return [_contest(each) for each in found]


def audited(board: Board) -> list[Row]:
    """Return what `audit.rows.audit` does, from disk if it was computed before."""
    return [_row(each) for each in keep("audit", board, [], lambda: [_flat(row) for row in auditing.audit(board)])]


def keep(what: str, board: Board, key: Iterable[Any], compute: Callable[[], Any]) -> Any:
    """Return ``compute()``, a JSON value, from disk if ``what`` was computed of the same board and key before."""
    parts = [what, _code(), list(_board(board)), list(_upstream()), list(_checkpoints(board)), list(key)]
    name = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    path = store.cache_dir() / "boards" / f"{what}-{name[:32]}.json"
    with contextlib.suppress(OSError, ValueError):
        return json.loads(path.read_text(encoding="utf-8"))
    found = compute()
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
        draft.replace(path)
    with contextlib.suppress(OSError):
        draft.unlink(missing_ok=True)  # where writing failed half-way
    return json.loads(json.dumps(found))


@lru_cache(maxsize=1)
def _code() -> str:
    found = hashlib.sha256()
    for package in (audit, leaderboard, ranking, scoring, statistics):
        for path in sorted(Path(package.__path__[0]).rglob("*.py")):
            if path.name not in _SHOWING:
                found.update(path.read_bytes())
    return " ".join([found.hexdigest(), *map(version, ("numpy", "sacrebleu", "math-verify", "sympy"))])


def _board(board: Board) -> Iterator[list[Any]]:
    yield from _files(path for path in sorted(board.folder.rglob("*")) if path.suffix not in _MADE)
    for system in board.systems:
        origin, _, place = str(board.systems[system].get("outputs", "")).partition(":")
        if origin == "run":
            yield from files_of_run(board.folder / place)


def _upstream() -> Iterator[list[Any]]:
    for file in catalogue.files():
        path = store.path_of(file)
        if path is not None:
            yield [file.tail, *_stat(path)]


def _checkpoints(board: Board) -> Iterator[list[Any]]:
    arguments = [rule.arguments for rule in board.rules] + [each.arguments for each in board.rankings]
    for name in sorted({"comet", *(str(given["checkpoint"]) for given in arguments if "checkpoint" in given)}):
        with contextlib.suppress(BenchError):
            yield [name, str(registry.find(name).sha256)]


def files_of_run(folder: Path) -> list[list[Any]]:
    """Return what changes when a run does: the size and time of its files."""
    own = [folder / name for name in ("run.json", "scores.json", "done")]
    return [[str(folder.absolute())], *_files([*own, *sorted((folder / "items").glob("*.jsonl"))])]


def _files(paths: Iterable[Path]) -> list[list[Any]]:
    return [[str(path), *_stat(path)] for path in paths if path.is_file()]


def _stat(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _contest(kept: Mapping[str, Any]) -> Contest:
    makers: dict[str, Any] = {"standings": Standing, "pairs": Pair, "absent": Absent}
    parts = {name: tuple(make(**each) for each in kept[name]) for name, make in makers.items()}
    return Contest(**{**kept, **parts})


def _flat(row: Row) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in Row.__dataclass_fields__ if name not in ("figure", "others")}
    others = {
        label: {"value": other.value, "items": other.items, "note": other.note, "bounds": other.interval}
        for label, other in row.others.items()
    }
    return {**plain, "figure": asdict(row.figure), "others": others}


def _row(kept: Mapping[str, Any]) -> Row:
    others = {
        label: Measured(**{**each, "bounds": _interval(each["bounds"])}) for label, each in kept["others"].items()
    }
    figure, interval = Figure(**kept["figure"]), _interval(kept["interval"])
    return Row(**{**kept, "figure": figure, "interval": interval, "others": others})


def _interval(bounds: list[float] | None) -> Interval | None:
    return None if bounds is None else Interval(*bounds)
