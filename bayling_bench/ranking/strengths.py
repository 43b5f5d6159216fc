"""One ranking out of pairwise reviews: Bradley-Terry strengths of BayLing and of the opponents in reach."""

from __future__ import annotations

from bayling_bench import statistics
from bayling_bench.audit import judge
from bayling_bench.audit.reach import NotInReach
from bayling_bench.data import reviews
from bayling_bench.leaderboard import Board, BoardError, Ranking
from bayling_bench.ranking.contest import Absent, Contest, Options, Standing

MEASURE = "bradley_terry"
_OUTCOMES = {"win": 1.0, "tie": 0.5, "lose": 0.0}


def contest(board: Board, ranking: Ranking, task: str, options: Options) -> Contest:
    """Return the strengths over the review files that the ranking's arguments name, as far as they are in reach.

    A strength is relative to the others (their geometric mean is 1); questions are resampled with all their reviews.
    Every review is of BayLing and one opponent, so opponents meet through BayLing alone.
    """
    if "files" not in ranking.arguments:
        raise BoardError(f"{board.name}: ranking {ranking.title!r} needs arguments = {{ files = […] }}.")
    files = ranking.filled(ranking.arguments, task)["files"]
    judged, questions, absent = [], [], []
    for opponent, system in reviews.OPPONENTS.items():
        if system not in ranking.systems:
            continue
        try:
            found = [each for name in files for each in judge.reviews_of(opponent, name)]
        except NotInReach as error:
            absent.append(Absent(system, board.name_of(system), error.what, error.command))
            continue
        judged += [(reviews.SYSTEM, system, _OUTCOMES[str(each["verdict"])]) for each in found]
        questions += [each["question_id"] for each in found]
    if not judged:
        return Contest(ranking.title, ranking.metric, task, False, ranking.decimals, (), (), tuple(absent))
    found = statistics.strengths(judged, questions, resamples=options.resamples, seed=options.seed)
    order = sorted(range(len(found.names)), key=lambda place: -found.values[place])
    standings = [_standing(board, found, place, len(judged)) for place in order]
    return Contest(ranking.title, ranking.metric, task, False, ranking.decimals, tuple(standings), (), tuple(absent))


def _standing(board: Board, found: statistics.Strengths, place: int, n: int) -> Standing:
    system = found.names[place]
    low, high = found.intervals[place] if found.intervals is not None else (None, None)
    return Standing(system, board.name_of(system), found.values[place], low, high, n, None, None, None)
