"""Training speed of ``bayling-model train`` against ``transformers.Trainer``.

Both train the same network from the same weights on the same packed rows in the same order, in batches, precision,
attention, clipping and optimizer that are the same: so their mean losses must agree, and the script ends with an error
where they do not. transformers' side gets the rows packed, with position ids; it computes logits for every position,
ours for those that are learned. Compared are tokens (without padding) a second, from the end of the warming-up to the
end of the last step, each side in processes of its own, taking turns; on CPU also tokens a second of processor time,
which is steadier on a busy machine.

On CPU:   python benchmarks/training_speed.py tiny
One GPU:  python benchmarks/training_speed.py bayling_7b --fit --set running.compile=inductor
          python benchmarks/training_speed.py bayling_7b --set adapter.rank=16 --set running.recompute=false
``--fit`` takes as many layers as the GPU's memory is computed to hold. Model FLOPs utilisation is printed for GPUs of
known peak. Without ``--data`` the conversations are made up.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

LEAST = {"cpu": 1.0, "cuda": 1.2}
"""Wanted: our tokens a second over the other side's."""
CLOSE = 0.01
"""How far mean losses may lie apart, as a share: rounding, in bf16."""
WIDTH = 12


def main() -> None:
    """Prepare the data once, run the sides in turn, print medians and the ratio."""
    arguments = parse()
    if arguments.side:
        timed_side(arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        prepare(arguments, Path(folder))
        found: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
        for repeat in range(arguments.repeats):
            for side in list(SIDES) if repeat % 2 == 0 else list(SIDES)[::-1]:
                figures = measured(side, Path(folder))
                found[side].append(figures)
                print(f"{NAMES[side]:<{WIDTH}} " + told(figures), flush=True)
        show(found)


def parse() -> argparse.Namespace:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", nargs="?", default="tiny", help="settings by name or .toml file (default: tiny)")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="change a setting")
    parser.add_argument("--data", type=Path, help="folder that `bayling-model data` made (default: made-up texts)")
    parser.add_argument("--fit", action="store_true", help="as many layers as fit into the GPU's memory")
    parser.add_argument("--steps", type=int, default=20, help="timed steps of a run (default: 20)")
    parser.add_argument("--warm-up", type=int, default=5, help="steps before the clock starts (default: 5)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each side (default: 3)")
    parser.add_argument("--side", choices=tuple(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def chosen_settings(arguments: argparse.Namespace) -> Any:
    """Return the settings with random weights, AdamW (transformers' too) and a constant rate (schedules differ)."""
    from reference_model import settings

    wanted = [
        "model.from_scratch=true", "model.pretrained=", "template.name=chatml", "optimizer.kind=adamw",
        "optimizer.warmup=0.0", "optimizer.final=1.0", f"optimizer.steps={arguments.steps + arguments.warm_up}",
        *arguments.set,
    ]  # fmt: skip
    chosen = settings.load(arguments.config, wanted)
    # a rate for embeddings beside Muon is too high for matrices, and losses that diverge cannot be compared
    rate = chosen.optimizer.matrix_rate or chosen.optimizer.rate
    chosen = replace(chosen, optimizer=replace(chosen.optimizer, rate=rate))
    return fitted(chosen) if arguments.fit else chosen


def fitted(chosen: Any) -> Any:
    """Return settings with the most layers that 85 % of the GPU's memory are computed to hold."""
    import torch

    from reference_model import work

    if not torch.cuda.is_available():
        sys.exit("--fit needs a GPU.")
    limit = 0.85 * torch.cuda.get_device_properties(0).total_memory
    for layers in range(chosen.model.layers, 0, -1):
        smaller = replace(chosen, model=replace(chosen.model, layers=layers))
        if work.memory(smaller, 1).all <= limit:
            return smaller
    sys.exit(f"Not even one layer of {chosen.name} fits into {limit / 1e9:.0f} GB.")


def prepare(arguments: argparse.Namespace, folder: Path) -> None:
    """Write settings, tokenizer and tokens into a folder that both sides read."""
    from reference_model.mixture import CONVERSATIONS
    from reference_model.network import make_tokenizer
    from reference_model.pack import Rows, describe, read_tokens, tokenize

    chosen = chosen_settings(arguments)
    texts = arguments.data / CONVERSATIONS if arguments.data else made_up(folder / CONVERSATIONS, chosen)
    tokenizer, template = make_tokenizer(chosen, texts)
    tokenizer.save_pretrained(folder / "tokenizer")
    tokenize(texts, template, tokenizer, chosen.batch.length, folder / "tokens")
    (folder / "settings.json").write_text(json.dumps(chosen.to_json()))
    rows = Rows(read_tokens(folder / "tokens"), chosen.batch.length, chosen.running.seed)
    learned = rows.tokens.mask.mean()
    print(f"{chosen.name}, {chosen.model.layers} layers; {describe(rows)}; {learned:.0%} of tokens learned")


def made_up(path: Path, chosen: Any) -> Path:
    """Write conversations of made-up words, some to a row, for every row that will be read."""
    draw = random.Random(1)
    words = ["".join(draw.choices("abdegiklmnorstu", k=draw.randint(2, 7))) for _ in range(800)]
    sentence = max(4, chosen.batch.length // 16)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(4 * chosen.batch.sequences * chosen.optimizer.steps):
            texts = [" ".join(draw.choices(words, k=draw.randint(sentence // 2, sentence))) for _ in range(4)]
            roles = ("user", "assistant", "user", "assistant")
            turns = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
            file.write(json.dumps({"messages": turns}) + "\n")
    return path


def measured(side: str, folder: Path) -> dict[str, float]:
    """Run one side in a process of its own and return its figures."""
    command = [sys.executable, __file__, *sys.argv[1:], "--side", side, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{NAMES[side]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def timed_side(arguments: argparse.Namespace) -> None:
    """Train one side in this process; print its figures as the last line."""
    import torch
    from transformers import AutoTokenizer

    from reference_model import metrics, settings, work
    from reference_model.pack import Rows, read_tokens

    chosen = settings.build(json.loads((arguments.folder / "settings.json").read_text()), "settings.json")
    tokenizer = AutoTokenizer.from_pretrained(arguments.folder / "tokenizer")
    rows = Rows(read_tokens(arguments.folder / "tokens"), chosen.batch.length, chosen.running.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    clock = Clock(arguments.warm_up, device)
    trainer = our_trainer(chosen, tokenizer, rows, device)
    blocks = [trainer.block(step) for step in range(trainer.steps)]
    losses = SIDES[arguments.side](trainer, blocks, clock)
    timed = blocks[arguments.warm_up :]
    tokens, learned = (sum(getattr(block, name) for block in timed) for name in ("tokens", "learned"))
    done = work.operations(chosen, sum(block.visible for block in timed) / tokens, learned / tokens) * tokens
    peak = work.peak(torch.cuda.get_device_name(device)) if device.type == "cuda" else None
    figures = {
        "speed": tokens / clock.seconds, "processor": tokens / clock.processor,
        "utilisation": done / clock.seconds / peak if peak else 0.0, "memory": metrics.memory_in_use(device),
        "loss": losses, "least": LEAST[device.type],
    }  # fmt: skip
    print("\n" + json.dumps(figures))


class Clock:
    """Seconds from the end of the warming-up to the last step, the device's queue included."""

    def __init__(self, warm_up: int, device: Any) -> None:
        self.warm_up, self.device = warm_up, device
        self.started = (0.0, 0.0)
        self.seconds = 0.0
        self.processor = 0.0
        """Seconds of all threads of this process."""

    def step(self, number: int) -> None:
        """Note the end of a step, counted from 1."""
        import torch

        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        now = time.perf_counter(), time.process_time()
        if number <= self.warm_up:
            self.started = now
        self.seconds, self.processor = (after - before for after, before in zip(now, self.started, strict=True))


def our_trainer(chosen: Any, tokenizer: Any, rows: Any, device: Any) -> Any:
    """Return our trainer with its fresh network, from which the other side starts too."""
    from reference_model.distributed import World
    from reference_model.train import Trainer

    return Trainer(chosen, tokenizer, rows, World(0, 1, device))


def ours(trainer: Any, blocks: list[Any], clock: Clock) -> float:
    """Train with our loop; return the mean loss."""
    losses = []
    for number in range(1, len(blocks) + 1):
        figures, _ = trainer.learn()
        clock.step(number)
        losses.append(figures["loss"])
    return statistics.fmean(losses)


def theirs(trainer: Any, blocks: list[Any], clock: Clock) -> float:
    """Train the same network with ``transformers.Trainer``; return the mean loss."""
    import inspect

    import torch
    from transformers import Trainer, TrainerCallback, TrainingArguments

    settings = trainer.settings
    if trainer.attention == "varlen":  # ours; a user of transformers without flash-attn gets its default
        trainer.network.network.set_attn_implementation("sdpa")
    batch, optimizer, running = settings.batch, settings.optimizer, settings.running
    trainer.descents.clear()
    trainer.copy = None
    examples = [row for block in blocks for row in their_rows(block)]

    class Ordered(Trainer):
        def _get_train_sampler(self, train_dataset: Any = None) -> Any:  # noqa: ARG002
            return torch.utils.data.SequentialSampler(examples)

    class Watch(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            clock.step(state.global_step)

    known = inspect.signature(TrainingArguments).parameters
    recompute = "activation_checkpointing" if "activation_checkpointing" in known else "gradient_checkpointing"
    with tempfile.TemporaryDirectory() as out:
        given = TrainingArguments(
            out, per_device_train_batch_size=batch.micro, gradient_accumulation_steps=batch.sequences // batch.micro,
            max_steps=len(blocks), learning_rate=optimizer.rate, lr_scheduler_type="constant",
            weight_decay=optimizer.weight_decay, adam_beta1=optimizer.beta1, adam_beta2=optimizer.beta2,
            adam_epsilon=optimizer.eps, max_grad_norm=optimizer.clip, optim="adamw_torch_fused", bf16=trainer.bf16,
            use_cpu=clock.device.type == "cpu", torch_compile=bool(running.compile), logging_steps=len(blocks),
            torch_compile_backend=running.compile or None, save_strategy="no", report_to=[], disable_tqdm=True,
            seed=running.seed, **{recompute: running.recompute},
        )  # fmt: skip
        done = Ordered(trainer.network.network, given, train_dataset=examples, callbacks=[Watch()]).train()  # pyright: ignore
    return done.training_loss


def their_rows(block: Any) -> list[dict[str, Any]]:
    """Return packed rows as transformers wants them: labels in place, not one ahead."""
    import torch

    labels = torch.full(block.labels.shape, -100)
    labels[:, 1:] = torch.from_numpy(block.labels[:, :-1])
    names = {"input_ids": torch.from_numpy(block.ids), "position_ids": torch.from_numpy(block.positions)}
    arrays = {**names, "labels": labels}
    return [{name: array[row] for name, array in arrays.items()} for row in range(len(block.ids))]


def told(figures: dict[str, float]) -> str:
    """Return the figures of a run in a line."""
    used = f"  utilisation {figures['utilisation']:.1%}" if figures["utilisation"] else ""
    return (
        f"{figures['speed']:>9,.0f} tokens/s  {figures['processor']:>9,.0f} a second of processor time{used}  "
        f"{figures['memory'] / 1e9:.2f} GB  mean loss {figures['loss']:.5f}"
    )


def show(found: dict[str, list[dict[str, float]]]) -> None:
    """Print the ratios of medians; end with code 1 where losses differ, or the ratio is below what is wanted."""
    ours, theirs = found["ours"], found["theirs"]
    ratios = {}
    for what in ("speed", "processor"):
        medians = [statistics.median(run[what] for run in side) for side in (ours, theirs)]
        pairs = [one[what] / two[what] for one, two in zip(ours, theirs, strict=True)]
        ratios[what] = medians[0] / medians[1]
        print(
            f"{what:<10} {medians[0]:,.0f} against {medians[1]:,.0f} tokens/s: ratio {ratios[what]:.2f} "
            f"(pairs {min(pairs):.2f} to {max(pairs):.2f})"
        )
    print(f"wanted: {ours[0]['least']} by the clock")
    losses = [run["loss"] for run in (*ours, *theirs)]
    if max(losses) - min(losses) > CLOSE * max(losses):
        sys.exit(f"The mean losses lie from {min(losses):.5f} to {max(losses):.5f}: the sides did not learn the same.")
    sys.exit(ratios["speed"] < ours[0]["least"])


SIDES = {"ours": ours, "theirs": theirs}
NAMES = {"ours": "ours", "theirs": "transformers"}

if __name__ == "__main__":
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    main()
