"""What a run reports: a line of JSON a step, the terminal, and TensorBoard where it is wanted."""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from reference_model.errors import TrainingError
from reference_model.files import write_text


@dataclass(frozen=True)
class Step:
    """Figures of one step of the optimizer, over all processes."""

    step: int
    """From 1."""
    loss: float
    """Mean cross-entropy of the learned tokens, in nats."""
    gradient: float
    """Norm of the gradient before clipping."""
    rate: float
    """Learning rate."""
    learned: int
    """Tokens learned."""
    tokens: int
    """Tokens computed, without padding."""
    seconds: float
    """Time of the step."""
    tokens_per_second: float
    utilisation: float | None
    """Model FLOPs utilisation, from 0 to 1; None where the peak of the device is not known."""
    memory: int
    """Most bytes in use so far: of the GPU, or of this process on CPU."""
    left: float
    """Seconds until the end at the pace so far."""


class Journal:
    """``metrics.jsonl``, one line a step, flushed at once; lines after the step that a run resumes at are dropped."""

    def __init__(self, folder: Path, *, after: int, tensorboard: bool) -> None:
        self.path = folder / "metrics.jsonl"
        kept = [line for line in _lines(self.path) if line["step"] <= after]
        write_text(self.path, "".join(json.dumps(line) + "\n" for line in kept))
        self._file = self.path.open("a", encoding="utf-8")
        self._board = _board(folder / "tensorboard", after) if tensorboard else None

    def add(self, step: Step) -> None:
        """Write a step."""
        values = asdict(step)
        self._file.write(json.dumps(values) + "\n")
        self._file.flush()
        if self._board is not None:
            for name, value in values.items():
                if name != "step" and value is not None:
                    self._board.add_scalar(name, value, step.step)

    def close(self) -> None:
        """Close the files."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a journal: the last one may be half-written."""
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    try:
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].split("\n") if line]
    except ValueError as error:
        raise TrainingError(f"{path} is damaged ({error}). Mend or remove it, then go on with --resume.") from None


def _board(folder: Path, after: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise TrainingError(
            "running.tensorboard = true needs TensorBoard: pip install tensorboard, or --set running.tensorboard=false."
        ) from None
    return SummaryWriter(str(folder), purge_step=after + 1)


def memory_in_use(device: torch.device) -> int:
    """Return the most bytes that this process has held: of the GPU where there is one, else of main memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
