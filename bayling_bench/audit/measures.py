"""What a board's rules can name as ``measure``. Each takes the session, the figure, and the rule's arguments."""

# ruff: noqa: ARG001 - every measure takes session and figure, whether or not it needs them

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayling_bench import record
from bayling_bench.audit import comet, exams, interactive, judge, translation
from bayling_bench.audit.reach import CELLS, OUTPUTS, Measured, NotInReach, Sample, average_sample, rows_of
from bayling_bench.audit.session import Cells, Session
from bayling_bench.errors import DataError
from bayling_bench.leaderboard import Figure
from bayling_bench.scoring.kinds import for_tables, unit_of
from bayling_bench.statistics import Sums


def exam_accuracy(session: Session, figure: Figure, labels: str = "head", rule: str = "paper") -> Measured:
    """Return the accuracy of the figure's system on the figure's subset, in per cent."""
    return exams.accuracy(session.outputs(figure.system), figure.task, labels, rule)


def exam_unparsed(session: Session, figure: Figure) -> Measured:
    """Return the share in per cent of answers to the figure's subset in which the strict rule reads no choice."""
    return exams.unparsed(session.outputs(figure.system), figure.task)


def corpus_score(session: Session, figure: Figure, **arguments: Any) -> Measured:
    """Return BLEU, chrF2 or TER of the figure's system on a WMT22 direction."""
    return translation.corpus(session.outputs(figure.system), **arguments)


def wrong_language(session: Session, figure: Figure, direction: str, prompt: str = "en") -> Measured:
    """Return the share in per cent of outputs in another language than the target."""
    return translation.flagged(session.outputs(figure.system), direction, "wrong_language", prompt)


def source_copied(session: Session, figure: Figure, direction: str, prompt: str = "en") -> Measured:
    """Return the share in per cent of outputs that copy their source."""
    return translation.flagged(session.outputs(figure.system), direction, "source_copied", prompt)


def constraints_met(session: Session, figure: Figure, direction: str, prompt: str = "en") -> Measured:
    """Return the share in per cent of constraints that the system's interactive translations contain."""
    return interactive.satisfied(session.outputs(figure.system), direction, prompt)


def constraints_echoed(session: Session, figure: Figure, direction: str, prompt: str = "en") -> Measured:
    """Return the share in per cent of interactive translations that repeat what was asked for as a list."""
    return interactive.echoed(session.outputs(figure.system), direction, prompt)


def interactive_score(session: Session, figure: Figure, direction: str, score: str, prompt: str = "en") -> Measured:
    """Return BLEU or chrF2 of the system's interactive translations."""
    return interactive.corpus(session.outputs(figure.system), direction, score, prompt)


def run_score(session: Session, figure: Figure, task: str, metric: str) -> Measured:
    """Return a score of a run folder, which ``outputs = "run:FOLDER"`` names."""
    origin, _, place = session.outputs(figure.system).partition(":")
    if origin != "run":
        raise DataError(f"{figure.system}: run_score reads outputs of the form run:FOLDER, not {origin}:{place}")
    folder = Path(place)
    if not folder.is_dir():
        raise NotInReach(str(folder), f"bayling-bench run -o {folder} -m MODEL -t {task}")
    scored = record.load(folder).scores.get("tasks", {}).get(task, {}).get("metrics", {})
    if metric not in scored:
        raise DataError(f"{folder} has no {metric} of {task}; `bayling-bench score {folder}` scores its responses")
    scale = for_tables(1.0, unit_of(metric)) or 1.0
    return Measured(scale * scored[metric]["value"], scored[metric]["n"])


def judge_outcome(
    session: Session,
    figure: Figure,
    opponent: str,
    files: str,
    outcome: str,
) -> Measured:
    """Return how many questions of one review file (``singleturn.en``) BayLing wins, ties or loses."""
    return judge.outcomes(opponent, files, outcome)


def judge_category(
    session: Session,
    figure: Figure,
    opponent: str,
    files: str,
    category: str,
) -> Measured:
    """Return the mean score of the figure's system in one category of one review file."""
    return judge.category_mean(opponent, files, category, figure.system)


def judge_mean(session: Session, figure: Figure, opponent: str, files: Sequence[str]) -> Measured:
    """Return the mean score of the figure's system, BayLing or the opponent, over review files."""
    return judge.mean_score(opponent, files, figure.system)


def judge_ratio(
    session: Session,
    figure: Figure,
    opponent: str,
    files: Sequence[str],
    pooled: bool = False,
) -> Measured:
    """Return BayLing's scores over the opponent's in per cent; the mean over review files, or all pooled."""
    return judge.score_ratio(opponent, files, pooled)


def judge_share(
    session: Session,
    figure: Figure,
    opponent: str,
    files: Sequence[str],
    outcomes: Sequence[str],
) -> Measured:
    """Return the share in per cent of questions with one of ``outcomes`` over review files."""
    return judge.outcome_share(opponent, files, outcomes)


def cells_mean(session: Session, figure: Figure, cells: Mapping[str, Any]) -> Measured:
    """Return the plain mean of other cells of the figure's system; its interval draws items that cells share as one."""
    found = session.cells(Cells(**cells), figure.system)
    sample = average_sample([cell.sample for cell in found])
    return Measured(_mean(found), basis=_basis(found), note=f"mean of {len(found)}", sample=sample)


def cells_difference(session: Session, figure: Figure, cells: Mapping[str, Any], systems: Sequence[str]) -> Measured:
    """Return the mean of one system's cells less another's; items are paired in its interval (see ``cells_mean``)."""
    one, other = (session.cells(Cells(**cells), system) for system in systems)
    samples = [_difference(mine.sample, theirs.sample) for mine, theirs in zip(one, other, strict=True)]
    return Measured(_mean(one) - _mean(other), basis=_basis([*one, *other]), sample=average_sample(samples))


def _difference(mine: Sample | None, theirs: Sample | None) -> Sample | None:
    """Return what the difference of two figures over the same items is drawn from; None where they are of others."""
    if mine is None or theirs is None or list(mine.units) != list(theirs.units):
        return None
    aggregate = mine.aggregate

    def apart(sums: Sums) -> NDArray[np.float64]:
        half = sums.shape[1] // 2
        return aggregate(sums[:, :half]) - aggregate(sums[:, half:])

    return Sample([np.column_stack([rows_of(mine), rows_of(theirs)])], apart, mine.units)


def cells_ratio(
    session: Session,
    figure: Figure,
    cells: Mapping[str, Any],
    systems: Sequence[str],
    pooled: bool = False,
) -> Measured:
    """Return one system's cells over another's in per cent: the mean of ratios, or the ratio of means."""
    one, other = (session.cells(Cells(**cells), system) for system in systems)
    if pooled:
        return Measured(100 * _mean(one) / _mean(other), basis=_basis(one))
    ratios = [100 * mine.value / theirs.value for mine, theirs in zip(one, other, strict=True)]
    return Measured(sum(ratios) / len(ratios), basis=_basis(one))


def cells_rank(session: Session, figure: Figure, cells: Mapping[str, Any], systems: Sequence[str]) -> Measured:
    """Return the place of the figure's system among systems by the mean of cells; 1 is best, ties share the better.

    Computed from outputs, it leaves out systems whose outputs are not on this machine, and says so.
    """
    means: dict[str, float] = {}
    absent = []
    for system in systems:
        try:
            means[system] = _mean(session.cells(Cells(**cells), system))
        except NotInReach as error:
            if system == figure.system:
                raise
            absent.append((system, error))
    if len(means) < 2:
        raise absent[0][1]
    order = sorted(means, key=lambda system: -means[system])
    note = ", ".join(f"{session.board.name_of(system)} {means[system]:.2f}" for system in order)
    if absent:
        note += f"; not in reach: {', '.join(session.board.name_of(system) for system, _ in absent)}"
    place = 1 + sum(mean > means[figure.system] for mean in means.values())
    return Measured(place, basis=OUTPUTS if cells.get("source", "outputs") == "outputs" else CELLS, note=note)


MEASURES: dict[str, Callable[..., Measured | None]] = {
    measure.__name__: measure
    for measure in (
        exam_accuracy, exam_unparsed, corpus_score, wrong_language, source_copied, constraints_met, constraints_echoed,
        interactive_score, run_score, judge_outcome, judge_category, judge_mean, judge_ratio, judge_share, cells_mean,
        cells_difference, cells_ratio, cells_rank, comet.comet,
    )
}  # fmt: skip


def _mean(cells: Sequence[Measured]) -> float:
    return sum(cell.value for cell in cells) / len(cells)


def _basis(cells: Sequence[Measured]) -> str:
    return CELLS if any(cell.basis == CELLS for cell in cells) else OUTPUTS
