"""``bayling-bench report``: runs and a board as one page, as tables, or as a site of pages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayling_bench.commands import boards
from bayling_bench.errors import BenchError

if TYPE_CHECKING:
    from bayling_bench.record import Run
    from bayling_bench.report.items import Items

FORMS = ("html", "md", "csv", "json", "latex")
_LARGE = 12e6
"""Bytes of items from which a smaller page is proposed."""

EPILOG = (
    "Examples:  report runs/a runs/b -o report.html  ·  report --board bayling_2023 -o board.html  ·  "
    "report runs/a --board bayling_2023 --items sample  ·  report runs/a --format md  ·  report --index runs"
)


def report(
    run_folders: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN]...", help="Run folders, side by side.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File. [default: report.html, or the terminal]")
    ] = None,
    board: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|DIR|FILE",
            help="Beside a board's published systems: their figures, what our scorers make of their outputs, with the "
            "runs ranked among them.",
        ),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="html, md, csv, json or latex.")] = "html",
    items: Annotated[
        str, typer.Option(help="Items in the page: all, sample (100 of each task), none, or a number of each task.")
    ] = "all",
    title: Annotated[str | None, typer.Option(help="Title of the page.")] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option(metavar="NAMES", help="Show only these metrics of translations, e.g. comet,bleu. [default: all]"),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write DIR/index.html and a page for each run and board found in DIR, at any depth: a site that any "
            "file server holds.",
        ),
    ] = None,
    mirror: Annotated[
        str | None,
        typer.Option(metavar="DIR|URL", help="Read upstream data from a mirror (or set BAYLING_BENCH_MIRROR)."),
    ] = None,
) -> None:
    """Write a report: one HTML file that needs no network, a table, or a site.

    Runs stand beside each other and, with --board, beside published systems; unfinished ones are shown, never ranked.
    """
    from bayling_bench import record
    from bayling_bench.data import store

    store.set_mirror(mirror)
    chosen = _items(items)
    if form not in FORMS:
        raise BenchError(f"--format {form!r} is unknown. Known: {', '.join(FORMS)}.")
    if index is not None:
        others = {"--format": form != "html", "--title": title, "--metrics": metrics}
        _refuse_beside_index({"RUN": run_folders, "--board": board, "--output": output, **others})
        _site(index, chosen)
        return
    if form == "html" and output is None:
        output = Path("report.html")
    if output is not None:
        record.check_writable(output)
    runs = [_chosen(record.load(folder), metrics) for folder in run_folders or ()]
    if form == "html":
        assert output is not None, "a page has a file"
        _page(runs, board, output, chosen, title)
        return
    text = _table(runs, board, form)
    if output is None:
        typer.echo(text, nl=False)
    else:
        record.write_text(output, text)
        typer.echo(f"report: {output}")


def _items(text: str) -> Items:
    if text in ("all", "sample", "none"):
        return text  # type: ignore[return-value]
    if not text.isdecimal():
        raise BenchError(f"--items {text!r} is neither all, sample, none nor a number. For example: --items 50")
    return int(text)


def _chosen(run: Run, metrics: list[str] | None) -> Run:
    from bayling_bench.report import chosen

    names = [name.strip() for value in metrics or () for name in value.split(",") if name.strip()]
    return chosen.choose(run, tuple(dict.fromkeys(names)))


def _refuse_beside_index(given: Mapping[str, object]) -> None:
    for name, value in given.items():
        if value:
            raise BenchError(
                f"--index takes what lies in its folder, so {name} cannot stand beside it. For one page of runs: "
                "bayling-bench report RUN… -o FILE.html"
            )


def _page(runs: list[Run], board: str | None, path: Path, items: Items, title: str | None) -> None:
    from bayling_bench import record, terminal
    from bayling_bench.report import page

    standing = boards.standing(board, [run.folder for run in runs]) if board else None
    asked = page.Asked(runs=runs, standing=standing, items=items, title=title)
    with terminal.counted("items of tasks") as told:
        prepared = page.prepare(asked, lambda done, total, task: told(done, total, f", {task}"))
    if items != "none":
        terminal.say(f"items: {prepared.items.say()}")
    if prepared.items.bytes > _LARGE:
        terminal.say("note: --items sample, or a number of each task, makes a smaller page")
    record.write_text(path, page.html(prepared))
    size = path.stat().st_size / 1e6
    typer.echo(f"report: {path} ({size:.1f} MB)")


def _table(runs: list[Run], board: str | None, form: str) -> str:
    from bayling_bench.report import exports, gathered, tables

    if board is None and not runs:
        raise BenchError("There is nothing to report on. Give run folders, or --board NAME, or both.")
    if board is None and form != "latex":
        return {"md": tables.to_markdown, "csv": tables.to_csv, "json": tables.to_json}[form](runs)
    standing = boards.standing(board, [run.folder for run in runs]) if board else None
    return exports.FORMS[form](gathered.gather(runs, standing))


def _site(folder: Path, items: Items) -> None:
    from bayling_bench import terminal
    from bayling_bench.report import site

    with terminal.counted("pages") as told:
        made = site.write(folder, items, boards.of_board, lambda done, total, what: told(done, total, f", {what}"))
    for note in made.notes:
        terminal.say(f"note: {note}")
    typer.echo(f"index: {made.index} ({made.pages} pages beside it)")
