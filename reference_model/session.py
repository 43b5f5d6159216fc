"""A training session: from settings, data and a folder to a trained run, in each of the processes that share it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from reference_model import checkpoint, run_folder
from reference_model.distributed import World, joined
from reference_model.errors import TrainingError, UserError
from reference_model.network import make_tokenizer
from reference_model.pack import Rows, describe, read_tokens, tokenize
from reference_model.run_folder import Data
from reference_model.settings import Settings
from reference_model.train import Reporter, Trainer, run

__all__ = ["Reporter", "last_checkpoint", "train"]


def train(settings: Settings, data: Data, folder: Path, *, resume: bool, reporter: Reporter) -> bool:
    """Train in ``folder``, from its last checkpoint with ``resume``; return False where a signal stopped it.

    Run under torchrun, the processes train together. Raises TrainingError as the parts do.
    """
    with joined() as world, ExitStack() as held:
        failure = None
        if world.first:
            try:
                held.enter_context(run_folder.alone(folder))
                _prepare(settings, data, folder, resume=resume, reporter=reporter)
            except (UserError, OSError) as error:
                failure = error
        world.agree(failure)
        trainer = _trainer(settings, folder, world)
        found = checkpoint.complete(folder / "checkpoints")
        if found:
            trainer.load(found[-1])
        if world.first:
            reporter.say(_told(trainer, settings, resume=resume))
        return run(trainer, folder, reporter)


def _prepare(settings: Settings, data: Data, folder: Path, *, resume: bool, reporter: Reporter) -> None:
    """Make or check the folder and see that its tokenizer and tokens are there."""
    if resume:
        run_folder.check_same(folder, settings, data)
    else:
        run_folder.begin(folder, settings, data)
    if not (folder / "tokens").exists():
        reporter.say(f"tokenizing {data.conversations}")
        tokenizer, template = make_tokenizer(settings, data.conversations)
        tokenizer.save_pretrained(folder / "tokenizer")
        tokenize(data.conversations, template, tokenizer, settings.batch.length, folder / "tokens")


def _trainer(settings: Settings, folder: Path, world: World) -> Trainer:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    rows = Rows(read_tokens(folder / "tokens"), settings.batch.length, settings.running.seed)
    return Trainer(settings, tokenizer, rows, world)


def _told(trainer: Trainer, settings: Settings, *, resume: bool) -> str:
    left_out = {what: count for what, count in trainer.rows.tokens.counts.items() if what.startswith("left out")}
    parts = [
        describe(trainer.rows),
        f"{trainer.steps} steps of {settings.batch.sequences} rows on {trainer.world.size} "
        f"process{'es' if trainer.world.size > 1 else ''} ({trainer.world.device.type}, "
        f"{'bf16' if trainer.bf16 else 'fp32'})",
        *(f"{count} conversations {what}" for what, count in left_out.items()),
        *([f"going on after step {trainer.reached.step}"] if resume else []),
    ]
    return "\n".join(parts)


def last_checkpoint(folder: Path) -> Path:
    """Return the last whole checkpoint of a run; TrainingError where there is none."""
    run_folder.read(folder)
    found = checkpoint.complete(folder / "checkpoints")
    if not found:
        raise TrainingError(f"{folder} has no whole checkpoint yet. Go on with: bayling-model train --resume {folder}")
    return found[-1]
