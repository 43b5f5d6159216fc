"""Boards as data: what one is made of (``board``, ``ranking``), reading its folder (``load``, ``upstream``)."""

from bayling_bench.leaderboard.board import COLUMNS, FIELDS, Board, BoardError, Explanation, Figure, Rule, Selector
from bayling_bench.leaderboard.load import leaderboards_path, load, names, read_figures
from bayling_bench.leaderboard.ranking import Ranking

__all__ = [
    "COLUMNS",
    "FIELDS",
    "Board",
    "BoardError",
    "Explanation",
    "Figure",
    "Ranking",
    "Rule",
    "Selector",
    "leaderboards_path",
    "load",
    "names",
    "read_figures",
]
