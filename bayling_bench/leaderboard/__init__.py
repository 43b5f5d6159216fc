"""Boards as data: `board` says what one is made of, `load` reads its folder, `upstream` adds figures kept elsewhere."""

from bayling_bench.leaderboard.board import COLUMNS, FIELDS, Board, BoardError, Explanation, Figure, Rule, Selector
from bayling_bench.leaderboard.load import leaderboards_path, load, names, read_figures

__all__ = [
    "COLUMNS",
    "FIELDS",
    "Board",
    "BoardError",
    "Explanation",
    "Figure",
    "Rule",
    "Selector",
    "leaderboards_path",
    "load",
    "names",
    "read_figures",
]
