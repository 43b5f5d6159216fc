"""Training: packed rows in, checkpoints out; the same curve on one process and on many.

A step takes ``batch.sequences`` rows of the endless list (``pack.Rows``), shared out over the processes, and divides
the summed loss by the number of learned tokens in all of them: so neither packing nor the number of processes nor
``micro`` changes what is learned. All randomness of a step comes from the seed, the step and the process.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from reference_model import attention, checkpoint, metrics, work
from reference_model.checkpoint import Progress
from reference_model.distributed import World, gathered, share_out
from reference_model.errors import TrainingError, did_you_mean
from reference_model.loss import LossNetwork
from reference_model.network import make_network
from reference_model.optimizer import make_descents, rate
from reference_model.pack import Block, Rows, assemble
from reference_model.settings import Settings
from reference_model.working_copy import WorkingCopy

PATIENCE = 3.0
"""Seconds after which a second Ctrl-C is one that means it."""


@dataclass(frozen=True, kw_only=True)
class Reporter:
    """Where a run tells how it goes."""

    say: Callable[[str], None]
    """Told what happens, in words."""
    step: Callable[[metrics.Step, int], None]
    """Told each step and how many there will be."""


def count_steps(settings: Settings, rows: Rows) -> int:
    """Return the steps of a run; TrainingError where the data does not fill a single one."""
    if settings.optimizer.steps:
        return settings.optimizer.steps
    count = rows.count(settings.optimizer.epochs)
    steps = count // settings.batch.sequences
    if not steps:
        raise TrainingError(
            f"The data fills {count} rows of {settings.batch.length} tokens in {settings.optimizer.epochs:g} passes "
            f"and one step takes {settings.batch.sequences}: --set batch.sequences={max(1, count)} or less, or more "
            "data."
        )
    return steps


def precise(settings: Settings, device: torch.device) -> bool:
    """Return whether matrices are multiplied in bf16."""
    wanted = settings.running.precision
    return wanted == "bf16" or (wanted == "auto" and device.type == "cuda")


def enable_recompute(network: Any) -> None:
    """Have a network of transformers keep the inputs of its blocks only and compute the rest again."""
    # the name in transformers 5, and before
    enable = getattr(network, "activation_checkpointing_enable", network.gradient_checkpointing_enable)
    enable({"use_reentrant": False})


class Trainer:
    """A run in one process: the network, its optimizer and the rows, at some step."""

    def __init__(self, settings: Settings, tokenizer: Any, rows: Rows, world: World) -> None:
        share = settings.batch.sequences / world.size
        if share % settings.batch.micro:
            raise TrainingError(
                f"batch.sequences = {settings.batch.sequences} on {world.size} processes is not a multiple of "
                f"batch.micro = {settings.batch.micro}: --set batch.micro=1 or another number of processes."
            )
        self.settings, self.rows, self.world = settings, rows, world
        self.padding = tokenizer.pad_token_id
        self.steps = count_steps(settings, rows)
        self.bf16 = precise(settings, world.device)
        self.attention = attention.choose(settings, world, bf16=self.bf16)
        self.network = self._network(tokenizer)
        self.copy = self._working_copy()
        if settings.running.compile:
            for layer in self.computing.network.model.layers:
                layer.compile(backend=settings.running.compile)
        self.descents = make_descents(settings, self.network, world)
        self.reached = Progress(0, 0)

    def _network(self, tokenizer: Any) -> LossNetwork:
        running = self.settings.running
        inner = make_network(self.settings, tokenizer, real=self.world.first)
        self._choose(inner)
        if running.recompute:
            enable_recompute(inner)
        network = LossNetwork(inner, running.loss_rows, running.compile)
        if self.world.together:
            share_out(network, self.world, bf16=self.bf16)
        else:
            network.to(self.world.device)
        return network.train()

    def _working_copy(self) -> WorkingCopy | None:
        """Return what computes in bf16 for a process that is alone; FSDP casts by itself."""
        return WorkingCopy(self.network) if self.bf16 and not self.world.together else None

    @property
    def computing(self) -> LossNetwork:
        """Return the network that computes: the kept one, or its working copy."""
        return self.copy.network if self.copy else self.network

    def _refresh(self) -> None:
        if self.copy:
            self.copy.refresh()

    def _choose(self, network: Any) -> None:
        """Set the attention implementation; TrainingError for one, or a compiler, that is not there."""
        try:
            network.set_attn_implementation(self.attention)
        except (ImportError, ValueError) as error:
            first = str(error).partition("\n")[0]
            raise TrainingError(f"running.attention = {self.attention!r} cannot be used here: {first}") from None
        if self.attention == "varlen" and network.config.attention_dropout:
            raise TrainingError(
                f"The weights ask for attention_dropout = {network.config.attention_dropout}, which varlen does not "
                "have: --set running.attention=sdpa."
            )
        backend = self.settings.running.compile
        if backend and backend not in torch.compiler.list_backends(exclude_tags=()):
            known = torch.compiler.list_backends()
            near = did_you_mean(backend, known)
            raise TrainingError(f"running.compile = {backend!r} is unknown.{near} Known: {', '.join(known)}.")

    def block(self, step: int) -> Block:
        """Return this process's rows of a step."""
        batch = self.settings.batch
        share = batch.sequences // self.world.size
        start = step * batch.sequences + self.world.rank * share
        chosen = [self.rows[index] for index in range(start, start + share)]
        return assemble(self.rows.tokens, chosen, batch.length, self.padding)

    def learn(self, stop: bool = False) -> tuple[dict[str, float], bool]:
        """Take one step; return its figures and whether any process was asked to ``stop``.

        Raises TrainingError, before any weight is changed, when the loss or the gradient is not finite.
        """
        step = self.reached.step
        block = self.block(step)
        torch.manual_seed(hash((self.settings.running.seed, step, self.world.rank)))
        learned, tokens, visible, stopping = self.world.sum(block.learned, block.tokens, block.visible, stop)
        loss = self.world.sum(self._backward(block, max(1.0, learned)))[0] / max(1.0, learned)
        trained = [weight for weight in self.network.parameters() if weight.requires_grad]
        norm = torch.nn.utils.clip_grad_norm_(trained, self.settings.optimizer.clip)
        gradient = float(gathered(norm))
        if not (math.isfinite(loss) and math.isfinite(gradient)):
            raise TrainingError(
                f"Step {step + 1}: the loss is {loss} and the norm of its gradient {gradient}. The weights are as they "
                "were before it, and --resume would come here again: look at the data, or begin a new run with a lower "
                "optimizer.rate."
            )
        now = rate(self.settings.optimizer, step, self.steps)
        for descent in self.descents:
            descent.step(now)
        self._refresh()
        self.reached = Progress(step + 1, self.reached.tokens + int(tokens))
        figures = {"loss": loss, "gradient": gradient, "rate": now, "learned": learned, "tokens": tokens}
        return {**figures, "context": visible / tokens}, bool(stopping)

    def _backward(self, block: Block, learned: float) -> float:
        """Add up the gradient of this process's rows; return their summed loss."""
        micro, total = self.settings.batch.micro, 0.0
        for start in range(0, len(block.ids), micro):
            rows = slice(start, start + micro)
            arrays = (block.ids[rows], block.positions[rows], block.labels[rows])
            tensors = [torch.from_numpy(array).to(self.world.device) for array in arrays]
            told = {}
            if self.attention == "varlen":
                told = attention.bounds(block.positions[rows], self.world.device)
            if self.attention.startswith("flash"):  # transformers sees where positions restart in a single row only
                tensors = [tensor.reshape(1, -1) for tensor in tensors]
            loss = self.computing(*tensors, **told)
            # FSDP averages over processes, and the loss is a mean over the tokens of all of them
            (loss * (self.world.size / learned)).backward()
            total += loss.detach()
        return float(total)

    def save(self, folder: Path) -> None:
        """Write a checkpoint."""
        checkpoint.save(folder, self._parts(), self.reached, self.settings.running.keep)

    def load(self, path: Path) -> None:
        """Go on where a checkpoint is."""
        checkpoint.load(path, self._parts())
        self._refresh()
        self.reached = checkpoint.progress(path)

    def _parts(self) -> checkpoint.Parts:
        return checkpoint.Parts(self.network, [descent.optimizer for descent in self.descents], self.world)


def run(trainer: Trainer, folder: Path, reporter: Reporter) -> bool:
    """Train to the end, with metrics and checkpoints in ``folder``; return False where a signal stopped it before.

    SIGTERM (a cluster's notice) and Ctrl-C end it within a step, with a checkpoint.
    """
    settings, world = trainer.settings, trainer.world
    checkpoints = folder / "checkpoints"
    first, begun = trainer.reached.step, time.perf_counter()
    journal = None
    if world.first:
        journal = metrics.Journal(folder, after=first, tensorboard=settings.running.tensorboard)
    try:
        with _signals() as asked:
            stopping = False
            while trainer.reached.step < trainer.steps and not stopping:
                started = time.perf_counter()
                figures, stopping = trainer.learn(bool(asked))
                ended = time.perf_counter()
                step = trainer.reached.step
                pace = (ended - begun) / (step - first)
                if journal is not None:
                    told = _told(trainer, figures, ended - started, pace)
                    journal.add(told)
                    reporter.step(told, trainer.steps)
                if step % settings.running.checkpoint_every == 0 or step == trainer.steps or stopping:
                    trainer.save(checkpoints)
    finally:
        if journal is not None:
            journal.close()
    return trainer.reached.step == trainer.steps


def _told(trainer: Trainer, figures: dict[str, float], seconds: float, pace: float) -> metrics.Step:
    tokens, device, step = figures["tokens"], trainer.world.device, trainer.reached.step
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    peak = work.peak(name)
    done = work.operations(trainer.settings, figures["context"], figures["learned"] / max(1.0, tokens)) * tokens
    return metrics.Step(
        step=step, loss=figures["loss"], gradient=figures["gradient"], rate=figures["rate"],
        learned=int(figures["learned"]), tokens=int(tokens), seconds=seconds, tokens_per_second=tokens / seconds,
        utilisation=done / seconds / (peak * trainer.world.size) if peak else None,
        memory=metrics.memory_in_use(device), left=pace * (trainer.steps - step),
    )  # fmt: skip


@contextmanager
def _signals() -> Iterator[list[float]]:
    """Collect the times of SIGTERM and SIGINT instead of dying of them; Ctrl-C again, seconds later, acts as ever.

    A launcher passes on what its process group has heard too, so one request may arrive twice.
    """
    asked: list[float] = []

    def note(number: int, _frame: Any) -> None:
        now = time.monotonic()
        if number == signal.SIGINT and asked and now - asked[0] > PATIENCE:
            raise KeyboardInterrupt
        asked.append(now)

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
