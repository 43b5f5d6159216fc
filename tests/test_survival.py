"""Real processes, really killed: what was finished stays, nothing is done twice, the record comes out the same."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import cli_environment, heed_ctrl_c, read_lines
from test_run import results

pytestmark = pytest.mark.slow
TASKS = "mini_translation_en_de,mini_conversation_en,mini_interactive_zh_en"
REQUESTS = 40 + 2 * 12 + 40


def start(model: Path, folder: Path, *more: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "bayling_bench.cli", "run", "--model", str(model), "--tasks", TASKS]
    command += ["--set", "max_tokens=40", "--batch-size", "4", "--device", "cpu", "-o", str(folder)]
    command += ["--no-report", *more]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, env=cli_environment(), text=True, preexec_fn=heed_ctrl_c, **streams)


def finish(process: subprocess.Popen) -> str:
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    return output


def journal(folder: Path) -> list[dict]:
    lines = []
    for file in sorted((folder / "responses").glob("*.jsonl")):
        whole = file.read_bytes().rpartition(b"\n")[0].decode()
        lines += [line for line in whole.split("\n") if line]
    return lines


def kill_when(process: subprocess.Popen, folder: Path, count: int) -> None:
    """SIGKILL the process as soon as its journals hold ``count`` responses."""
    deadline = time.monotonic() + 200
    while len(journal(folder)) < count and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def whole(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("survival") / "whole"
    finish(start(tiny_model, folder))
    return folder


def test_killed_at_random_points_the_same_command_goes_on_to_the_same_record(
    whole: Path, tiny_model: Path, tmp_path: Path
):
    folder, dice = tmp_path / "killed", random.Random(2306)
    kept: list[str] = []
    for low, high in ((1, 50), (51, 100)):
        process = start(tiny_model, folder)
        kill_when(process, folder, dice.randint(low, high))
        assert process.returncode == -signal.SIGKILL
        now = journal(folder)
        assert now[: len(kept)] != [] if kept else True
        assert set(kept) <= set(now), "a finished response was lost or written anew"
        kept = now
    assert not (folder / "done").exists()
    finish(start(tiny_model, folder))
    lines = [line for file in (folder / "responses").glob("*.jsonl") for line in read_lines(file)]
    assert len(lines) == len({line["key"] for line in lines}) == REQUESTS
    assert results(folder) == results(whole)


def test_two_processes_one_killed_give_the_scores_of_one(whole: Path, tiny_model: Path, tmp_path: Path):
    folder = tmp_path / "shards"
    processes = [start(tiny_model, folder, "--shard", f"{number}/2") for number in (1, 2)]
    kill_when(processes[1], folder, 20)
    output = finish(processes[0])
    assert not (folder / "done").exists()
    assert "still missing" in output
    finish(start(tiny_model, folder, "--shard", "2/2"))
    assert (folder / "done").exists()
    assert results(folder) == results(whole)


def test_ctrl_c_ends_cleanly_and_says_how_to_go_on(tiny_model: Path, tmp_path: Path):
    process = start(tiny_model, tmp_path / "stopped")
    while len(journal(tmp_path / "stopped")) < 3 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 130
    assert "Everything finished is kept" in output and "Traceback" not in output


def test_a_launcher_without_gpus_is_refused_where_every_process_would_do_everything(tiny_model: Path, tmp_path: Path):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", "29517"]
    command += ["-m", "bayling_bench.cli", "run", "--model", str(tiny_model), "--tasks", "mini_cloze_zh"]
    command += ["-o", str(tmp_path / "run")]
    done = subprocess.run(command, env=cli_environment(), capture_output=True, text=True, timeout=200)
    assert done.returncode != 0
    assert "The launcher started 2 processes" in done.stderr and "--shard 1/2" in done.stderr
    assert not (tmp_path / "run").exists()
