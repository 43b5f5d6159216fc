"""A board's page of rankings: ``RANKINGS.md``, and ``rankings.csv`` with its numbers, beside the board's README."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bayling_bench import record
from bayling_bench.leaderboard import Board, BoardError
from bayling_bench.ranking import formats
from bayling_bench.ranking.contest import Contest

NUMBERS = "rankings.csv"
PAGE = "RANKINGS.md"


def write(board: Board, contests: Sequence[Contest], folder: Path) -> None:
    """Write both files into a folder, which should be the board's own."""
    numbers = formats.to_csv(board, contests)
    record.write_text(folder / NUMBERS, numbers)
    record.write_text(folder / PAGE, render(board, formats.from_csv(numbers)))


def render(board: Board, contests: Sequence[Contest]) -> str:
    """Return the page as Markdown; from what `read` gives it is the page that `write` wrote."""
    command = f"bayling-bench rank {board.name} --format readme -o leaderboards/{board.name}"
    return formats.to_markdown(board, contests) + f"\nThis page: `{command}`. Every pair: `--pairs`.\n"


def read(board: Board) -> list[Contest]:
    """Return the contests of the board's ``rankings.csv``; BoardError without one."""
    path = board.folder / NUMBERS
    if not path.is_file():
        raise BoardError(f"{path} does not exist. `bayling-bench rank {board.name} --format readme -o …` makes it.")
    return formats.from_csv(path.read_text(encoding="utf-8"))
