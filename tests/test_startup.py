"""The command line answers at once: what needs no model imports no library that takes seconds to load.

Times are not asserted here, since they belong to a machine; ``benchmarks/startup.py`` prints them.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "transformers", "lm_eval", "datasets", "sacrebleu", "pandas", "openai")
MARK = "imported modules: "
COMMAND = f"""
import atexit, json, sys
from bayling_bench import cli
sys.argv[0] = "bayling-bench"
atexit.register(lambda: print({MARK!r} + json.dumps(sorted(sys.modules)), file=sys.stderr))
cli.main()
"""


def imported(arguments: list[str], folder: Path) -> tuple[int, str, set[str]]:
    """Run the command line in a process of its own; return exit code, output and the modules that it had at its end."""
    environment = {**os.environ, "BAYLING_BENCH_DATA": str(folder / "cache"), "COLUMNS": "200"}
    environment.pop("BAYLING_BENCH_MIRROR", None)
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    modules = done.stderr.rpartition(MARK)[2]
    assert modules, done.stderr
    return done.returncode, done.stdout, set(json.loads(modules))


@pytest.mark.parametrize(
    ("arguments", "code", "shown"),
    [
        (["--help"], 0, "fetch"),
        (["--version"], 0, "."),
        (["run", "--help"], 0, "--shard"),
        (["score", "--help"], 0, "RUN"),
        (["fetch", "--help"], 0, "--mirror"),
        (["report", "--help"], 0, "--format"),
        (["reproduce", "--help"], 0, "--seed"),
        (["tasks"], 0, "wmt22_zh_en"),
        (["tasks", "--json"], 0, '"wmt22_zh_en"'),
        (["tasks", "--path"], 0, "tasks"),
        (["tasks", "gaokao"], 0, "gaokao_physics"),
        (["tasks", "mini_conversation_en"], 0, "the user's message 2"),
        (["tasks", "wmt22_zh_en"], 0, "bayling-bench fetch wmt22_zh_en"),
        (["tasks", "wmt22_zh_eng"], 2, ""),
        (["run"], 2, ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_needs_no_model_imports_nothing_heavy(arguments: list[str], code: int, shown: str, tmp_path: Path):
    found, output, modules = imported(arguments, tmp_path)
    assert found == code and shown in output
    assert "bayling_bench.cli" in modules
    assert not modules & set(HEAVY)


def test_the_heavy_libraries_go_by_these_names():
    """Without this, a library that was renamed or left out of the environment would pass unseen."""
    assert [name for name in HEAVY if importlib.util.find_spec(name) is None] == []
