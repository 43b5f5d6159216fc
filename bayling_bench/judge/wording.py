"""Results in rows and sentences, the same for terminal and report: what must be known beside the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bayling_bench.judge.judgements import FAILURES

Row = Mapping[str, Any]
DIMENSIONS = ("category", "language", "turns", "task")
PAIR_COLUMNS = ("n", "win", "tie", "lose", "win rate %", "mean", "opponent", "score sums %")
ALONE_COLUMNS = ("n", "mean")
AGREEMENT_COLUMNS = ("n", "same verdict %", "kappa", "scores ρ", "differences ρ")


def number(row: Row, digits: int = 2) -> str:
    """Return an estimate with its 95 % interval."""
    if row["value"] is None:
        return "—"
    bounds = "" if row["low"] is None else f" [{row['low']:.{digits}f}, {row['high']:.{digits}f}]"
    return f"{row['value']:.{digits}f}{bounds}"


def title(results: Row) -> str:
    """Return who was judged against whom, by which model and under which protocol."""
    against = f" against {results['system2']['name']}" if results["system2"] else ""
    state = "" if results["complete"] else " (unfinished)"
    return f"{results['system1']['name']}{against}, {judged_by(results)}{state}"


def judged_by(results: Row) -> str:
    """Return ``judged by MODEL, PROTOCOL``."""
    return f"judged by {results['judge']['snapshot'] or results['judge']['spec']}, {results['protocol']['name']}"


def columns(results: Row) -> tuple[str, ...]:
    """Return the headings of `rows`."""
    return ALONE_COLUMNS if results["system2"] is None else PAIR_COLUMNS


def rows(results: Row) -> Iterator[tuple[str, str, list[str]]]:
    """Yield dimension ("" for the whole), value and cells of each row of a table."""
    cells = _alone_cells if results["system2"] is None else _pair_cells
    yield "", "all", cells(results["overall"])
    for dimension in DIMENSIONS:
        for value, row in results["by"][dimension].items():
            yield dimension, value, cells(row)


def _alone_cells(row: Row) -> list[str]:
    return [_n(row), number(row["mean1"])]


def _pair_cells(row: Row) -> list[str]:
    counts = [_n(row), *(str(row[name]) for name in ("win", "tie", "lose"))]
    means = [number(row[name]) for name in ("mean1", "mean2", "ratio_pct")]
    return [*counts, number(row["win_rate_pct"], 1), *means]


def _n(row: Row) -> str:
    return str(row["judged"]) if row["judged"] == row["items"] else f"{row['judged']} of {row['items']}"


def notes(results: Row) -> Iterator[str]:
    """Yield in words failures, tests, biases, planted verdicts, cost and calibration."""
    yield _failures(results)
    if results["system2"] is not None:
        yield from _comparison(results)
    yield from _planted(results)
    yield _cost(results)
    yield f"signature: {results['signature']}"
    yield calibration(results["calibration"])


def _planted(results: Row) -> Iterator[str]:
    planted = results["planted"]
    told = [
        f"{planted[number]} of {results[number]['name']}" for number in ("system1", "system2") if planted.get(number)
    ]
    if told:
        yield f"answers that hold something like a verdict (never read as one): {', '.join(told)}"
    bounds = planted["win_rate_pct"]
    if bounds["if_won"] is not None:
        yield (
            f"{planted['unread']} questions with such an answer have no verdict that could be read: the win rate is "
            f"{bounds['if_lost']:.1f} % if whoever planted it lost all of these, {bounds['if_won']:.1f} % if they won"
        )


def _failures(results: Row) -> str:
    overall, replies = results["overall"], results["replies"]
    failed = "; ".join(f"{n} {kind} ({FAILURES[kind]})" for kind, n in overall["failures"].items())
    line = f"{overall['judged']} of {overall['items']} questions have a verdict" + (f"; {failed}" if failed else "")
    unread = ", ".join(f"{n} {kind}" for kind, n in replies["failures"].items())
    line += f". {replies['read']} of {replies['wanted']} replies could be read"
    line += f" ({unread})" if unread else ""
    return line + (f"; {replies['asked_again']} were asked for again." if replies["asked_again"] else ".")


def _comparison(results: Row) -> Iterator[str]:
    yield position(results["position"])
    test = results["tests"].get("win_rate_pct")
    if not test:
        return
    score, overall = results["tests"]["mean_score"], results["overall"]
    yield (
        f"paired tests over {test['questions']} questions: win rates differ by {test['difference']:+.1f} points "
        f"(p = {test['p_randomization']:.4f}), mean scores by {score['difference']:+.2f} (p = "
        f"{score['p_randomization']:.4f})"
    )
    yield (
        f"score sums: mean of the tasks' ratios {number(overall['mean_ratio_of_tasks_pct'])} %; pooled, with questions "
        f"on which the orders disagree, {number(overall['ratio_with_disagreements_pct'])} %"
    )
    length = results["length"]
    controlled = number(length["length_controlled_win_rate_pct"], 1)
    correlation = "—" if length["spearman_with_score"] is None else f"{length['spearman_with_score']:+.2f}"
    yield f"length: rank correlation of differences with score {correlation}; win rate at equal length {controlled} %"


def position(row: Row) -> str:
    """Return what the place of an answer does, beside what chance does."""
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
    uncounted = f"; {usage['without_counts']} replies came without counts" if usage["without_counts"] else ""
    return (
        f"used: {usage['prompt_tokens']:,} tokens of prompts, {usage['tokens']:,} of replies; {paid}{lost}{uncounted}"
    )


def calibration(found: Row | None) -> str:
    """Return in one line how far a judge agrees with the published verdicts, or that nobody has asked."""
    if found is None:
        return (
            "calibration: none of this judge, snapshot and protocol; `bayling-bench judge --calibrate` asks it about "
            "published pairs"
        )
    overall, order = found["overall"], found["position"]
    kappa = "—" if overall["kappa"] is None else f"{overall['kappa']:.2f}"
    swap = f"; same verdict in both orders {100 - order['changed_by_order_pct']:.1f} %" if order["measured"] else ""
    return (
        f"calibration of {found['written'][:10]}: agrees with GPT-4 of 2023 on {number(overall['agreement_pct'], 1)} % "
        f"of {overall['n']} published pairs, kappa {kappa}{swap}"
    )


def agreement_cells(row: Row) -> list[str]:
    """Return the cells of a row of a calibration table, under `AGREEMENT_COLUMNS`."""
    plain = [row[name] for name in ("kappa", "spearman_of_scores", "spearman_of_differences")]
    return [str(row["n"]), number(row["agreement_pct"], 1), *("—" if each is None else f"{each:.2f}" for each in plain)]
