"""The tasks are plain lm-eval tasks: ``lm_eval run --include_path`` scores just what ``bayling-bench run`` scores."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Cli, cli_environment

from bayling_bench import record, task_index
from bayling_bench.judge import sources

pytestmark = [pytest.mark.slow, pytest.mark.mirror]
TASKS = [
    "wmt22_zh_en", "wmt22_en_zh", "interactive_translation_en_zh", "bayling80_zh_multi", "bayling80_en_single",
    "gaokao_physics", "gaokao_mathcloze", "sat_math", "logiqa_zh_mc", "mini_conversation_en",
    "miniature_translation_en_zh", "miniature_interactive_zh_en", "miniature_constrained_de_en",
]  # fmt: skip


def plain_lm_eval(model_args: str, limit: int, settings: str, out: Path, *more: str) -> dict:
    """Run lm-eval's own command line; return its results by task."""
    command = [sys.executable, "-m", "lm_eval", "run", "--model", "hf", "--model_args", model_args]
    command += ["--include_path", str(task_index.tasks_path()), "--tasks", ",".join(TASKS), "--apply_chat_template"]
    command += [
        "--limit",
        str(limit),
        "--gen_kwargs",
        settings,
        "--device",
        "cpu",
        "--output_path",
        str(out),
        "--log_samples",
    ]
    command += more
    done = subprocess.run(command, env=cli_environment(), capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(next(out.rglob("results_*.json")).read_text(encoding="utf-8"))["results"]


@pytest.mark.parametrize("options", [(), ("--prompt", "zh", "--references", "all", "--labels", "2023-06")])
def test_the_same_slice_scores_the_same_to_the_last_digit(
    cli: Cli, tiny_model: Path, mirror: Path, tmp_path: Path, options: tuple[str, ...]
):
    names = dict(zip(("prompt_form", "reference_set", "label_state"), options[1::2], strict=False))
    more = ("--metadata", json.dumps(names)) if names else ()
    settings = "max_gen_toks=20,do_sample=False"
    theirs = plain_lm_eval(f"pretrained={tiny_model}", 6, settings, tmp_path / "lm_eval", "--batch_size", "1", *more)
    done = cli(
        "run", "--model", tiny_model, "--tasks", ",".join(TASKS), "--limit", 6, "--set", "max_tokens=20",
        "--batch-size", 1, "--device", "cpu", "-o", tmp_path / "ours", "--no-report", *options,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ours = record.load(tmp_path / "ours").scores["tasks"]
    compared = 0
    for task in TASKS:
        for metric, score in ours[task]["metrics"].items():
            if metric == "truncated":  # known only to whoever saw the model stop
                continue
            scale = 100.0 if score["unit"] == "percent" else 1.0
            assert score["value"] == scale * theirs[task][f"{metric},none"], (task, metric)
            compared += 1
    assert compared > 30
    # What a judge reads of the samples is what it would read of the run.
    for task in ("bayling80_zh_multi", "bayling80_en_single", "mini_conversation_en"):
        (path,) = (tmp_path / "lm_eval").rglob(f"samples_{task}_*.jsonl")
        assert sources.samples([str(path)]).tasks == sources.read(str(tmp_path / "ours"), [task]).tasks
