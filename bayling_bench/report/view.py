"""What a page says of its runs beside their numbers: settings and sources, as plain dicts and strings for templates.

Nothing here is escaped or marked up: the template's autoescape does that, and `text.visible` runs over every value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bayling_bench.display.text import ABSENT
from bayling_bench.report.outline import Reading


def build(runs: Sequence[Reading]) -> dict[str, Any]:
    """Return ``runs``, ``settings``, ``sources`` and ``citations``."""
    return {
        "runs": [_run(run) for run in runs],
        "settings": settings(runs),
        "sources": sources(runs),
        "citations": list(dict.fromkeys(file["citation"] for run in runs for file in run.settings["data"])),
    }


def _run(run: Reading) -> dict[str, Any]:
    created = run.settings["created"]
    return {
        "label": run.label,
        "folder": run.folder,
        "created": created,
        "date": created[:16].replace("T", " "),
        "finished": run.finished,
        "left_out": run.settings["left_out"],
        "notes": run.notes,
    }


def settings(runs: Sequence[Reading]) -> dict[str, list[dict[str, Any]]]:
    """Return group -> rows ``{"name", "values" (one a run), "differ"}`` of everything that run.json says of a run."""
    flat = [_settings_of(run) for run in runs]
    groups: dict[str, list[dict[str, Any]]] = {}
    for group, name in dict.fromkeys(key for values in flat for key in values):
        values = [run_values.get((group, name), ABSENT) for run_values in flat]
        groups.setdefault(group, []).append({"name": name, "values": values, "differ": len(set(values)) > 1})
    return groups


def _settings_of(run: Reading) -> dict[tuple[str, str], str]:
    elsewhere = ("schema", "tasks", "left_out", "data", "environment")
    record = {key: value for key, value in run.settings.items() if key not in elsewhere}
    environment = dict(run.settings["environment"])
    packages = environment.pop("packages")
    record |= {"environment": environment, "packages": packages}
    plain = {key: value for key, value in record.items() if not isinstance(value, dict)}
    grouped = {"run": plain} | {key: value for key, value in record.items() if isinstance(value, dict)}
    grouped["generation of tasks"] = {task["name"]: _decoding(task["generation"]) for task in run.settings["tasks"]}
    return {(group, name): text for group, values in grouped.items() for name, text in _flat(values).items()}


def _decoding(generation: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in _flat(generation).items())


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested settings as ``{"git commit": "..."}``."""
    flat: dict[str, str] = {}
    for key, value in values.items():
        name = f"{prefix}{key.replace('_', ' ')}"
        flat |= _flat(value, f"{name} ") if isinstance(value, dict) and value else {name: _plain(value)}
    return flat


def _plain(value: Any) -> str:
    if value is None or value in ([], {}):
        return ABSENT
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def sources(runs: Sequence[Reading]) -> list[dict[str, Any]]:
    """Return the data files of all runs, each state once: file, sha256, licence and the labels of its runs."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for run in runs:
        for file in run.settings["data"]:
            entry = found.setdefault((file["file"], file["sha256"]), {**file, "runs": []})
            entry["runs"].append(run.label)
    return list(found.values())
