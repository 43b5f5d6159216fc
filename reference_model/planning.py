"""What a training will take: parameters, memory on each GPU, operations, hours. Computed, not measured."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from reference_model import work
from reference_model.errors import TrainingError, did_you_mean
from reference_model.settings import Settings

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class Machine:
    """GPUs, and what share of their peak is expected."""

    gpus: int
    gpu: str
    utilisation: float

    def __post_init__(self) -> None:
        if self.gpus < 1 or not 0 < self.utilisation <= 1:
            raise TrainingError("--gpus must be at least 1 and --utilisation lie between 0 and 1, for example 0.4.")
        if work.peak(self.gpu) is None:
            near = did_you_mean(self.gpu, work.PEAKS)
            raise TrainingError(f"--gpu {self.gpu!r} is unknown.{near} Known: {', '.join(work.PEAKS)}.")

    @property
    def rate(self) -> float:
        """Return operations a second of all GPUs together, as expected."""
        return (work.peak(self.gpu) or 0.0) * self.gpus * self.utilisation


@dataclass(frozen=True)
class Plan:
    """Figures of a training."""

    name: str
    note: str
    machine: Machine
    parameters: work.Parameters
    memory: work.Memory
    tokens_a_step: int
    operations_a_step: float
    seconds_a_step: float
    steps: int | None
    """None where neither steps nor the size of the data are known."""

    @property
    def hours(self) -> float | None:
        """Return the length of the whole training."""
        return None if self.steps is None else self.steps * self.seconds_a_step / 3600

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {**asdict(self), "memory_all": self.memory.all, "hours": self.hours}


def plan(settings: Settings, machine: Machine, *, tokens_in_a_pass: float = 0.0) -> Plan:
    """Return the figures of a training in which every token is learned and each sees half a row on average."""
    batch = settings.batch
    if not 0 <= tokens_in_a_pass < math.inf:
        raise TrainingError(f"--tokens {tokens_in_a_pass:g} must not be below 0; for example --tokens 1e8.")
    if batch.sequences % (machine.gpus * batch.micro):
        raise TrainingError(
            f"batch.sequences = {batch.sequences} cannot be shared by --gpus {machine.gpus} with batch.micro = "
            f"{batch.micro}: their product must divide it."
        )
    tokens = batch.sequences * batch.length
    operations = work.operations(settings, batch.length / 2) * tokens
    steps = settings.optimizer.steps or (int(settings.optimizer.epochs * tokens_in_a_pass / tokens) or None)
    return Plan(
        name=settings.name, note=settings.note, machine=machine, parameters=work.parameters(settings),
        memory=work.memory(settings, machine.gpus), tokens_a_step=tokens, operations_a_step=operations,
        seconds_a_step=operations / machine.rate, steps=steps,
    )  # fmt: skip


def table(found: Plan) -> Table:
    """Return the figures as a table for the terminal."""
    from rich.table import Table

    shown = Table(
        "what", "figure", title=f"{found.name} on {found.machine.gpus} x {found.machine.gpu}", title_justify="left"
    )
    shown.columns[1].justify = "right"
    shown.add_row("parameters", f"{found.parameters.all:,}")
    shown.add_row("of which trained", f"{found.parameters.trained:,}")
    for part, count in asdict(found.memory).items():
        shown.add_row(f"{part}, GB a GPU", f"{count / 1e9:.2f}")
    shown.add_row("together, GB a GPU", f"{found.memory.all / 1e9:.1f}")
    shown.add_row("tokens a step", f"{found.tokens_a_step:,}")
    shown.add_row("operations a step", f"{found.operations_a_step:.3g}")
    shown.add_row(f"seconds a step at {found.machine.utilisation:.0%} of the peak", f"{found.seconds_a_step:.3g}")
    shown.add_row("steps", f"{found.steps:,}" if found.steps else "name the data's size with --tokens")
    shown.add_row("hours", f"{found.hours:.3g}" if found.hours is not None else "–")
    if found.note:
        shown.caption = found.note
    return shown
