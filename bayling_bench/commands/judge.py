"""``bayling-bench judge``: the options, and what is printed of a judging."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from bayling_bench.errors import BenchError, RunError

_EPILOG = (
    "Examples:  judge runs/mine --against published:gpt-3.5-turbo --judge openai:gpt-4o --dry-run  ·  "
    "judge runs/mine --against runs/other -j openai:my-judge --base-url http://localhost:8000/v1  ·  "
    "judge runs/mine --single -j openai:gpt-4o --references known.jsonl  ·  judge runs/mine --reparse  ·  "
    "judge --calibrate -j openai:gpt-4o"
)

_WHAT, _HOW, _MONEY, _SERVER = "What is judged", "How", "Money", "The judge's server"

Run = Annotated[
    str | None, typer.Argument(metavar="[RUN]", help="A run folder, or published:SYSTEM, whose answers are judged.")
]
Against = Annotated[
    list[str] | None,
    typer.Option(
        "--against",
        metavar="RUN|published:SYSTEM",
        help="Opponent. Repeatable: several give a ranking.",
        rich_help_panel=_WHAT,
    ),
]
Judge = Annotated[
    str | None,
    typer.Option(
        "--judge", "-j", metavar="openai:MODEL", help="The judge, on an OpenAI-compatible server.", rich_help_panel=_HOW
    ),
]
ProtocolName = Annotated[
    str | None,
    typer.Option(
        "--protocol", "-p", metavar="NAME|FILE",
        help="balanced (both orders, a win only where both agree), bayling_2023 (one order, as the paper), single, "
        "structured (JSON schema), or a YAML file of your own. [default: balanced, or single with --single]",
        rich_help_panel=_HOW,
    ),
]  # fmt: skip


def judge(
    run: Run = None,
    against: Against = None,
    judge: Judge = None,
    protocol: ProtocolName = None,
    single: Annotated[
        bool, typer.Option("--single", help="Score the answers alone, from 1 to 10.", rich_help_panel=_WHAT)
    ] = False,
    references: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help='Known good answers: JSONL of {"question_id": 61, "references": ["turn 1", "turn 2"]}.',
            rich_help_panel=_WHAT,
        ),
    ] = None,
    samples: Annotated[
        list[str] | None,
        typer.Option(
            "--samples",
            metavar="FILE",
            help="In place of RUN: what lm_eval --log_samples wrote.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    tasks: Annotated[
        list[str] | None,
        typer.Option(
            "--tasks", "-t", metavar="NAMES", help="Tasks. [default: all that need a judge]", rich_help_panel=_WHAT
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Only the first N questions of each task.", rich_help_panel=_WHAT)
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print questions, requests, tokens and the most it can cost, and stop.",
            rich_help_panel=_MONEY,
        ),
    ] = False,
    max_cost: Annotated[
        float | None,
        typer.Option(
            metavar="USD", help="Stop before this is passed; the rest can be resumed.", rich_help_panel=_MONEY
        ),
    ] = None,
    prices: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Your own prices (TOML), in place of those shipped.", rich_help_panel=_MONEY),
    ] = None,
    reparse: Annotated[
        bool, typer.Option("--reparse", help="Read all saved replies of RUN again and add them up, with no request.")
    ] = False,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate", help="Ask about the published pairs and report agreement with GPT-4's verdicts of 2023."
        ),
    ] = False,
    new_snapshot: Annotated[
        bool,
        typer.Option(
            "--new-snapshot",
            help="The judge's model has changed: judge all again, keep the old apart.",
            rich_help_panel=_HOW,
        ),
    ] = False,
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Address of an OpenAI-compatible server.", rich_help_panel=_SERVER)
    ] = None,
    api_key_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="File with the key, instead of OPENAI_API_KEY.", rich_help_panel=_SERVER),
    ] = None,
    concurrency: Annotated[
        int,
        typer.Option(
            help="Most requests under way at once; fewer while the server is overloaded.", rich_help_panel=_SERVER
        ),
    ] = 16,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="Longest wait for one reply.", rich_help_panel=_SERVER)
    ] = 180.0,
    retries: Annotated[
        int | None,
        typer.Option(
            help="Requests repeated in all. [default: as many as there are, at least 50]", rich_help_panel=_SERVER
        ),
    ] = None,
    samples_per_order: Annotated[
        int | None,
        typer.Option(metavar="K", help="Replies for each order. [default: the protocol's]", rich_help_panel=_HOW),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Sampling: temperature, top_p, max_tokens, or none.",
            rich_help_panel=_HOW,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of sampled replies.", rich_help_panel=_HOW)] = 1234,
    max_failed: Annotated[float, typer.Option(help="Share of questions without verdict above which it fails.")] = 0.05,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for judgements/. [default: the run folder]")
    ] = None,
    mirror: Annotated[
        str | None, typer.Option(metavar="DIR|URL", help="Read upstream data from a mirror (BAYLING_BENCH_MIRROR).")
    ] = None,
    report_page: Annotated[
        bool, typer.Option("--report/--no-report", help="Write report.html into the run folder.")
    ] = True,
) -> None:
    """Score conversations by a judge model, pair by pair or alone. The same command again resumes where it stopped.

    Every reply is on disk as soon as it comes, and no request is paid for twice. Replies that cannot be read, refusals,
    cut-off replies and errors are counted beside each number, never averaged into one. Begin with --dry-run: it says
    what would be asked and what it can cost at most.
    """
    from bayling_bench.data import store
    from bayling_bench.judge import config, session
    from bayling_bench.judge import protocol as protocols
    from bayling_bench.provenance import command_line

    store.set_mirror(mirror)
    command = command_line(sys.argv[1:])
    if reparse:
        from bayling_bench.judge.judging import folder_of

        if run is None and not samples and output is None:
            raise BenchError("--reparse needs RUN: bayling-bench judge RUN --reparse")
        folder = folder_of(run, samples or (), output)
        _show(session.reparse(folder), folder, report_page)
        return
    if judge is None:
        raise BenchError("--judge is missing. For example: --judge openai:gpt-4o, or one of your own with --base-url.")
    if single and protocol is None:
        protocol = "single"
    chosen = config.adapted(protocols.load(protocol or "balanced"), samples_per_order, settings or [])
    if single and chosen.kind != "single":
        raise BenchError(
            f"--single judges one answer, and the protocol {chosen.name} compares two. Leave one of them out."
        )
    asked = config.JudgeConfig(
        judge=judge, protocol=chosen, run=run, samples=tuple(samples or ()), against=tuple(against or ()),
        tasks=_names(tasks), limit=limit, references=references, output=output, timeout_s=timeout, retries=retries,
        server=config.ModelOptions(
            base_url=base_url or os.environ.get("OPENAI_BASE_URL") or None,
            api_key_file=api_key_file,
            concurrency=concurrency,
        ),
        max_cost=max_cost, prices=prices, seed=seed,
    )  # fmt: skip
    if not 0 <= max_failed <= 1:
        raise BenchError(f"--max-failed {max_failed:g} must be a share from 0 to 1.")
    _require_one_source(asked, calibrate)
    if calibrate:
        asked = session.calibration_config(asked)
    manner = _Manner(
        dry_run=dry_run, new_snapshot=new_snapshot, calibrate=calibrate, report_page=report_page,
        max_failed=max_failed, output=output,
    )  # fmt: skip
    _carry_out(asked, manner, command)


@dataclass(frozen=True, kw_only=True)
class _Manner:
    """How a command is carried out, beside what is asked."""

    dry_run: bool
    new_snapshot: bool
    calibrate: bool
    report_page: bool
    max_failed: float
    output: Path | None


def _require_one_source(asked: Any, calibrate: bool) -> None:
    named = [name for name, given in (("RUN", asked.run), ("--samples", asked.samples)) if given]
    if len(named) > 1:
        raise BenchError("RUN and --samples both name answers to judge. Leave one of them out.")
    if calibrate and (named or asked.against or asked.references):
        raise BenchError("--calibrate judges published pairs: leave out RUN, --samples, --against and --references.")


def _carry_out(asked: Any, manner: _Manner, command: str) -> None:
    from bayling_bench import terminal
    from bayling_bench.judge import run, session

    opened = session.open_session(asked, dry=manner.dry_run)
    if manner.new_snapshot and not manner.dry_run:
        for line in session.set_aside(opened):
            terminal.say(line)
    for line in session.lines(opened):
        typer.echo(line) if manner.dry_run else terminal.say(line)
    if manner.dry_run:
        typer.echo(session.told_dry(opened))
        return
    with terminal.responses("judgements") as report:
        finished = session.judge(opened, run.Caller(command=command, report=report, say=terminal.say))
    if manner.calibrate and finished.stopped is None:
        _show_calibration(*session.calibrated(finished, manner.output))
    else:
        _show(finished.results, opened.judgings[0].folder.parent, manner.report_page)
    if finished.stopped is not None:
        raise finished.stopped
    _require_verdicts(finished.results, manner.max_failed)


def _show(found: Sequence[dict[str, Any]], folder: Path, report_page: bool) -> None:
    from bayling_bench import record, terminal
    from bayling_bench.judge import results, tables

    for each in found:
        for part in tables.of_results(each):
            terminal.out.print(part)
        typer.echo(f"judgements: {folder / 'judgements' / each['name']}.jsonl")
    judges = {results.same_judge(each) for each in found}
    of_these = [each for each in results.read_all(folder) if results.same_judge(each) in judges]
    for ranking in results.rankings(of_these):
        terminal.out.print(tables.of_ranking(ranking))
    if found and report_page and (folder / "run.json").exists():
        from bayling_bench.report import page

        page.write([record.load(folder)], folder / "report.html")
        typer.echo(f"report: {folder / 'report.html'}")


def _show_calibration(found: dict[str, Any], path: Path) -> None:
    from bayling_bench import terminal
    from bayling_bench.judge import tables

    for part in tables.of_calibration(found):
        terminal.out.print(part)
    typer.echo(f"calibration record: {path}")


def _require_verdicts(found: Sequence[dict[str, Any]], most: float) -> None:
    """Raise RunError when so many questions have no verdict that the rest could mislead."""
    for each in found:
        overall = each["overall"]
        failed = {kind: n for kind, n in overall["failures"].items() if kind != "order_disagreement"}
        if sum(failed.values()) > most * overall["items"]:
            named = ", ".join(f"{n} {kind}" for kind, n in failed.items())
            raise RunError(
                f"{each['name']}: {sum(failed.values())} of {overall['items']} questions have no verdict ({named}), "
                f"more than --max-failed {most:g} allows. Everything is kept in judgements/{each['name']}.jsonl; the "
                "same command asks again for what the server failed to answer."
            )


def _names(values: list[str] | None) -> tuple[str, ...]:
    return tuple(name.strip() for value in values or () for name in value.split(",") if name.strip())


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(epilog=_EPILOG)(judge)
