"""``bayling-bench rank``: a board's systems, and your runs beside them, with tests of every pair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayling_bench.commands import boards
from bayling_bench.errors import BenchError

if TYPE_CHECKING:
    from bayling_bench.ranking.contest import Absent, Contest

EPILOG = (
    "Examples:  rank bayling_2023  ·  rank bayling_2023 runs/mine --only translation  ·  "
    "rank wmt22_official --pairs --format csv -o pairs.csv"
)


def rank(
    board: Annotated[str, typer.Argument(metavar="BOARD", help="A board that is shipped, or the folder of your own.")],
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN]...", help="Run folders to rank beside the board's systems.")
    ] = None,
    only: Annotated[str, typer.Option(metavar="TEXT", help="Only rankings whose title holds TEXT.")] = "",
    pairs: Annotated[bool, typer.Option("--pairs", help="Show the tests of every pair of systems.")] = False,
    resamples: Annotated[int, typer.Option(help="Bootstrap resamples; randomization takes ten times as many.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of resamples and swaps.")] = 12345,
    jobs: Annotated[int, typer.Option(help="Processes; 0 for one a core.")] = 0,
    form: Annotated[
        str,
        typer.Option("--format", help="table, md, csv, json; or readme, which writes RANKINGS.md into the folder -o."),
    ] = "table",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File. [default: the terminal]")] = None,
    fetch_first: Annotated[bool, typer.Option("--fetch", help="Fetch what is not on this machine first.")] = False,
    mirror: Annotated[
        str | None,
        typer.Option(metavar="DIR|URL", help="Read upstream data from a mirror (or set BAYLING_BENCH_MIRROR)."),
    ] = None,
) -> None:
    """Rank a board's systems: values with intervals, every pair tested, and the ranks that each can have.

    Two systems are told apart where approximate randomization over their common items, corrected by Holm over all pairs
    of the line, gives p < 0.05. Systems whose outputs are not on this machine are named and left out.
    """
    from bayling_bench import leaderboard, record, terminal
    from bayling_bench.data import store
    from bayling_bench.ranking import formats, readme
    from bayling_bench.ranking.board import Asked
    from bayling_bench.ranking.board import rank as ranked
    from bayling_bench.ranking.contest import Options

    boards.check_form(board, form, formats.TEXTS, output)
    if form == "readme" and (runs or only or pairs):
        raise BenchError("--format readme writes the board's whole page: leave out RUN, --only and --pairs.")
    store.set_mirror(mirror)
    if fetch_first:
        boards.bring(mirror)
    options = Options(resamples=resamples, seed=seed)
    asked = Asked(board=board, runs=tuple(map(str, runs or ())), only=only, options=options, jobs=jobs)
    with terminal.counted("contests") as report:
        contests = ranked(asked, lambda done, total, what: report(done, total, f", {what}"))
    loaded = leaderboard.load(board)
    for warning in _missing(contests):
        terminal.say(f"note: {warning}")
    if not any(contest.standings for contest in contests):
        absent = [each for contest in contests for each in contest.absent]
        first = next((each for each in absent if each.command), absent[0])  # one that a command can mend, if any
        raise BenchError(f"Nothing here can be ranked. {first.name}, for one: {_lack(first)}.")
    if form == "readme" and output is not None:
        readme.write(loaded, contests, output)
    elif form == "table" and output is None:
        for table in formats.tables(loaded, contests, pairs):
            terminal.out.print(table)
    else:
        text = formats.TEXTS["md" if form == "table" else form](loaded, contests, pairs)
        if output is None:
            typer.echo(text, nl=False)
        else:
            record.write_text(output, text)
            typer.echo(f"rankings: {output}")


def _missing(contests: Sequence[Contest]) -> Iterator[str]:
    """Yield for each run that stands in no contest what keeps it out of the first."""
    there = {standing.system for contest in contests for standing in contest.standings}
    absent = {each.system: each for contest in reversed(contests) for each in contest.absent}
    for system, each in absent.items():
        if system.startswith("run ") and system not in there:
            yield f"{each.name} is ranked nowhere: {_lack(each)}"


def _lack(absent: Absent) -> str:
    """Return what is missing, and the command that brings it where there is one."""
    return f"{absent.why} is missing" + (f" ({absent.command})" if absent.command else "")
