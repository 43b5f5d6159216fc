"""The results of a judging, as ``judgements/<name>.json``: who, how, what came of it, what failed, what it cost."""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bayling_bench import __version__, provenance, statistics
from bayling_bench.errors import BenchError, RunError
from bayling_bench.journal import Journal, digest
from bayling_bench.judge import aggregate, bias, calibrations, outcomes
from bayling_bench.judge.client import Tally
from bayling_bench.judge.completions import Completion
from bayling_bench.judge.judgements import Judgement
from bayling_bench.judge.judging import Judged, Judging
from bayling_bench.judge.purse import Purse
from bayling_bench.record import write_json, write_lines

SCHEMA = 1
BEGUN = "judging.json"
Row = dict[str, Any]


def write(judging: Judging, judged: Sequence[Judged], purse: Purse, command: str, tally: Tally | None) -> Row:
    """Write judgements and results of a judging, whole or in part, and return the results.

    ``tally`` is that of the command just carried out; None keeps what an earlier one wrote.
    """
    earlier = read(judging.results_file) if judging.results_file.exists() else {}
    results = build(judging, judged, purse)
    results["created"] = earlier.get("created", results["written"])
    results["command"] = command
    requests = dict(earlier.get("requests", {"sent": 0, "retries": 0, "lowest_limit": None}))
    if tally is not None and tally.sent:
        requests = {
            "sent": requests["sent"] + tally.sent,
            "retries": requests["retries"] + tally.retries,
            "lowest_limit": tally.lowest_limit,
        }
    results["requests"] = requests
    write_lines(judging.lines_file, [each.judgement for each in judged])
    write_json(judging.results_file, results)
    return results


def begin(judging: Judging, purse: Purse, command: str) -> None:
    """Write beside the journal what ``--reparse`` needs, before the first request: a kill may leave nothing else."""
    judging.completions.mkdir(parents=True, exist_ok=True)
    price = None if purse.price is None else purse.price.to_json()
    row = {
        "schema": SCHEMA,
        "name": judging.name,
        "command": command,
        "judge": {"spec": f"openai:{judging.asking.model}", "base_url": judging.asking.url},
        "protocol": {**judging.asking.protocol.to_json(), "sha256": judging.asking.protocol.sha256},
        "settings": dict(judging.settings),
        "usage": {"price": price, "counted": purse.counter.how},
    }
    write_json(judging.completions / BEGUN, row)


def begun(folder: Path) -> list[Row]:
    """Return what `begin` wrote of those judgings of a run folder that have no results."""
    judgements = folder / "judgements"
    paths = sorted((judgements / "completions").glob(f"*/{BEGUN}"))
    names = {path: path.parent.name for path in paths if "@" not in path.parent.name}
    return [read(path) for path, name in names.items() if not (judgements / f"{name}.json").exists()]


def build(judging: Judging, judged: Sequence[Judged], purse: Purse) -> Row:
    """Return the results of judgements: a function of what the journal holds, apart from the time of writing."""
    judgements = [each.judgement for each in judged]
    protocol, sides = judging.asking.protocol, judging.sides
    collected = outcomes.collect(judgements)
    pairwise = protocol.kind == "pairwise"
    snapshot = next((each["snapshot"] for each in judgements if each["snapshot"]), None)
    found: Row = {
        "schema": SCHEMA,
        "bayling_bench": __version__,
        "written": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "name": judging.name,
        "complete": all(each.finished for each in judged),
        "judge": {"spec": f"openai:{judging.asking.model}", "base_url": judging.asking.url, "snapshot": snapshot},
        "protocol": {**protocol.to_json(), "sha256": protocol.sha256},
        "signature": signature(judging, snapshot),
        "environment": provenance.environment(),
        "system1": {"name": sides.system1, **judging.own.identity},
        "system2": None if judging.other is None else {"name": sides.system2, **judging.other.identity},
        "settings": dict(judging.settings),
        "with_references": sum(item.references is not None for item in judging.items),
        "replies": _replies(judgements),
        "usage": usage(judging.open_journal(), purse),
        **aggregate.summary(collected, protocol.assistants),
        "planted": _planted(judgements, collected),
        "items": [_item(each) for each in collected],
    }
    if pairwise:
        found["position"] = bias.position(collected, judgements)
        found["length"] = bias.length(collected)
    found["calibration"] = calibrations.find(found)
    return found


def signature(judging: Judging, snapshot: str | None) -> str:
    """Return the line that says exactly what the verdicts are, in sacrebleu's form."""
    protocol, asking = judging.asking.protocol, judging.asking
    temperature = protocol.sampling.get("temperature")
    heat = "none" if temperature is None else f"{temperature:g}"
    return (
        f"judge:{snapshot or asking.model}|protocol:{protocol.name}.{protocol.version}|sha:{protocol.sha256[:8]}|"
        f"orders:{protocol.orders}|samples:{protocol.samples}|temp:{heat}|"
        f"seed:{asking.seed}|version:{__version__}"
    )


def _replies(judgements: Sequence[Judgement]) -> Row:
    """Return how the single replies fared, of which several may belong to one question."""
    failures = Counter(each["failure_kind"] for each in judgements if each["failure_kind"])
    return {
        "wanted": len(judgements),
        "read": sum(each["scores"] is not None for each in judgements),
        "asked_again": sum(each["attempts"] > 1 for each in judgements),
        "failures": dict(sorted(failures.items())),
    }


def usage(journal: Journal[Completion], purse: Purse) -> Row:
    """Return tokens and cost of all that a journal holds, of every command so far."""
    kept = list(journal.entries().values())
    tokens = {name: sum(getattr(reply, name) or 0 for reply in kept) for name in ("prompt_tokens", "tokens")}
    return {
        **tokens,
        "without_counts": sum(reply.text is not None and reply.tokens is None for reply in kept),
        "lost": sum(reply.lost for reply in kept),
        "seconds": round(sum(reply.seconds or 0.0 for reply in kept), 1),
        "usd": None if purse.price is None else round(sum(map(purse.cost, kept)), 6),
        "price": None if purse.price is None else purse.price.to_json(),
        "counted": purse.counter.how,
    }


def _planted(judgements: Sequence[Judgement], collected: Sequence[outcomes.Outcome]) -> Row:
    """Return how many answers of each system hold something that could pass for a verdict, and what that may hide.

    ``unread`` questions have such an answer and no verdict that could be read; ``win_rate_pct`` is that of the first
    system if all of them are lost, or all won, by the system that planted.
    """
    places = {(each["task"], each["item"]): each["planted"] for each in judgements}
    systems = (1, 2)[: 1 + any(each["system2"] for each in judgements)]
    found: Row = {f"system{number}": sum(number in given for given in places.values()) for number in systems}
    hidden = [each for each in collected if each.failure == "parse_failure" and places[each.task, each.item]]
    wins = [each.win for each in collected if each.verdict]
    bounds = {"if_lost": None, "if_won": None}
    if hidden and len(systems) == 2:
        # Won by the system that planted: where both did, by the first.
        won = sum(1.0 for each in hidden if 1 in places[each.task, each.item])
        lost = sum(1.0 for each in hidden if 1 not in places[each.task, each.item])
        judged = len(wins) + len(hidden)
        bounds = {name: 100 * (sum(wins) + more) / judged for name, more in (("if_lost", lost), ("if_won", won))}
    return found | {"unread": len(hidden), "win_rate_pct": bounds}


def _item(outcome: outcomes.Outcome) -> Row:
    return {
        "task": outcome.task,
        "item": outcome.item,
        "question_id": outcome.question_id,
        "scores": outcome.scores,
        "verdict": outcome.verdict,
        "failure": outcome.failure,
    }


def read_all(folder: Path) -> list[Row]:
    """Return the results of every judging in a run folder, by name; those set aside for a newer model are left out."""
    paths = sorted((folder / "judgements").glob("*.json"))
    return [read(path) for path in paths if "@" not in path.name]


def read(path: Path) -> Row:
    """Return the results in a file; RunError where it is damaged or of another version."""
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        schema = results["schema"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise RunError(
            f"{path} is damaged ({error}). Remove it and give the same `bayling-bench judge` command again: the "
            f"replies are kept in {path.parent / 'completions'}, so nothing is paid twice."
        ) from None
    if schema != SCHEMA:
        raise RunError(f"{path} has schema {schema}, and this version reads {SCHEMA}. Judge again.")
    return results


def same_judge(results: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what must be equal for two results to be compared: judge, its snapshot, and protocol."""
    judge = results["judge"]
    return judge["spec"], judge["base_url"], judge["snapshot"], results["protocol"]["sha256"]


def rankings(found: Sequence[Row]) -> list[Row]:
    """Return Bradley-Terry strengths of all systems that the same judge compared, where it judged several pairs."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for results in found:
        if results["system2"] is not None:
            groups.setdefault(same_judge(results), []).append(results)
    return [_ranking(group) for group in groups.values() if len(group) > 1]


def _ranking(group: Sequence[Row]) -> Row:
    judge, protocol = group[0]["judge"], group[0]["protocol"]["name"]
    labels = _labels(group)
    worth = {"win": 1.0, "tie": 0.5, "lose": 0.0}
    games, questions = [], []
    for results in group:
        for item in results["items"]:
            if item["verdict"]:
                games.append((_system(results["system1"]), _system(results["system2"]), worth[item["verdict"]]))
                questions.append(item["question_id"])
    row: Row = {"judge": judge["snapshot"] or judge["spec"], "protocol": protocol, "verdicts": len(games)}
    try:
        fitted = statistics.strengths(games, questions)
    except BenchError as error:
        told = str(error)
        for key, label in labels.items():
            told = told.replace(key, label)
        return row | {"systems": [], "why_not": told}
    bounds = fitted.intervals or [None] * len(fitted.names)
    systems = [
        {"name": labels[name], **aggregate.value(strength, interval)}
        for name, strength, interval in zip(fitted.names, fitted.values, bounds, strict=True)
    ]
    return row | {"systems": sorted(systems, key=lambda each: -each["value"]), "why_not": None}


def _system(system: Mapping[str, Any]) -> str:
    """Return what tells a system from others, whatever its name in tables."""
    return digest({name: value for name, value in system.items() if name != "name"})


def _labels(group: Sequence[Row]) -> dict[str, str]:
    """Return the name of each system in tables; those of one name are told apart by the beginning of their hash."""
    names: dict[str, str] = {}
    for results in group:
        for each in (results["system1"], results["system2"]):
            names.setdefault(_system(each), each["name"])
    several = Counter(names.values())
    return {key: name if several[name] == 1 else f"{name} ({key[:8]})" for key, name in names.items()}
