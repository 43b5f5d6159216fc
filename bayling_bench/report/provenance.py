"""Where a report's numbers come from: commands that make them again, versions, signatures, licences and citations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bayling_bench import __version__
from bayling_bench import provenance as machine
from bayling_bench.data import catalogue, store
from bayling_bench.report import strings
from bayling_bench.report.gathered import Gathered

Row = dict[str, str]


def build(found: Gathered) -> dict[str, Any]:
    """Return ``commands``, ``environment``, ``signatures`` and ``licences``, all plain text."""
    return {
        "commands": list(_commands(found)),
        "environment": list(_environment()),
        "signatures": list(_signatures(found)),
        "licences": _licences(found),
    }


def _commands(found: Gathered) -> Iterator[Row]:
    for reading in found.readings:
        data = reading.settings["data"]
        note = "The same model, seed and versions give the same answers; see the settings below."
        fetch = "bayling-bench fetch\n" if data else ""
        yield {"label": reading.label, "command": f"{fetch}{reading.settings['command']}", "note": note}
    if found.standing is not None:
        name = found.standing.board.name
        command = (
            f"bayling-bench fetch all\nbayling-bench audit {name}\nbayling-bench rank {name}\n"
            f"bayling-bench report --board {name} -o {name}.html"
        )
        note = "Outputs that are not on the machine are named and left out; nothing is computed from memory."
        yield {"label": found.standing.board.title, "command": command, "note": note}


def _environment() -> Iterator[tuple[str, str]]:
    """Yield what this report was made with; runs have their own in their records."""
    here = machine.environment()
    yield "BayLing Bench", __version__
    git = here["git"]
    if git:
        yield "commit", git["commit"] + (" and changes that are not committed" if git["dirty"] else "")
    yield "Python", here["python"]
    yield "platform", here["platform"]
    yield "processor", f"{here['cpu']}, {here['cores']} cores, {here['memory_gb']} GB"
    yield "packages", ", ".join(f"{name} {version}" for name, version in here["packages"].items())


def _signatures(found: Gathered) -> Iterator[tuple[str, str]]:
    told: dict[tuple[str, str], list[str]] = {}
    for (_, place), cell in found.cells.items():
        if cell.signature and place.task not in told.setdefault((place.metric, cell.signature), []):
            told[place.metric, cell.signature].append(place.task)
    for (metric, signature), tasks in told.items():
        named = tasks[0] if len(tasks) == 1 else f"{len(tasks)} tasks"
        yield f"{strings.metric_name(metric)['en']} of {named}", signature
    if found.standing is not None and found.standing.contests:
        yield (
            "ranks",
            "approximate randomization, 10000 trials, Holm over the pairs of a column, p < 0.05; paired bootstrap, "
            "1000 resamples; seed 12345; items that share a passage or sentence drawn together",
        )


def _licences(found: Gathered) -> list[Row]:
    """Return each source of the data once: what runs read, and with a board every upstream file on this machine."""
    tails = {file["file"] for reading in found.readings for file in reading.settings["data"]}
    board = found.standing is not None
    sources = {
        file.source.name: file.source
        for file in catalogue.files()
        if file.tail in tails or (board and store.path_of(file) is not None)
    }
    return [
        {
            "name": source.name,
            "licence": source.licence,
            "notice": source.notice,
            "homepage": source.homepage,
            "citation": source.citation,
        }
        for source in sources.values()
    ]
