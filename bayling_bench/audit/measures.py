"""What a board's rules can name as ``measure``. Each takes the session, the figure, and the rule's arguments."""

# ruff: noqa: ARG001 - every measure takes session and figure, whether or not it needs them

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bayling_bench import record
from bayling_bench.audit import comet, exams, judge, translation
from bayling_bench.audit.reach import CELLS, OUTPUTS, Measured, NotInReach, Sample, percent
from bayling_bench.audit.session import Cells, Session
from bayling_bench.errors import DataError
from bayling_bench.leaderboard import Figure
from bayling_bench.scoring.kinds import for_tables, unit_of


def exam_accuracy(session: Session, figure: Figure, labels: str = "head", rule: str = "paper") -> Measured:
    """Return the accuracy of the figure's system on the figure's subset, in per cent."""
    return exams.accuracy(_published(session, figure.system), figure.task, labels, rule)


def corpus_score(session: Session, figure: Figure, direction: str, score: str, references: str = "A") -> Measured:
    """Return BLEU, chrF2 or TER of the figure's system on a WMT22 direction."""
    return translation.corpus(session.outputs(figure.system), direction, score, references)


def wrong_language(session: Session, figure: Figure, direction: str) -> Measured:
    """Return the share in per cent of outputs in another language than the target."""
    return translation.wrong_language(session.outputs(figure.system), direction)


def run_score(session: Session, figure: Figure, task: str, metric: str) -> Measured:
    """Return a score of a run folder, which ``outputs = "run:FOLDER"`` names relative to the board's folder."""
    origin, _, place = session.outputs(figure.system).partition(":")
    if origin != "run":
        raise DataError(f"{figure.system}: run_score reads outputs of the form run:FOLDER, not {origin}:{place}")
    folder = session.board.folder / place
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
    turns, _, language = files.partition(".")
    return judge.outcomes(opponent, turns, language, outcome)


def judge_category(
    session: Session,
    figure: Figure,
    opponent: str,
    files: str,
    category: str,
) -> Measured:
    """Return the mean score of the figure's system in one category of one review file."""
    turns, _, language = files.partition(".")
    return judge.category_mean(opponent, turns, language, category, figure.system)


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


def cells_mean(session: Session, figure: Figure, cells: Mapping[str, Any], independent: bool = False) -> Measured:
    """Return the plain mean of other cells of the figure's system.

    It has an interval only where the cells are ``independent``: sat-en and sat-en-without-passage ask the same
    questions, and drawing each for itself would make the interval too narrow.
    """
    found = session.cells(Cells(**cells), figure.system)
    samples = [cell.sample for cell in found]
    sample = None
    if independent and samples[0] is not None and None not in samples:
        strata = [stratum for each in samples if each is not None for stratum in each.strata]
        sample = Sample(strata, samples[0].aggregate)
    return Measured(_mean(found), basis=_basis(found), note=f"mean of {len(found)}", sample=sample)


def cells_difference(
    session: Session, figure: Figure, cells: Mapping[str, Any], systems: Sequence[str], independent: bool = False
) -> Measured:
    """Return the mean of one system's cells less another's; items are paired in its interval (see ``cells_mean``)."""
    one, other = (session.cells(Cells(**cells), system) for system in systems)
    strata = []
    for mine, theirs in zip(one, other, strict=True):
        if independent and mine.sample is not None and theirs.sample is not None:
            # Columns are hits and items: the difference of hits over the same items.
            pairs = zip(mine.sample.strata, theirs.sample.strata, strict=True)
            strata += [np.column_stack([ours[:, 0] - others[:, 0], ours[:, 1]]) for ours, others in pairs]
    sample = Sample(strata, percent) if strata else None
    return Measured(_mean(one) - _mean(other), basis=_basis([*one, *other]), sample=sample)


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
        exam_accuracy, corpus_score, wrong_language, run_score, judge_outcome, judge_category, judge_ratio, judge_share,
        cells_mean, cells_difference, cells_ratio, cells_rank, comet.comet, comet.source_copied,
    )
}  # fmt: skip


def _published(session: Session, system: str) -> str:
    origin, _, name = session.outputs(system).partition(":")
    if origin != "published":
        raise DataError(f"{system}: exam answers are read from published:SYSTEM, not from {origin}:{name}")
    return name


def _mean(cells: Sequence[Measured]) -> float:
    return sum(cell.value for cell in cells) / len(cells)


def _basis(cells: Sequence[Measured]) -> str:
    return CELLS if any(cell.basis == CELLS for cell in cells) else OUTPUTS
