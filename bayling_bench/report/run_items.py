"""The items of runs, with what judges said of their answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bayling_bench.display.metrics import shown_as
from bayling_bench.record import read_lines
from bayling_bench.report import places
from bayling_bench.report.items import Item, Part
from bayling_bench.report.outline import Reading
from bayling_bench.scoring.kinds import for_tables, unit_of

Verdicts = Mapping[tuple[str, int], list[dict[str, Any]]]


def part(key: str, reading: Reading, task: str, verdicts: Verdicts) -> Part | None:
    """Return a run's answers to a task; None where the task is not part of it."""
    planned = reading.plan(task)
    if planned is None:
        return None
    state = places.state_of_run(reading.settings, planned)
    return Part(system=key, states=[state], items=_items(reading, task, verdicts))


def _items(reading: Reading, task: str, verdicts: Verdicts) -> Iterator[Item]:
    for record in reading.items(task):
        more = {"unscored": record["unscored"]} if record["unscored"] else {}
        said = verdicts.get((task, record["index"]))
        more |= {"verdicts": said} if said else {}
        yield Item(
            index=record["index"],
            doc=record["doc"],
            references=record["references"],
            users=[str(turn.get("user") or "") for turn in record["turns"]],
            turns=[{name: value for name, value in turn.items() if name != "user"} for turn in record["turns"]],
            columns={
                shown_as(name, task): for_tables(score, unit_of(name)) for name, score in record["scores"].items()
            },
            flags=record["flags"],
            more=more,
        )


def verdicts(folder: Path, judgings: Sequence[Mapping[str, Any]]) -> Verdicts:
    """Return what judges said of each item of a run, by task and index: one entry a reply that could be read."""
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for judging in judgings:
        judge = f"{judging['judge']['snapshot'] or judging['judge']['spec']}, {judging['protocol']['name']}"
        path = folder / "judgements" / f"{judging['name']}.jsonl"
        for line in read_lines(path, f"`{judging['command']}`, which pays for no reply twice,"):
            if line["failure_kind"] == "not_asked":
                continue
            own_first = line["order"][0] == line["system1"]
            said = {name: line[name] for name in ("scores", "verdict", "evidence", "failure") if line[name]}
            order = {} if line["system2"] is None else {"order": "first" if own_first else "second"}
            entry = {"judge": judge, "opponent": line["system2"], **said, **order}
            found.setdefault((line["task"], line["item"]), []).append(entry)
    return found
