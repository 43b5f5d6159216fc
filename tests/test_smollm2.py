"""A real small model on real data, end to end: SmolLM2-135M-Instruct from its GGUF file."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Cli

from bayling_bench import record

pytestmark = [pytest.mark.slow, pytest.mark.mirror]


def test_smollm2_translates_answers_and_converses(cli: Cli, smollm2: Path, mirror: Path, tmp_path: Path):
    tasks = "wmt22_en_de,gaokao_english,bayling80_en_multi,interactive_translation_zh_en,mini_exam_en_mc"
    done = cli(
        "run", "--model", smollm2, "--tasks", tasks, "--limit", 2, "--set", "max_tokens=32", "-o", tmp_path / "run"
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    run = record.load(tmp_path / "run")
    assert run.finished and (tmp_path / "run" / "report.html").stat().st_size > 50_000
    rows = run.scores["tasks"]
    assert all(row["scored"] == row["items"] == 2 for row in rows.values())
    # A model that knows some German: its letters overlap with the reference's far more than noise would.
    assert rows["wmt22_en_de"]["metrics"]["chrf"]["value"] > 15
    conversation = next(run.items("bayling80_en_multi"))
    first, second = conversation["turns"]
    assert first["response"].strip() and first["response"] in second["prompt"]
    assert "<|im_start|>assistant" in first["prompt"]
