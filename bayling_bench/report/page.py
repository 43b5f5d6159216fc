"""One self-contained HTML page of runs, a board, or both: scores, pictures, items, audit, provenance.

The page's Content-Security-Policy forbids every request and every script and style but our own, named by their hashes;
text of models reaches the page only through autoescape or, in the browser, through ``textContent``.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bayling_bench import __version__, task_index
from bayling_bench.display.text import visible, visible_all
from bayling_bench.errors import BenchError
from bayling_bench.record import write_text
from bayling_bench.report import inlined, judge, outline, packed_items, payload, provenance, standing, static, view
from bayling_bench.report.gathered import Gathered, Standing, gather
from bayling_bench.report.items import Items, Packed
from bayling_bench.report.packed_items import PackedItems, Told

if TYPE_CHECKING:
    from bayling_bench.record import Run


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a page is to show."""

    runs: Sequence[Run] = ()
    standing: Standing | None = None
    """A board as computed here."""
    items: Items = "all"
    title: str | None = None
    date: str = ""
    """``2026-11-26``; empty for today."""
    links: Sequence[dict[str, Any]] = field(default=())
    """Other pages, with relative addresses: ``{"title", "href", "about", "finished"}``."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A page before it is written: what it holds, and how large its items are."""

    asked: Asked
    found: Gathered
    items: PackedItems


def prepare(asked: Asked, told: Told | None = None) -> Prepared:
    """Return what a page holds. BenchError where there is nothing to show."""
    if not asked.runs and asked.standing is None:
        raise BenchError(
            "There is nothing to report on. Give run folders, a board, or both: bayling-bench report RUN… "
            "[--board bayling_2023]"
        )
    found = gather(asked.runs, asked.standing)
    folders = [run.folder for run in asked.runs]
    return Prepared(asked=asked, found=found, items=packed_items.pack(found, folders, asked.items, told))


def html(prepared: Prepared) -> str:
    """Return the page; the same runs and board give the same bytes on the same day."""
    asked, found = prepared.asked, prepared.found
    date = asked.date or datetime.date.today().isoformat()
    board = payload.build(found, visible(asked.title or _title(found)), date)
    board["items"] = visible_all({task: _told(found, task, packed) for task, packed in prepared.items.tasks.items()})
    shown = found.standing
    return compose(
        board,
        _packed(prepared.items),
        **visible_all(view.build(found.readings)),
        judge=visible_all(judge.build(asked.runs)),
        audit=visible_all(standing.audit(shown.board, shown.audited)) if shown else None,
        rankings=visible_all(standing.rankings(shown.board, shown.contests)) if shown else None,
        provenance=visible_all(provenance.build(found)),
        links=visible_all(list(asked.links)),
        generator=generator(asked.items),
    )


def generator(items: Items) -> str:
    """Return what a page says it was made by: a site makes it again where that would be another."""
    return f"BayLing Bench {__version__}, items: {items}"


def compose(board: dict[str, Any], packed: dict[str, Any], **more: Any) -> str:
    """Return the page of a payload with its ``items``, and what else the templates read; absent parts are left out.

    ``packed`` is ``{"docs": [(key, text)], "packs": [text]}``; an item of ``items`` names its packs by their places.
    """
    drawn = len(board["systems"]) > 1 or bool(board["figures"]["judge"]["outcomes"])
    tables = {name: getattr(static, name)(board) for name in ("tables", "outcomes", "categories")}
    absent = {**view.build([]), "judge": {"judgings": [], "rankings": []}, "audit": None, "rankings": None, "links": []}
    absent["generator"] = generator("all")
    absent["provenance"] = {"commands": [], "environment": [], "signatures": [], "licences": []}
    ours = {"policy": inlined.policy(), "style": Markup(inlined.style()), "script": Markup(inlined.script())}
    shown = {**absent, **more, **ours, "charts": inlined.charts() if drawn else ""}
    template = _environment().get_template("page.html.j2")
    return template.render(**shown, board=board, packed=packed, static=tables, words=board["strings"]["en"])


def _told(found: Gathered, task: str, packed: Packed) -> dict[str, Any]:
    planned = next((plan for reading in found.readings if (plan := reading.plan(task))), None)
    known = task_index.all_tasks().get(task)
    suite = planned["suite"] if planned else known.suite if known else ""
    return {"suite": suite, **vars(packed)}


def render(runs: Sequence[Run], *, items: Items = "all", title: str | None = None) -> str:
    """Return the page of some runs."""
    return html(prepare(Asked(runs=runs, items=items, title=title)))


def write(runs: Sequence[Run], out: Path, *, items: Items = "all", title: str | None = None) -> None:
    """Write the page of some runs to ``out``, whole or not at all; an earlier file stays until the new one is complete.

    Raises RunError when it cannot be written.
    """
    write_text(out, render(runs, items=items, title=title))


def _packed(found: PackedItems) -> dict[str, Any]:
    """Return base85 as it is: its letters mean nothing to HTML."""
    return {"docs": [(key, Markup(text)) for key, text in found.docs.items()], "packs": list(map(Markup, found.packs))}


def _title(found: Gathered) -> str:
    labels = [reading.label for reading in found.readings]
    runs = outline.listed(labels) if 0 < len(labels) < 4 else f"{len(labels)} runs"
    if found.standing is None:
        return f"{runs} on BayLing Bench"
    title = found.standing.board.title
    return f"{runs} beside {title}" if labels else title


def _environment() -> Environment:
    loader = PackageLoader("bayling_bench.report")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
