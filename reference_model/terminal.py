"""What the command line prints: a bar where somebody looks on, lines where a log file does."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from reference_model.metrics import Step

console = Console(highlight=False, soft_wrap=True)
notes = Console(stderr=True, highlight=False, soft_wrap=True)
EVERY = 10.0
"""Seconds between lines where nobody looks on."""


def say(text: str) -> None:
    """Print a note beside the output."""
    notes.print(text, markup=False)


@contextmanager
def steps() -> Iterator[Callable[[Step, int], None]]:
    """Give a function that shows each step of training."""
    last = 0.0
    with Progress(
        TextColumn("step"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"),
        console=notes, disable=not sys.stderr.isatty(),
    ) as bar:  # fmt: skip
        task = bar.add_task("", total=None)

        def show(step: Step, total: int) -> None:
            nonlocal last
            bar.update(task, completed=step.step, total=total, description=told(step))
            now = time.monotonic()
            if bar.disable and (step.step in (1, total) or now - last > EVERY):
                last = now
                say(f"step {step.step}/{total}  {told(step)}")

        yield show


def told(step: Step) -> str:
    """Return the figures of a step in one line."""
    used = f"  utilisation {step.utilisation:.1%}" if step.utilisation is not None else ""
    return (
        f"loss {step.loss:.4f}  gradient {step.gradient:.2f}  rate {step.rate:.2e}  "
        f"{step.tokens_per_second:,.0f} tokens/s{used}  {step.memory / 1e9:.1f} GB  {clock(step.left)} left"
    )


def clock(seconds: float) -> str:
    """Return a length of time as hours:minutes:seconds."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


@contextmanager
def counted(what: str) -> Iterator[Callable[[str], None]]:
    """Give a function that counts records by name."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=notes, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what)

        def advance(name: str) -> None:
            bar.update(task, advance=1, description=f"{what}: {name}")

        yield advance


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Show, where somebody looks on, what is being waited for."""
    if sys.stderr.isatty():
        with notes.status(text):
            yield
    else:
        yield
