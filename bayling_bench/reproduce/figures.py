"""The figures of a reproduction, out of run records: what was to be reached, and what every system reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bayling_bench import statistics, task_index
from bayling_bench.record import Run

DIRECTIONS = ("zh_en", "en_zh", "de_en", "en_de")


@dataclass(frozen=True)
class Value:
    """One figure of one system, in points or per cent."""

    value: float
    low: float | None
    high: float | None
    n: int
    """Sentences, turns or words."""


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    target: float | None
    """Reached by the trained model if its value is as high; None where none was set."""
    metric: str
    tasks: tuple[str, ...]
    """Their items are counted together."""

    def of(self, run: Run) -> Value | None:
        """Return the figure of a run; None where it has none."""
        if self.metric.startswith("bleu"):
            return self._scored(run)
        counted = [sum(column) for column in zip(*self._counts(run), strict=True)]
        if not counted:
            return None
        met, asked = counted
        spread = statistics.wilson(round(met), round(asked))
        return Value(100 * met / asked, 100 * spread.low, 100 * spread.high, round(asked))

    def _scored(self, run: Run) -> Value | None:
        found = run.scores.get("tasks", {}).get(self.tasks[0], {}).get("metrics", {}).get(self.metric)
        return Value(found["value"], found["low"], found["high"], found["n"]) if found else None

    def _counts(self, run: Run) -> Iterator[Sequence[float]]:
        for task in self.tasks:
            for item in run.items(task):
                value = item["statistics"].get(self.metric, item["scores"].get(self.metric))
                if value is not None:
                    yield value if isinstance(value, list) else (value, 1)


def figures() -> list[Figure]:
    """Return the lines of the table: those with targets first."""
    kinds = {kind: _tasks(kind) for kind in ("translation", "interactive", "constrained", "instructions")}
    parts = [
        (f"translations exactly right, {part.replace('_', ' ')}", f"exact@{part}", "translation")
        for part in ("random", "held_out_pair", "held_out_structure")
    ]
    beside = [
        *parts,
        ("first turns exactly right, %", "exact_turn1", "interactive"),
        ("asked words used that it would choose anyway, %", "constraint_micro@default", "constrained"),
        ("translations with asked words exactly right, %", "exact", "constrained"),
        ("instructions answered exactly, %", "exact", "instructions"),
    ]
    return [
        *(
            Figure(f"BLEU {each.replace('_', '-')}", 90.0, "bleu", (f"miniature_translation_{each}",))
            for each in DIRECTIONS
        ),
        Figure("second turns exactly right, %", 90.0, "exact_turn2", kinds["interactive"]),
        Figure(
            "asked words used that it would not choose, %", 80.0, "constraint_micro@not_default", kinds["constrained"]
        ),
        *(Figure(name, None, metric, kinds[kind]) for name, metric, kind in beside),
    ]


def _tasks(kind: str) -> tuple[str, ...]:
    return tuple(task.name for task in task_index.select([f"miniature_{kind}_*"]))


@dataclass(frozen=True)
class Line:
    """A figure with what each system reached; the trained model is the first."""

    figure: Figure
    values: tuple[Value | None, ...]

    @property
    def missed(self) -> bool:
        """Return whether the trained model falls short of the target."""
        target, value = self.figure.target, self.values[0]
        return target is not None and (value is None or value.value < target)


def lines(runs: Sequence[Run]) -> list[Line]:
    """Return the table of some runs, the trained model's first."""
    return [Line(figure, tuple(figure.of(run) for run in runs)) for figure in figures()]
