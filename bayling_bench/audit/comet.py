"""COMET of released outputs: computed where its checkpoint is at hand, else from segment scores kept beside the board.

A board keeps segment scores in ``segments/<metric>.<task>.<system>.json`` (the form is that of ``comet.kept``). They
serve only while they are of this checkpoint, in fp32, and of these very texts.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import numpy as np

from bayling_bench.audit import translation
from bayling_bench.audit.reach import Measured, NotInReach, Sample, percent
from bayling_bench.audit.session import Session
from bayling_bench.comet import kept, registry
from bayling_bench.comet.kept import Kept
from bayling_bench.comet.metric import VERSION, Metric, Use
from bayling_bench.comet.scorer import Segment
from bayling_bench.leaderboard import Board, Figure

SEGMENTS = "segments"


def comet(
    session: Session, figure: Figure, direction: str, checkpoint: str = "comet", references: str = "paper"
) -> Measured | None:
    """Return COMET times 100 of the figure's system on a WMT22 direction; None without checkpoint and kept scores.

    A ``checkpoint`` that we know by name counts only with its published weights: no others can confirm a figure.
    """
    found = segment_scores(session, figure, direction, checkpoint, references)
    if found is None:
        return None
    rows = np.column_stack([found.scores, np.ones(len(found.scores))])
    units: list[str] = []
    with contextlib.suppress(NotInReach):
        units = translation.units(direction)
    sample = Sample([rows], percent, units)
    return Measured(100 * float(np.mean(found.scores)), len(found.scores), note=found.signature, sample=sample)


def segment_scores(session: Session, figure: Figure, direction: str, checkpoint: str, references: str) -> Kept | None:
    """Return the segment scores of a figure with their signature, as `comet`. NotInReach without the outputs."""
    metric, references = _metric(session, checkpoint), translation.letters(direction, references)
    beside = kept.read(segments_file(session.board.folder, figure))
    if beside is not None and not _fits(beside, metric, checkpoint, references):
        beside = None
    if metric is None and beside is None:
        return None
    try:
        found = translation.segments(session.outputs(figure.system), direction, references)
    except NotInReach:
        if beside is None:
            raise
        return beside
    segments = [Segment.of(*parts) for parts in found]
    if beside is not None and beside.segments == kept.digest(_read(segments, beside.signature)):
        return beside
    if metric is None:
        return None
    scores = metric.score(segments, references)
    read = _read(segments, metric.signature(references))
    return Kept(metric.signature(references), kept.digest(read), tuple(scores))


def segments_file(folder: Path, figure: Figure) -> Path:
    """Return where a board's folder keeps the segment scores of a figure."""
    name = ".".join((figure.metric, figure.task, figure.system))
    return folder / SEGMENTS / f"{re.sub(r'[^0-9A-Za-z._-]', '_', name)}.json"


def keep(board: Board, use: Use, folder: Path) -> int:
    """Write the segment scores of a board's COMET figures into a folder; return of how many there are any."""
    session, written = Session(board, {}, use), 0
    for figure in board.figures:
        rule, arguments = board.rule_of(figure)
        if rule.measure != comet.__name__:
            continue
        given = {"checkpoint": "comet", "references": "paper", **arguments}
        try:
            found = segment_scores(session, figure, **given)
        except NotInReach:
            continue
        if found is not None:
            kept.write(segments_file(folder, figure), found)
            written += 1
    return written


def _metric(session: Session, checkpoint: str) -> Metric | None:
    """Return the metric, or None where its weights, or the ones that a name stands for, are not on this machine."""
    if checkpoint not in session.loaded:
        session.loaded[checkpoint] = None
        with contextlib.suppress(registry.NoCheckpoint):
            found, known = registry.find(checkpoint), registry.KNOWN.get(checkpoint)
            if known is None or known.sha256 == found.sha256:
                session.loaded[checkpoint] = Metric(found, session.comet)
    return session.loaded[checkpoint]


def _fits(beside: Kept, metric: Metric | None, checkpoint: str, references: str) -> bool:
    """Return whether kept scores are of this checkpoint; without it, as far as its name and what is known of it tell.

    Of the version only the way of computing scores counts, not the release of this program.
    """
    parts = _parts(beside.signature)
    if metric is not None:
        return parts == _parts(metric.signature(references))
    known = registry.known(checkpoint)
    if known is not None and (known.sha256 or "")[:12] != parts["sha"]:
        return False
    if known is not None and known.reads_references != (parts["refs"] != "none"):
        return False
    of_this = (parts["model"], parts["precision"]) == (registry.name_of(checkpoint), "fp32")
    return of_this and parts["version"] == str(VERSION) and parts["refs"] in (references, "none")


def _parts(signature: str) -> dict[str, str]:
    parts: dict[str, str] = dict.fromkeys(("model", "sha", "precision", "encoder", "refs", "version"), "")
    for part in signature.split("|"):
        name, _, value = part.partition(":")
        parts[name] = value
    parts["version"] = parts["version"].partition("+")[0]
    return parts


def _read(segments: list[Segment], signature: str) -> list[Segment]:
    """Return segments as the metric of a signature reads them."""
    return kept.without_references(segments) if _parts(signature)["refs"] == "none" else segments
