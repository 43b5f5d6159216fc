"""One self-contained HTML page of one or more runs: scores, items, settings, data. It opens from disk, offline.

The page's Content-Security-Policy forbids every request and every script and style but our two, named by their hashes;
text of models reaches the page only through autoescape or, in the browser, through ``textContent``.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bayling_bench.display.metrics import METRICS, describe
from bayling_bench.display.text import visible, visible_all
from bayling_bench.record import write_text
from bayling_bench.report import items as item_records
from bayling_bench.report import judge, outline, view
from bayling_bench.report.outline import Reading

if TYPE_CHECKING:
    from bayling_bench.record import Run


@dataclass(frozen=True)
class Section:
    """A part of the page that another room makes, such as a board's rankings."""

    name: str
    """Its anchor."""
    title: str
    content: Markup
    """Escaped by its maker."""


Items = Literal["all", "none"] | int  # how many items of each task are packed into the page


def render(
    runs: Sequence[Run], *, items: Items = "all", title: str | None = None, sections: Sequence[Section] = ()
) -> str:
    """Return the page; the same runs and sections give the same bytes."""
    assert runs, "a report needs a run"
    style, script = _asset("page.css"), _asset("page.js")
    readings = outline.read(runs)
    content = visible_all(view.build(readings))
    tasks = [task for names in outline.suites(readings).values() for task in names]
    page = _environment().get_template("page.html.j2")
    return page.render(
        **content,
        judge=visible_all(judge.build(runs)),
        title=visible(title or _title([reading.label for reading in readings])),
        policy=_policy(style, script),
        style=Markup(style),
        script=Markup(script),
        meta=_meta(content),
        packed={visible(task): _packed(readings, task, items) for task in tasks},
        describe=describe,
        sections=sections,
    )


def write(
    runs: Sequence[Run],
    out: Path,
    *,
    items: Items = "all",
    title: str | None = None,
    sections: Sequence[Section] = (),
) -> None:
    """Write the page to ``out``, whole or not at all; an earlier file stays until the new one is complete.

    Raises RunError when it cannot be written.
    """
    write_text(out, render(runs, items=items, title=title, sections=sections))


def _title(labels: Sequence[str]) -> str:
    return f"{outline.listed(labels) if len(labels) < 4 else f'{len(labels)} runs'} on BayLing Bench"


def _meta(content: dict[str, Any]) -> dict[str, Any]:
    """Return what the item browser has to know: names of runs and metrics, languages of tasks."""
    return {
        "runs": [run["label"] for run in content["runs"]],
        "metrics": {key: {"name": metric.name, "right": metric.right} for key, metric in METRICS.items()},
        "languages": {task["name"]: task["languages"] for suite in content["suites"] for task in suite["tasks"]},
    }


def _packed(readings: Sequence[Reading], task: str, items: Items) -> dict[str, Any]:
    if items == "none":
        return {"embedded": 0, "total": 0, "chunks": []}
    merged = item_records.merged(readings, task)
    kept = merged if items == "all" else merged[:items]
    return {"embedded": len(kept), "total": len(merged), "chunks": list(item_records.packed(kept))}


def _environment() -> Environment:
    loader = PackageLoader("bayling_bench.report")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _asset(name: str) -> str:
    return (files("bayling_bench.report") / "assets" / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
