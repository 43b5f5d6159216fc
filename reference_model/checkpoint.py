"""Checkpoints: written by all processes beside their name, marked last, then named; readable by any number of them.

``checkpoints/step-00000100/`` holds what torch.distributed.checkpoint wrote, ``progress.json`` and ``complete``. A
folder without ``complete``, or still called ``….partial``, is one that a process died over: it is never read.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.distributed.checkpoint import state_dict_loader, state_dict_saver
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_state_dict, set_state_dict

from reference_model.errors import TrainingError
from reference_model.files import publish

if TYPE_CHECKING:
    from reference_model.distributed import World

MARKER = "complete"
_NAME = re.compile(r"step-(\d{8,})")


@dataclass(frozen=True)
class Progress:
    """How far a run has come."""

    step: int
    """Steps of the optimizer that are done."""
    tokens: int
    """Tokens seen, without padding."""


def complete(folder: Path) -> list[Path]:
    """Return the whole checkpoints of a folder, oldest first."""
    found = [path for path in folder.glob("step-*") if _NAME.fullmatch(path.name) and (path / MARKER).is_file()]
    return sorted(found, key=lambda path: int(path.name.partition("-")[2]))


def progress(checkpoint: Path) -> Progress:
    """Return how far a checkpoint is; TrainingError where it is damaged."""
    try:
        return Progress(**json.loads((checkpoint / "progress.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise _unreadable(checkpoint, error) from None


@dataclass(frozen=True)
class Parts:
    """What is kept of a run, and who keeps it."""

    network: torch.nn.Module
    optimizers: list[torch.optim.Optimizer]
    world: World


def save(folder: Path, parts: Parts, reached: Progress, keep: int) -> None:
    """Write a checkpoint and then remove all but the last ``keep``; called by all processes together.

    TrainingError when it cannot be written, for example on a full disk; earlier checkpoints are then as they were.
    """
    world = parts.world
    out = folder / f"step-{reached.step:08}"
    partial = out.with_name(f"{out.name}.partial")
    failure = ""
    try:
        if world.first:
            for left in folder.glob("step-*.partial"):
                shutil.rmtree(left)
            partial.mkdir(parents=True)
    except OSError as error:
        failure = _reason(error)
    _agree(world, partial, failure)
    try:
        with _quiet():
            state_dict_saver.save(_state(parts), checkpoint_id=partial, no_dist=not world.together)
        if world.first:
            (partial / "progress.json").write_text(json.dumps(reached.__dict__), encoding="utf-8")
            (partial / MARKER).touch()
            publish(partial, out)
    except (Exception, CheckpointException) as error:  # noqa: BLE001  # what the disk says comes wrapped in many kinds
        failure = _reason(error)
    _agree(world, partial, failure)
    if world.first:
        for old in complete(folder)[:-keep]:
            shutil.rmtree(old.rename(old.with_name(f"{old.name}.partial")))  # never half a checkpoint of a good name
    world.wait()


def _agree(world: World, partial: Path, failure: str) -> None:
    """Wait for all processes; TrainingError in each of them where one has failed."""
    told = TrainingError(
        f"The checkpoint {partial.with_suffix('')} could not be written ({failure}). Earlier checkpoints are whole: "
        "make room, then go on with --resume."
    )
    try:
        world.agree(told if failure else None)
    except TrainingError:
        if world.first:
            shutil.rmtree(partial, ignore_errors=True)
        raise


def load(checkpoint: Path, parts: Parts) -> None:
    """Fill network and optimizer from a checkpoint, whatever number of processes wrote it."""
    state = _state(parts)
    try:
        with _quiet():
            state_dict_loader.load(state, checkpoint_id=checkpoint, no_dist=not parts.world.together)
    except (Exception, CheckpointException) as error:  # noqa: BLE001  # as above
        raise _unreadable(checkpoint, error) from None
    set_state_dict(
        parts.network, parts.optimizers,
        model_state_dict=state["model"], optim_state_dict=state["optimizer"], options=_trained_only(),
    )  # fmt: skip


def load_weights(checkpoint: Path, network: torch.nn.Module) -> None:
    """Fill a network that is not shared out from a checkpoint, in one process."""
    weights = {name: value for name, value in network.state_dict().items() if name in _trained_names(network)}
    try:
        with _quiet():
            state_dict_loader.load({"model": weights}, checkpoint_id=checkpoint, no_dist=True)
    except (Exception, CheckpointException) as error:  # noqa: BLE001  # as above
        raise _unreadable(checkpoint, error) from None
    network.load_state_dict(weights, strict=False)


def _unreadable(checkpoint: Path, error: BaseException) -> TrainingError:
    return TrainingError(
        f"The checkpoint {checkpoint} is damaged or of another model: {_reason(error)}. If it is damaged, remove that "
        "folder: --resume then goes on from the one before it."
    )


def _trained_names(network: torch.nn.Module) -> set[str]:
    return {name for name, weight in network.named_parameters(remove_duplicate=False) if weight.requires_grad}


def _trained_only() -> StateDictOptions:
    """What is frozen is not kept: it comes from where the run took it."""
    return StateDictOptions(ignore_frozen_params=True, strict=False)


def _state(parts: Parts) -> dict[str, Any]:
    weights, moments = get_state_dict(parts.network, parts.optimizers, options=_trained_only())
    return {"model": weights, "optimizer": moments}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch from remarking that a process which is alone is alone, and from logging what is then raised."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="torch.distributed is disabled, unavailable or uninitialized")
            yield
    finally:
        logging.disable(logging.NOTSET)


def _reason(error: BaseException) -> str:
    """Return the first line of what the deepest cause says: for a full disk, what the system called it."""
    while True:
        if isinstance(error, CheckpointException) and error.failures:
            error = next(iter(error.failures.values()))[0]
        elif error.__cause__ or error.__context__:
            error = error.__cause__ or error.__context__  # pyright: ignore[reportAssignmentType]
        else:
            break
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
