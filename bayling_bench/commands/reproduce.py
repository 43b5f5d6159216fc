"""``bayling-bench reproduce``: the method in miniature, from nothing to a page, on a CPU and without network."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from bayling_bench.reproduce.figures import Line, Value
    from bayling_bench.reproduce.reproduction import Outcome

EPILOG = (
    "Examples:  reproduce  ·  reproduce --tokens 100000 --steps 50 --limit 20 (to see it work, in two minutes)  ·  "
    "reproduce --seed 2 -o runs/second"
)
_MOST_THREADS = 4


def reproduce(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder. [default: runs/miniature, with what is changed]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of data, weights and order.")] = 1,
    tokens: Annotated[int | None, typer.Option(help="Tokens of training data. [default: the recipe's]")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of training. [default: the recipe's]")] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first N items of each task.")] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads. [default: OMP_NUM_THREADS, or one a core, at most 4]")
    ] = None,
) -> None:
    """Reproduce the method in miniature: data, training, answers beside baselines, and a page. About ten minutes.

    Conversations in a small English, Chinese and German defined by a grammar are made; a LLaMA of a few million weights
    learns translation, interactive translation and instructions from them; test sentences that were held out, some of
    them with pairs of words or of structures that no training sentence has, are put to it and to baselines in the
    ordinary way of `run`. Killed anywhere, the same
    command goes on; when all is there it answers at once. A target that is missed is named, and is no error.
    """
    from bayling_bench import terminal
    from bayling_bench.provenance import command_line
    from bayling_bench.reproduce import figures, reproduction
    from bayling_bench.reproduce.folder import Asked

    asked = Asked(seed=seed, tokens=tokens, steps=steps, limit=limit)
    caller = reproduction.Caller(
        say=terminal.say, responses=terminal.responses, write_page=_write_page,
        threads=threads or _threads(), command=command_line(sys.argv[1:]),
    )  # fmt: skip
    outcome = reproduction.reproduce(output or asked.default_folder(), asked, caller)
    lines = figures.lines(outcome.runs)
    terminal.out.print(_table(lines, [run.name for run in outcome.runs]))
    for line in _told(outcome, lines, asked.is_trial):
        typer.echo(line)


def _threads() -> int:
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(_MOST_THREADS, cores)


def _write_page(runs: Sequence[Any], path: Path) -> None:
    from bayling_bench.report import page
    from bayling_bench.reproduce.reproduction import TITLE

    page.write(runs, path, title=TITLE)


def _table(lines: Sequence[Line], names: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title="The method in miniature", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("held-out test", no_wrap=True)
    for name in ("n", "target", names[0], "95 %", "", *names[1:]):
        table.add_column(name, justify="right", no_wrap=True)
    for line in lines:
        first = line.values[0]
        interval = "" if first is None or first.low is None else f"{first.low:.1f} to {first.high:.1f}"
        target = "" if line.figure.target is None else f"{line.figure.target:.0f}"
        verdict = "" if line.figure.target is None else "missed" if line.missed else "reached"
        others = map(_number, line.values[1:])
        n = f"{first.n:,}" if first else ""
        table.add_row(line.figure.name, n, target, _number(first), interval, verdict, *others)
    return table


def _number(value: Value | None) -> str:
    return "" if value is None else f"{value.value:.1f}"


def _told(outcome: Outcome, lines: Sequence[Line], is_trial: bool) -> list[str]:
    aimed = [line for line in lines if line.figure.target is not None]
    reached = sum(not line.missed for line in aimed)
    trial = "; a trial: the targets are for the whole recipe" if is_trial else ""
    times = ", ".join(f"{step} {seconds:.0f} s" for step, seconds in outcome.seconds.items())
    return [
        f"{reached} of {len(aimed)} targets reached{trial}",
        f"time: {sum(outcome.seconds.values()):.0f} s ({times}){', all of it before' if outcome.was_there else ''}",
        f"model: {outcome.model}",
        f"report: {outcome.page}",
    ]
