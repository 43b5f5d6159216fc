"""Cost of the harness itself: a model that answers at once, more than 30,000 requests, against lm-eval's ``evaluate``.

Both sides ask the same stub the same tasks (WMT22's 21 directions: 37,060 sentences; needs BAYLING_BENCH_MIRROR or
``bayling-bench fetch wmt22``) and score the same answers by the same functions. The stub answers with the reference.

What is timed, imports left out:
  requests  building requests, keys and batches, asking, and for us the journal: every answer on disk when it is given
  record    from the last answer to the end: collecting, lm-eval's aggregation, writing items, samples and scores
  metric    inside ``process_results`` (n-grams, edit distance, language identification), taken out of ``record``: the
            cost of the metrics themselves, the same for any harness
  interval  bootstrap intervals, taken out of ``record``; lm-eval gives none for these metrics
``overhead`` is requests + record, in milliseconds a request. Memory is the process's greatest, with imports and data.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PARTS = ("requests", "record", "metric", "interval")
LIMIT_MS, LIMIT_MB = 1.0, 600.0


def main() -> None:
    """Measure both sides in turn, each time in a new process, and print medians and ratios."""
    arguments = parse()
    if arguments.side:
        print(json.dumps(SIDES[arguments.side](arguments)))
        return
    results: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for _ in range(arguments.repeats):
        for side, rows in results.items():
            rows.append(measured(side))
    show(results)


def parse() -> argparse.Namespace:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default="wmt22", help="tasks or suites, separated by commas (default: wmt22)")
    parser.add_argument("--limit", type=int, help="only the first N items of each task")
    parser.add_argument("--batch-size", type=int, default=16, help="requests that the stub takes at once")
    parser.add_argument("--tokenizer", help="folder of a tokenizer: prompts are then measured in its tokens")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each side, in turn")
    parser.add_argument("--side", choices=tuple(SIDES), help="run one side in this process and print JSON")
    parser.add_argument("--profile", metavar="FILE", help="with --side: write a profile for the module pstats")
    return parser.parse_args()


def measured(side: str) -> dict[str, float]:
    """Run one side in a process of its own; return what it prints."""
    command = [sys.executable, __file__, *sys.argv[1:], "--side", side]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{side} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def show(results: dict[str, list[dict[str, float]]]) -> None:
    """Print a line a side, and the ratios."""
    median = {
        side: {name: statistics.median(row[name] for row in rows) for name in rows[0]} for side, rows in results.items()
    }
    print(f"{median['ours']['count']:,.0f} requests; medians of {len(results['ours'])} runs a side; ms a request")
    print(f"{'':10}{'overhead':>10}" + "".join(f"{part:>10}" for part in PARTS) + f"{'memory':>12}")
    overhead = {}
    for side, row in median.items():
        each = {part: 1000 * row[part] / row["count"] for part in PARTS}
        overhead[side] = each["requests"] + each["record"]
        cells = "".join(f"{each[part]:10.3f}" for part in PARTS)
        print(f"{NAMES[side]:10}{overhead[side]:10.3f}{cells}{row['memory_mb']:9.0f} MB")
    print(f"overhead, ours / lm-eval: {overhead['ours'] / overhead['lm_eval']:.2f}")
    print(f"memory, ours / lm-eval: {median['ours']['memory_mb'] / median['lm_eval']['memory_mb']:.2f}")
    met = overhead["ours"] < LIMIT_MS and median["ours"]["memory_mb"] < LIMIT_MB
    print(f"wanted: overhead under {LIMIT_MS:g} ms a request, under {LIMIT_MB:g} MB: {'met' if met else 'MISSED'}")


class Timer:
    """Seconds spent in functions that it was put around."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, owner: Any, name: str) -> None:
        """Replace a function of a module or class by one that counts its time."""
        inner = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return inner(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - start

        setattr(owner, name, timed)


def stub(tokenizer_folder: str | None) -> Any:
    """Return an lm-eval model that answers each request with its reference, and tells so as real back-ends do."""
    from lm_eval.api.model import LM

    class Stub(LM):
        batch_sensitive = True
        answered_at = 0.0

        @property
        def tokenizer_name(self) -> str:
            return "stub"

        def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
            text = "".join(f"<|{message['role']}|>{message['content']}<|end|>" for message in chat_history)
            return text + "<|assistant|>" * add_generation_prompt

        def generate_until(self, requests: list[Any], **_: Any) -> list[str]:
            answers = [request.doc["target"] for request in requests]
            for request, answer in zip(requests, answers, strict=True):
                self.cache_hook.add_partial("generate_until", request.args, answer)
            self.answered_at = time.perf_counter()
            return answers

        def loglikelihood(self, requests: list[Any], **_: Any) -> list[Any]:
            raise NotImplementedError

        loglikelihood_rolling = loglikelihood

    if tokenizer_folder is None:
        return Stub()
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)

    class Counting(Stub):
        max_length = 1 << 20

        def tok_encode(self, string: str) -> list[int]:
            return tokenizer(string, add_special_tokens=False)["input_ids"]

    return Counting()


def profiled(work: Callable[[], Any], file: str | None) -> Any:
    """Return what ``work`` returns, with a profile of it in ``file`` if one is named."""
    if file is None:
        return work()
    import cProfile

    profile = cProfile.Profile()
    try:
        return profile.runcall(work)
    finally:
        profile.dump_stats(file)


def result(count: int, started: float, model: Any, metric: Timer, interval: Timer) -> dict[str, float]:
    """Return the seconds of each part and the process's greatest memory, in MB."""
    rest = time.perf_counter() - model.answered_at - metric.seconds - interval.seconds
    return {
        "count": count,
        "requests": model.answered_at - started,
        "record": rest,
        "metric": metric.seconds,
        "interval": interval.seconds,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def ours(arguments: argparse.Namespace) -> dict[str, float]:
    """``run.run`` as the command line calls it; only the loading of a model is replaced."""
    from lm_eval.api.task import ConfigurableTask

    from bayling_bench import evaluate, replay, run, scores
    from bayling_bench.config import ModelOptions, RunConfig, Shard
    from bayling_bench.models import load
    from bayling_bench.models.templates import ChatTemplate
    from bayling_bench.scoring import process

    assert evaluate and replay and process, "imported here, so that imports are not in the times"
    metric, interval = Timer(), Timer()
    metric.around(ConfigurableTask, "process_results")
    interval.around(scores, "_interval")
    model = stub(arguments.tokenizer)
    identity = {"spec": "hf:stub", "kind": "hf", "name": "stub", "revision": None}
    load.load = lambda *_: load.LoadedModel(model, ChatTemplate("name", "stub", "stub"), identity, arguments.batch_size)
    config = RunConfig(
        model="hf:stub",
        tasks=tuple(arguments.tasks.split(",")),
        limit=arguments.limit,
        model_options=ModelOptions(batch_size=str(arguments.batch_size), device="cpu"),
    )
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()

        def work() -> run.Outcome:
            return run.run(config, Path(folder) / "run", Shard(), run.Caller())

        outcome = profiled(work, arguments.profile)
        assert outcome.run.finished, "the run must come to its end"
        return result(outcome.generated, started, model, metric, interval)


def lm_eval(arguments: argparse.Namespace) -> dict[str, float]:
    """lm-eval's ``evaluate`` with samples, written as ``lm_eval run --log_samples --output_path`` writes them."""
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.evaluator import evaluate
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    from bayling_bench import task_index
    from bayling_bench.scoring import process

    assert process, "imported here, so that imports are not in the times"
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    metric = Timer()
    metric.around(ConfigurableTask, "process_results")
    model = stub(arguments.tokenizer)
    names = [task.name for task in task_index.select(arguments.tasks.split(","))]
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()

        def work() -> Any:
            manager = TaskManager(include_defaults=False, include_path=str(task_index.tasks_path()))
            found: Any = evaluate(
                model,
                manager.load(names),
                limit=arguments.limit,
                apply_chat_template=True,
                bootstrap_iters=0,
                log_samples=True,
            )
            tracker = EvaluationTracker(output_path=folder)
            tracker.general_config_tracker.model_name_sanitized = "stub"
            tracker.save_results_aggregated(results={"results": found["results"]}, samples=found["samples"])
            for name in names:
                tracker.save_results_samples(task_name=name, samples=found["samples"][name])
            return found

        found = profiled(work, arguments.profile)
        count = sum(len(rows) for rows in found["samples"].values())
        return result(count, started, model, metric, Timer())


SIDES: dict[str, Callable[[argparse.Namespace], dict[str, float]]] = {"ours": ours, "lm_eval": lm_eval}
NAMES = {"ours": "ours", "lm_eval": "lm-eval"}

if __name__ == "__main__":
    os.environ |= {"TQDM_DISABLE": "1", "HF_HUB_OFFLINE": "1"}
    main()
