"""The benchmark of training in small: our trainer and transformers' learn the same from the same rows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "training_speed.py"


@pytest.mark.slow
def test_our_losses_are_those_of_transformers_trainer(small_config, small_data):
    options = ("--data", small_data, "--steps", "4", "--warm-up", "1", "--repeats", "1")
    done = subprocess.run([sys.executable, SCRIPT, small_config, *options], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr  # 1: we were slower here, on a model too small to tell
    ours, theirs = map(float, re.findall(r"mean loss (\d\.\d+)", done.stdout))
    assert ours == pytest.approx(theirs, abs=2e-5) and 4 < ours < 6.5  # 6: all 400 entries alike
    assert "ratio" in done.stdout and "did not learn the same" not in done.stderr
