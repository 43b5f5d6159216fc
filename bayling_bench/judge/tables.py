"""What the terminal shows of results, rankings and calibrations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bayling_bench.judge.judgements import FAILURES

Row = Mapping[str, Any]
_BY = ("category", "language", "turns", "task")
_PAIR = ("n", "win", "tie", "lose", "win rate %", "mean", "opponent", "score sums %")


def number(row: Row, digits: int = 2) -> str:
    """Return an estimate with its 95 % interval."""
    if row["value"] is None:
        return "—"
    bounds = "" if row["low"] is None else f" [{row['low']:.{digits}f}, {row['high']:.{digits}f}]"
    return f"{row['value']:.{digits}f}{bounds}"


def of_results(results: Row) -> Iterator[RenderableType]:
    """Yield the table of one judging and the lines below it."""
    pairwise = results["system2"] is not None
    table = Table(title=_title(results), title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    for name in (
        ("n", "win", "tie", "lose", "win rate %", "mean", "opponent", "score sums %") if pairwise else ("n", "mean")
    ):
        table.add_column(name, justify="right", no_wrap=True)
    rows = [("all", results["overall"])]
    rows += [(f"  {value}", row) for name in _BY for value, row in results["by"][name].items()]
    for name, row in rows:
        table.add_row(name, *(_pair_cells(row) if pairwise else [str(row["judged"]), number(row["mean1"])]))
    yield table
    yield from map(Text, notes(results))


def _title(results: Row) -> str:
    against = f" against {results['system2']['name']}" if results["system2"] else ""
    judge = results["judge"]["snapshot"] or results["judge"]["spec"]
    state = "" if results["complete"] else " (unfinished)"
    return f"{results['system1']['name']}{against}, judged by {judge}, {results['protocol']['name']}{state}"


def _pair_cells(row: Row) -> list[str]:
    counts = [str(row[name]) for name in ("judged", "win", "tie", "lose")]
    return [
        *counts,
        number(row["win_rate_pct"], 1),
        number(row["mean1"]),
        number(row["mean2"]),
        number(row["ratio_pct"]),
    ]


def notes(results: Row) -> Iterator[str]:
    """Yield in words what must be known beside the numbers: failures, biases, tests, cost, calibration."""
    yield _failures(results)
    if results["system2"] is not None:
        yield from _comparison(results)
    planted = {number: n for number, n in results["planted"].items() if n}
    if planted:
        told = ", ".join(f"{n} of {results[number]['name']}" for number, n in planted.items())
        yield f"answers that hold something like a verdict (never read as one): {told}"
    yield _cost(results)
    yield calibration_line(results["calibration"])


def _failures(results: Row) -> str:
    overall, replies = results["overall"], results["replies"]
    failed = "; ".join(f"{n} {kind} ({FAILURES[kind]})" for kind, n in overall["failures"].items())
    line = f"{overall['judged']} of {overall['items']} questions have a verdict" + (f"; {failed}" if failed else "")
    unread = ", ".join(f"{n} {kind}" for kind, n in replies["failures"].items())
    line += f". {replies['read']} of {replies['wanted']} replies could be read"
    line += f" ({unread})" if unread else ""
    return line + (f"; {replies['asked_again']} were asked for again." if replies["asked_again"] else ".")


def _comparison(results: Row) -> Iterator[str]:
    test = results["tests"].get("win_rate_pct")
    if test:
        score = results["tests"]["mean_score"]
        yield (
            f"paired tests over {test['questions']} questions: win rates differ by {test['difference']:+.1f} points "
            f"(p = {test['p_randomization']:.4f}), mean scores by {score['difference']:+.2f} (p = "
            f"{score['p_randomization']:.4f})"
        )
    overall = results["overall"]
    yield (
        f"score sums: mean of the tasks' ratios {number(overall['mean_ratio_of_tasks_pct'])} %; pooled, with questions "
        f"on which the orders disagree, {number(overall['ratio_with_disagreements_pct'])} %"
    )
    yield _position(results["position"])
    length = results["length"]
    controlled = number(length["length_controlled_win_rate_pct"], 1)
    correlation = "—" if length["spearman_with_score"] is None else f"{length['spearman_with_score']:+.2f}"
    yield f"length: rank correlation of differences with score {correlation}; win rate at equal length {controlled} %"


def _position(row: Row) -> str:
    chance = row["changed_by_chance_pct"]
    told = "" if chance is None else f"; two samples of one order differ in {chance:.1f} %"
    if not row["measured"]:
        return f"position: not measured, as {row['why']}{told}"
    gain = row["advantage"]
    return (
        f"position: the first place is worth {number(gain)} points (p = {gain['p_randomization']:.4f}); the verdict "
        f"changes with the order in {row['changed_by_order_pct']:.1f} % of {row['items']} questions{told}"
    )


def _cost(results: Row) -> str:
    usage = results["usage"]
    paid = "no price is known" if usage["usd"] is None else f"{usage['usd']:.4f} US dollars"
    lost = f"; {usage['lost']} replies were lost and may have been charged for" if usage["lost"] else ""
    return f"used: {usage['prompt_tokens']:,} tokens of prompts, {usage['tokens']:,} of replies; {paid}{lost}"


def calibration_line(found: Row | None) -> str:
    """Return in one line how far a judge agrees with the published verdicts, or that nobody has asked."""
    if found is None:
        return (
            "calibration: none of this judge, snapshot and protocol; `bayling-bench judge --calibrate` asks it about "
            "published pairs"
        )
    overall, position = found["overall"], found["position"]
    kappa = "—" if overall["kappa"] is None else f"{overall['kappa']:.2f}"
    swap = (
        f"; same verdict in both orders {100 - position['changed_by_order_pct']:.1f} %" if position["measured"] else ""
    )
    return (
        f"calibration of {found['written'][:10]}: agrees with GPT-4 of 2023 on {number(overall['agreement_pct'], 1)} % "
        f"of {overall['n']} published pairs, kappa {kappa}{swap}"
    )


def of_calibration(found: Row) -> Iterator[RenderableType]:
    """Yield the table of a calibration record and the lines below it."""
    judge = found["judge"]
    title = f"{judge['snapshot'] or judge['spec']}, {found['protocol']['name']}, beside {found['against']}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    for name in ("n", "same verdict %", "kappa", "scores ρ", "differences ρ"):
        table.add_column(name, justify="right", no_wrap=True)
    rows = [("all", found["overall"]), ("BayLing first, as published", found["published_order"])]
    rows += [(f"  {value}", row) for group in found["by"].values() for value, row in group.items()]
    for name, row in rows:
        table.add_row(name, *_agreement_cells(row))
    yield table
    failures = ", ".join(f"{n} {kind}" for kind, n in found["failures"].items()) or "none"
    yield Text(f"questions without a verdict: {failures} of {found['pairs']}")
    yield Text(_position(found["position"]))


def _agreement_cells(row: Row) -> list[str]:
    plain = [row[name] for name in ("kappa", "spearman_of_scores", "spearman_of_differences")]
    return [str(row["n"]), number(row["agreement_pct"], 1), *("—" if each is None else f"{each:.2f}" for each in plain)]


def of_ranking(ranking: Row) -> RenderableType:
    """Return the strengths of systems that one judge compared."""
    title = f"Bradley-Terry strengths (geometric mean 1), {ranking['judge']}, {ranking['protocol']}"
    if ranking["why_not"]:
        return Text(f"{title}: {ranking['why_not']}")
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("system", no_wrap=True)
    table.add_column("strength", justify="right", no_wrap=True)
    for system in ranking["systems"]:
        table.add_row(system["name"], number(system))
    return table
