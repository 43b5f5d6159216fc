"""What verbs about boards share: bringing the outputs they are about, and a board as it stands here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bayling_bench.errors import BenchError

if TYPE_CHECKING:
    from bayling_bench.leaderboard import Board
    from bayling_bench.ranking.board import Progress
    from bayling_bench.ranking.contest import Contest
    from bayling_bench.report.gathered import Standing


def check_form(board: str, form: str, forms: Iterable[str], output: Path | None) -> None:
    """Raise BenchError for a format that is unknown, or one that needs a folder and has none."""
    if form not in ("table", "readme", *forms):
        raise BenchError(f"--format {form!r} is unknown. Known: table, {', '.join(forms)}, readme.")
    if form == "readme" and output is None:
        raise BenchError(f"--format readme needs the board's folder: -o leaderboards/{board}")


def bring(mirror: str | None) -> None:
    """Fetch every upstream file that is not here, and say which could not be had: the rest is still worth reading."""
    from bayling_bench import listing, terminal
    from bayling_bench.data import fetch

    files = listing.files_for(["all"])
    with terminal.FetchBar(len(files), sum(file.bytes for file in files)) as bar:
        found = fetch.fetch(files, mirror=mirror, progress=bar)
    if found.failed:
        file, reason = next(iter(found.failed.items()))
        terminal.say(
            f"note: {len(found.failed)} of {len(files)} files could not be fetched, the first: {file.tail}: {reason}. "
            "What they hold is reported as not in reach."
        )


def standing(board: str, runs: Sequence[Path]) -> Standing:
    """Return a board as computed here, with runs among its systems; BoardError as `leaderboard.load`."""
    from bayling_bench import leaderboard, terminal

    name = str(Path(board).parent) if Path(board).name == "board.toml" else board
    with terminal.counted("contests") as report:
        return of_board(leaderboard.load(name), runs, lambda done, total, what: report(done, total, f", {what}"))


def of_board(board: Board, runs: Sequence[Path] = (), progress: Progress | None = None) -> Standing:
    """Return what `standing` does, of a board that is open."""
    from bayling_bench.ranking import kept
    from bayling_bench.ranking.board import Asked
    from bayling_bench.report.gathered import Standing

    contests = []
    if board.rankings:
        contests = kept.contests(Asked(board=str(board.folder), runs=tuple(map(str, runs))), progress)
        contests = [_without_paths(contest, runs) for contest in contests]
    return Standing(board=board, audited=kept.audited(board) if board.figures else (), contests=contests)


def _without_paths(contest: Contest, runs: Sequence[Path]) -> Contest:
    """Return a contest that names runs by their folders: where those lie on this machine is nobody's business."""
    absent = contest.absent
    for folder in sorted((folder.absolute() for folder in runs), key=lambda folder: -len(str(folder))):
        absent = [
            replace(
                each,
                why=each.why.replace(str(folder), folder.name),
                command=each.command.replace(str(folder), folder.name),
            )
            for each in absent
        ]
    return replace(contest, absent=tuple(absent))
