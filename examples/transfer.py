"""Figures of the transfer experiment: intervals and paired tests by the harness's statistics, a table and a picture.

    python -m reference_model.experiments.transfer -o runs/transfer
    python examples/transfer.py runs/transfer

Reads ``answers.jsonl`` (arm, seed, id, language, family, right) and writes ``figures.json``, ``figures.md`` and
``figures.svg`` beside it. Arms are compared on the same questions and within seeds, in two ways. Over seeds, a training
is one unit: would other trainings show the same? With n seeds no exact p lies below 2 / 2^n. Over questions, a question
is one unit, its score the mean over the seeds: would other questions show the same of these models?
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from bayling_bench.statistics.bootstrap import ratio
from bayling_bench.statistics.paired import Pairs, all_pairs
from bayling_bench.statistics.ranking import holm

ARMS = {
    "english": "English instructions only", "single": "+ single-turn translation",
    "interactive": "+ interactive translation", "all": "instructions in all languages",
}  # fmt: skip
CHANGES = ("negate", "question", "future")
"""Families that interactive translation asks for too, as changes of a translation."""
TRAINED = ("translation", "interactive")
"""Fresh conversations of kinds that some arms are trained on."""
TESTS = (("single", "interactive"), ("english", "interactive"), ("english", "single"))
"""First against second arm, in Chinese and German together: the first of these is the question of the experiment."""
GROUPS = {
    "en": "English", "zh": "Chinese", "de": "German", "zh+de": "Chinese and German",
    "zh+de changes": "… negate, question, future", "zh+de others": "… the other families",
    "translation": "fresh translations", "interactive": "fresh last turns",
}  # fmt: skip
SHOWN = ("en", "zh", "de")
COLOURS = {"english": "#7a7a7a", "single": "#3b76af", "interactive": "#c8553d", "all": "#3f8f5f"}


def main() -> None:
    """Compute, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of the experiment")
    folder = parser.parse_args().folder
    rows = [json.loads(line) for line in (folder / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    table = {group: right(rows, group) for group in GROUPS}
    found = {group: compared(values) for group, values in table.items()}
    figures = to_json(table, found)
    (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    text = markdown(figures)
    (folder / "figures.md").write_text(text, encoding="utf-8")
    draw(figures, folder / "figures.svg")
    print(text)


def right(rows: list[dict[str, Any]], group: str) -> np.ndarray:
    """Return [arms, seeds, questions] of 0 and 1 for a group of questions."""
    chosen = [row for row in rows if belongs(row, group)]
    seeds = sorted({row["seed"] for row in chosen})
    names = list(dict.fromkeys(sorted(row["id"] for row in chosen)))
    values = np.full((len(ARMS), len(seeds), len(names)), np.nan)
    places = {name: number for number, name in enumerate(names)}
    for row in chosen:
        values[list(ARMS).index(row["arm"]), seeds.index(row["seed"]), places[row["id"]]] = row["right"]
    assert not np.isnan(values).any(), "some answers are missing"
    return values


def belongs(row: dict[str, Any], group: str) -> bool:
    """Return whether an answer is one of a group's."""
    if group in TRAINED:
        return row["family"] == group
    languages, _, part = group.partition(" ")
    wanted = {"changes": row["family"] in CHANGES, "others": row["family"] not in CHANGES}.get(part, True)
    return row["language"] in languages.split("+") and wanted


def compared(values: np.ndarray) -> dict[str, Pairs]:
    """Return scores, intervals and tests of all arms, with a training as the unit and with a question as the unit."""
    units = {"seeds": values.sum(axis=2), "questions": values.sum(axis=1)}
    size = {"seeds": values.shape[2], "questions": values.shape[1]}
    return {
        name: all_pairs([np.stack([sums, np.full(sums.shape, size[name])], axis=-1)], ratio)
        for name, sums in units.items()
    }


def to_json(table: dict[str, np.ndarray], found: dict[str, dict[str, Pairs]]) -> dict[str, Any]:
    """Return every figure that is shown."""
    arms = list(ARMS)
    groups = {}
    for group, values in table.items():
        intervals = found[group]["seeds"].intervals
        groups[group] = {
            "questions": values.shape[2],
            "arms": {
                arm: {
                    "mean": float(values[number].mean()),
                    "interval": intervals[number].tolist() if intervals is not None else None,
                    "seeds": values[number].mean(axis=1).tolist(),
                }
                for number, arm in enumerate(arms)
            },
        }
    pairs = found["zh+de"]
    p = {
        unit: holm([each.p_randomization[arms.index(a), arms.index(b)] for a, b in TESTS])
        for unit, each in pairs.items()
    }
    tests = []
    for number, (first, second) in enumerate(TESTS):
        at = arms.index(second), arms.index(first)
        test: dict[str, Any] = {"first": first, "second": second, "difference": float(pairs["seeds"].differences[at])}
        for unit, each in pairs.items():
            interval = each.difference_intervals
            test[unit] = {
                "interval": interval[at].tolist() if interval is not None else None,
                "p": float(each.p_randomization[at]), "p_holm": float(p[unit][number]),
            }  # fmt: skip
        tests.append(test)
    return {"seeds": next(iter(table.values())).shape[1], "groups": groups, "tests": tests}


def markdown(figures: dict[str, Any]) -> str:
    """Return the figures as two tables."""
    head = "| right answers, % | questions | " + " | ".join(ARMS.values()) + " |\n|---|---|" + "---|" * len(ARMS) + "\n"
    lines = [
        f"| {GROUPS[group]} | {of['questions']} | " + " | ".join(_share(one) for one in of["arms"].values()) + " |\n"
        for group, of in figures["groups"].items()
    ]
    tests = [
        f"| {test['second']} - {test['first']} | {100 * test['difference']:+.1f} | "
        + " | ".join(
            f"{_range(test[unit]['interval'], '+')} | {test[unit]['p_holm']:.4f}" for unit in ("seeds", "questions")
        )
        + " |\n"
        for test in figures["tests"]
    ]
    return (
        f"{head}{''.join(lines)}\nMeans of {figures['seeds']} seeds, 95 % intervals over seeds.\n\n"
        "| Chinese and German | difference | over seeds | p (Holm) | over questions | p (Holm) |\n"
        f"|---|---|---|---|---|---|\n{''.join(tests)}"
    )


def _share(one: dict[str, Any]) -> str:
    return f"{100 * one['mean']:.1f} ({_range(one['interval'])})"


def _range(interval: list[float] | None, sign: str = "") -> str:
    return " to ".join(f"{100 * bound:{sign}.1f}" for bound in interval) if interval else "–"


def draw(figures: dict[str, Any], path: Path) -> None:
    """Draw a panel a language: each training a dot, means with their intervals."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "transfer", "font.family": "sans-serif", "font.size": 9}
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(SHOWN), sharey=True, figsize=(8.4, 2.7), layout="constrained")
    for panel, group in zip(panels, SHOWN, strict=True):
        for row, (arm, one) in enumerate(figures["groups"][group]["arms"].items()):
            colour = COLOURS[arm]
            panel.plot(
                [100 * value for value in one["seeds"]], [row] * len(one["seeds"]), "o", ms=4, alpha=0.35, c=colour
            )
            if one["interval"]:
                panel.plot([100 * bound for bound in one["interval"]], [row, row], lw=2, c=colour)
            panel.plot(100 * one["mean"], row, "D", ms=6, c=colour)
        trained = "all arms trained on it" if group == "en" else "only the last arm trained on it"
        panel.set_title(f"{GROUPS[group]}\n{trained}", fontsize=8)
        panel.set_xlim(-3, 103)
        panel.grid(axis="x", alpha=0.3)
        panel.set_xlabel("right answers, %")
    panels[0].set_yticks(range(len(ARMS)), list(ARMS.values()))
    panels[0].set_ylim(len(ARMS) - 0.5, -0.5)
    figure.savefig(path, metadata={"Date": None})
    path.write_text("\n".join(line.rstrip() for line in path.read_text(encoding="utf-8").splitlines()) + "\n")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
