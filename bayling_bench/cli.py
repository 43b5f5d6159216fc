"""The command line: each verb parses, calls one function and prints.

Nothing heavy is imported before a verb needs it, so that ``--help`` and ``tasks`` answer at once.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bayling_bench import __version__
from bayling_bench.commands import boards, judge, rank, reproduce
from bayling_bench.commands import comet as comet_commands
from bayling_bench.commands import report as report_command
from bayling_bench.errors import BenchError, Interrupted, RunError

app = typer.Typer(
    name="bayling-bench",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Evaluate instruction models on translation, interactive translation, BayLing-80 and exams.",
    epilog="Start with:  bayling-bench run --model PATH_OR_HUB_ID",
)

app.add_typer(comet_commands.app, name="comet")

Model = Annotated[
    str | None,
    typer.Option(
        "--model", "-m", metavar="SPEC",
        help="Hugging Face folder or hub id, FILE.gguf, hf:…, vllm:…, openai:MODEL, published:SYSTEM, baseline:NAME.",
    ),
]  # fmt: skip
Tasks = Annotated[
    list[str] | None,
    typer.Option(
        "--tasks", "-t", metavar="NAMES", help="Tasks, suites or patterns, separated by commas. [default: mini]"
    ),
]
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAMES",
        help="Metrics of translations: bleu, chrf, ter (the slow one), comet, cometkiwi, comet:PATH_OR_ID. "
        "[default: bleu,chrf,ter, and comet where its checkpoint is on this machine]",
    ),
]
Mirror = Annotated[
    str | None,
    typer.Option(metavar="DIR|URL", help="Read upstream data from a mirror (or set BAYLING_BENCH_MIRROR)."),
]


def version(value: bool) -> None:
    """Print the version and stop."""
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that stand before a verb."""


@app.command(
    epilog="Examples:  run --model HuggingFaceTB/SmolLM2-135M-Instruct  ·  run -m published:bayling-13b -t paper  ·  "
    "run -m ./my-model -t wmt22_zh_en,gaokao --limit 50  ·  run -m openai:my-model --base-url http://localhost:8000/v1"
)
def run(
    model: Model = None,
    tasks: Tasks = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Run folder. [default: runs/MODEL-HASH]")
    ] = None,
    resume: Annotated[Path | None, typer.Option(metavar="DIR", help="Go on with the run in this folder.")] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first N items of each task.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print tasks, items, requests and tokens, and stop.")
    ] = False,
    profile: Annotated[
        str, typer.Option(help="Decoding: default (greedy) or paper (beam 5; sampled BayLing-80).")
    ] = "default",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Override a generation setting, e.g. max_tokens=256. Repeatable."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of sampled answers.")] = 1234,
    metrics: Metrics = None,
    comet: comet_commands.Settings = None,
    prompt: Annotated[str, typer.Option(help="Language of translation prompts: en or zh.")] = "en",
    references: Annotated[str, typer.Option(help="WMT22 references: A (as the paper) or all.")] = "A",
    labels: Annotated[str, typer.Option(help="Exam labels: head (AGIEval today) or 2023-06 (the paper's).")] = "head",
    chat_template: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|NAME", help="chatml, instruction, a Jinja file, or none. [default: the tokenizer's]"
        ),
    ] = None,
    batch_size: Annotated[str, typer.Option(help="A number, or auto: 16 on CPU, what fits on a GPU.")] = "auto",
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1 … [default: a GPU if there is one]")] = None,
    dtype: Annotated[str, typer.Option(help="auto (as the checkpoint), float32, bfloat16 or float16.")] = "auto",
    revision: Annotated[str | None, typer.Option(help="Commit, tag or branch of a hub model.")] = None,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="Run code from the model's repository.")
    ] = False,
    base_url: Annotated[str | None, typer.Option(metavar="URL", help="Address of an OpenAI-compatible server.")] = None,
    api_key_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="File with the key, instead of OPENAI_API_KEY.")
    ] = None,
    concurrency: Annotated[int, typer.Option(help="Requests under way at once, for servers.")] = 16,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Do the I-th of N parts; start N commands with the same -o.")
    ] = "1/1",
    max_unscored: Annotated[
        float | None, typer.Option(help="Share of unscored items above which the run fails. [default: 0.01]")
    ] = None,
    mirror: Mirror = None,
    report_page: Annotated[
        bool, typer.Option("--report/--no-report", help="Write report.html into the run folder.")
    ] = True,
) -> None:
    """Evaluate a model: generate, then score. The same command again resumes where it stopped."""
    # Read when tqdm is imported, by whichever library comes first: our own progress line is enough.
    os.environ.setdefault("TQDM_DISABLE", "1")
    from bayling_bench import config, terminal
    from bayling_bench import run as runs
    from bayling_bench.data import store

    store.set_mirror(mirror)
    model_options = config.ModelOptions(
        revision=revision, dtype=dtype, device=device, batch_size=batch_size, chat_template=chat_template,
        base_url=base_url or (os.environ.get("OPENAI_BASE_URL") if (model or "").startswith("openai:") else None),
        api_key_file=api_key_file, concurrency=concurrency, trust_remote_code=trust_remote_code,
    )  # fmt: skip
    if resume is not None:
        asked, output = runs.resumed(resume, model_options, max_unscored), resume
    else:
        if not model:
            raise BenchError(
                "--model is missing. For example: bayling-bench run --model published:bayling-13b --tasks paper"
            )
        asked = config.RunConfig(
            model=model,
            tasks=_names(tasks) or ("mini",),
            options=config.TaskOptions(prompt_form=prompt, reference_set=references, label_state=labels),
            generation=config.Generation(profile=profile, overrides=config.parse_settings(settings or []), seed=seed),
            model_options=model_options,
            limit=limit,
            metrics=_names(metrics) or config.DEFAULT_METRICS,
            comet=config.CometOptions.parse(comet or []),
            max_unscored=0.01 if max_unscored is None else max_unscored,
        )
    if dry_run:
        _print_plan(asked)
        return
    if not tasks and resume is None:
        terminal.say("tasks: mini, which needs no data. For the paper's: bayling-bench fetch paper, then --tasks paper")
    try:
        with terminal.responses() as report, terminal.segments() as segments:
            caller = runs.Caller(_command(), report, terminal.say, segments)
            outcome = runs.run(asked, output, config.Shard.parse(shard), caller)
    except KeyboardInterrupt:
        raise Interrupted("stopped. Everything finished is kept: the same command goes on from here.") from None
    _conclude(outcome, report_page, shard)


def _conclude(outcome: Any, report_page: bool, shard: str = "1/1") -> None:
    from bayling_bench import terminal

    found = outcome.run
    if outcome.missing and not found.scores:
        terminal.say(
            f"shard {shard} has done its part; {outcome.missing} requests of the run are still missing. "
            f"The last shard scores; or: bayling-bench score {found.folder}"
        )
        return
    terminal.out.print(terminal.scores_table(found))
    for warning in terminal.warnings_of(found):
        terminal.say(f"note: {warning}")
    if report_page:
        from bayling_bench.report import page

        path = found.folder / "report.html"
        page.write([found], path)
        typer.echo(f"report: {path}")
    if outcome.too_many_unscored:
        raise RunError(
            f"{found.folder}: {outcome.too_many_unscored}. See the items in the report; "
            f"`bayling-bench run --resume {found.folder}` asks again where that may help; --max-unscored lets it pass."
        )


@app.command(epilog="Example:  score runs/bayling-13b-1a2b3c4d")
def score(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    metrics: Metrics = None,
    comet: comet_commands.Settings = None,
    mirror: Mirror = None,
    report_page: Annotated[
        bool, typer.Option("--report/--no-report", help="Write report.html into the run folder.")
    ] = True,
) -> None:
    """Score the saved responses of a run again, without a model; by other metrics if any are named."""
    from bayling_bench import config, terminal
    from bayling_bench import run as runs
    from bayling_bench.data import store

    store.set_mirror(mirror)
    options = config.CometOptions.parse(comet) if comet else None
    with terminal.segments() as segments:
        caller = runs.Caller(_command(), say=terminal.say, comet=segments)
        outcome = runs.score(run_folder, _names(metrics), options, caller)
    _conclude(outcome, report_page)


@app.command("tasks", epilog="Examples:  tasks  ·  tasks gaokao  ·  tasks wmt22_zh_en  ·  tasks --json")
def list_tasks(
    name: Annotated[str | None, typer.Argument(help="A task (shows its card), or a suite.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    path: Annotated[bool, typer.Option("--path", help="Print the folder for lm_eval --include_path.")] = False,
    prompt: Annotated[str, typer.Option(help="Language of the shown translation prompt: en or zh.")] = "en",
    mirror: Mirror = None,
) -> None:
    """List the tasks and suites, or show one task with a rendered prompt."""
    from bayling_bench import config, listing, task_index
    from bayling_bench.data import store

    store.set_mirror(mirror)
    options = config.TaskOptions(prompt_form=prompt)
    if path:
        typer.echo(str(task_index.tasks_path()))
    elif name in task_index.all_tasks():
        card = listing.card(task_index.all_tasks()[name], options)
        typer.echo(json.dumps(card, ensure_ascii=False, indent=1) if as_json else listing.card_text(card))
    else:
        rows = [listing.row(task, options) for task in task_index.select([name] if name else task_index.all_tasks())]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1) if as_json else listing.table_text(rows))


@app.command(
    epilog="Examples:  fetch paper  ·  fetch published:bayling-13b  ·  fetch comet  ·  "
    "fetch all --export /media/disk/mirror  ·  fetch paper --mirror /media/disk/mirror"
)
def fetch(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SUITE|TASK|published:SYSTEM|reviews|comet|cometkiwi|comet:ID|all]...",
            help="COMET's checkpoint (2.3 GB, from the Hugging Face hub) is fetched only when named. [default: all]",
        ),
    ] = None,
    mirror: Mirror = None,
    check: Annotated[bool, typer.Option("--check", help="Only hash again what is in the cache.")] = False,
    export: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a mirror folder to carry elsewhere.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Downloads at once.")] = 8,
) -> None:
    """Fetch upstream data into the cache, verified; afterwards everything runs offline."""
    from bayling_bench import listing, terminal
    from bayling_bench.data import fetch as fetching
    from bayling_bench.data import store

    store.set_mirror(mirror)
    wanted = comet_commands.fetch(list(_names(targets)), plainly=not check and export is None)
    if targets and not wanted:
        return
    files = listing.files_for(wanted or ["all"])
    size = sum(file.bytes for file in files)
    with terminal.FetchBar(len(files), size) as bar:
        if check:
            problems = fetching.check(files, progress=bar)
            failed = {problem.file: f"{problem.kind}: {problem.detail}" for problem in problems}
            done = f"{len(files) - len(problems)} of {len(files)} files are whole"
        else:
            if export is not None:
                found = fetching.export(files, export, jobs=jobs, progress=bar)
            else:
                found = fetching.fetch(files, mirror=mirror, jobs=jobs, progress=bar)
            failed = found.failed
            done = f"{found.downloaded} files fetched ({found.bytes / 1e6:.1f} MB), {found.present} were there"
    typer.echo(f"{done}: {export or store.cache_dir()}")
    if failed:
        lines = "\n  ".join(f"{file.tail}: {reason}" for file, reason in list(failed.items())[:10])
        more = f"\n  … and {len(failed) - 10} more" if len(failed) > 10 else ""
        mend = f"bayling-bench fetch {' '.join(_names(targets))}".rstrip()
        raise BenchError(f"{len(failed)} of {len(files)} files are not there:\n  {lines}{more}\nTo mend it: {mend}")


app.command(epilog=report_command.EPILOG)(report_command.report)


@app.command(epilog="Examples:  compare runs/a runs/b  ·  compare runs/a runs/b --format md")
def compare(
    run_a: Annotated[Path, typer.Argument(metavar="RUN_A", help="A run folder.")],
    run_b: Annotated[Path, typer.Argument(metavar="RUN_B", help="Another; differences are B minus A.")],
    force: Annotated[bool, typer.Option("--force", help="Compare runs of other data, prompts or metrics too.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of resamples and swaps.")] = 12345,
    resamples: Annotated[int, typer.Option(help="Bootstrap resamples; randomization takes ten times as many.")] = 1000,
    flips: Annotated[int, typer.Option(metavar="N", help="Changed items listed a task, metric and direction.")] = 5,
    form: Annotated[str, typer.Option("--format", help="table, md, csv or json.")] = "table",
) -> None:
    """Compare two runs: differences with intervals and p-values, and the items that changed sides."""
    from bayling_bench import compare as comparing
    from bayling_bench import record

    forms = {
        "table": comparing.to_text,
        "md": comparing.to_markdown,
        "csv": comparing.to_csv,
        "json": comparing.to_json,
    }
    if form not in forms:
        raise BenchError(f"--format {form!r} is unknown. Known: {', '.join(forms)}.")
    options = comparing.Options(force=force, seed=seed, resamples=resamples, flips=flips)
    typer.echo(forms[form](comparing.compare(record.load(run_a), record.load(run_b), options)), nl=False)


@app.command(
    epilog="Examples:  audit bayling_2023  ·  audit bayling_2023 --format csv -o audit.csv  ·  audit path/to/my/board"
)
def audit(
    board: Annotated[str, typer.Argument(metavar="BOARD", help="A board that is shipped, or the folder of your own.")],
    form: Annotated[
        str,
        typer.Option("--format", help="table, csv, json, md; or readme, which writes README.md into the folder -o."),
    ] = "table",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File. [default: the terminal]")] = None,
    fetch_first: Annotated[bool, typer.Option("--fetch", help="Fetch what is not on this machine first.")] = False,
    mirror: Mirror = None,
    comet: comet_commands.Settings = None,
) -> None:
    """Compute a board's published figures again: equal, explained, or differs. Exit code 1 if any differs."""
    from bayling_bench import config, leaderboard, record, terminal
    from bayling_bench.audit import comet as comet_scores
    from bayling_bench.audit import formats, readme, rows
    from bayling_bench.comet.metric import Listener, Use
    from bayling_bench.data import store

    boards.check_form(board, form, formats.TEXTS, output)
    store.set_mirror(mirror)
    if fetch_first:
        boards.bring(mirror)
    loaded = leaderboard.load(board)
    with terminal.segments() as segments:
        use = Use(config.CometOptions.parse(comet or []), Listener(segments, terminal.say))
        audited = rows.audit(loaded, use)
    if form == "readme" and output is not None:
        readme.write(loaded, audited, output)
        comet_scores.keep(loaded, use, output)
    elif form == "table" and output is None:
        terminal.out.print(formats.table(loaded, audited))
    else:
        text = formats.TEXTS["md" if form == "table" else form](loaded, audited)
        if output is None:
            typer.echo(text, nl=False)
        else:
            record.write_text(output, text)
    terminal.say(formats.summary(audited))
    if not rows.passed(audited):
        raise typer.Exit(1)


app.command(epilog=rank.EPILOG)(rank.rank)
judge.register(app)
app.command(epilog=reproduce.EPILOG)(reproduce.reproduce)


def _names(values: list[str] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for value in values or () for name in value.split(",") if name.strip()))


def _command() -> str:
    from bayling_bench.provenance import command_line

    return command_line(sys.argv[1:])


def _print_plan(asked: Any) -> None:
    from bayling_bench import estimate

    for line in estimate.lines(asked):
        typer.echo(line)


def main() -> None:
    """Run the command line; mistakes of the user end with exit code 2 and no traceback."""
    from bayling_bench import terminal

    try:
        app(standalone_mode=True)
    except Interrupted as error:
        terminal.say(str(error))
        sys.exit(130)
    except BenchError as error:
        terminal.fail(str(error))
        sys.exit(2)
    except BrokenPipeError:
        os._exit(141)


if __name__ == "__main__":
    main()
