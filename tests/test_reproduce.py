"""The method in miniature as a command: real processes from nothing to a page, killed at each stage, then gone on."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import cli_environment, heed_ctrl_c, read_lines

from bayling_bench import record
from bayling_bench.errors import BenchError
from bayling_bench.reproduce import child, figures, reproduction

STEPS, LIMIT = 12, 2
SMALL = ("--tokens", "20000", "--steps", str(STEPS), "--limit", str(LIMIT), "--threads", "1")


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "bayling_bench.cli", "reproduce", *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=cli_environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True, preexec_fn=heed_ctrl_c,
    )  # fmt: skip


def stop_when(process: subprocess.Popen, there: Callable[[], bool], how: signal.Signals) -> tuple[str, str]:
    """Send a signal to the command alone, not to its children, as soon as something is there; return what it said."""
    deadline = time.monotonic() + 200
    while not there() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process.poll() is None, process.communicate()[1]
    assert there()
    os.kill(process.pid, how)
    return process.communicate(timeout=100)


def hashes(*paths: Path) -> dict[str, str]:
    files = [file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob("*")))]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()}


def steps_in(metrics: Path) -> int:
    return metrics.read_text(encoding="utf-8").count("\n") if metrics.exists() else 0


def test_training_is_compiled_where_it_pays_and_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "Python.h").touch()
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    monkeypatch.setattr("shutil.which", {"g++": "/bin/g++"}.get)
    monkeypatch.delenv("CXX", raising=False)
    assert reproduction._compiles(None) and reproduction._compiles(500) and not reproduction._compiles(499)
    monkeypatch.setenv("CXX", "none-such")
    assert not reproduction._compiles(None)
    monkeypatch.delenv("CXX")
    (tmp_path / "Python.h").unlink()
    assert not reproduction._compiles(None)


@pytest.mark.slow
def test_killed_in_training_and_in_answering_the_same_command_goes_on_and_then_answers_at_once(tmp_path: Path):
    folder = tmp_path / "out"
    metrics, answers = folder / "training" / "metrics.jsonl", folder / "systems" / "tiny" / "responses"

    process = start(tmp_path, "-o", "out", *SMALL)
    _, said = stop_when(process, lambda: steps_in(metrics) > 0, signal.SIGINT)
    assert process.returncode == 130
    assert "the same command goes on from here" in said and "Traceback" not in said
    data, reached = hashes(folder / "data"), steps_in(metrics)

    process = start(tmp_path, "-o", "out", *SMALL)
    _, said = stop_when(process, lambda: steps_in(metrics) > reached, signal.SIGKILL)
    assert f"going on after step {reached}" in said

    process = start(tmp_path, "-o", "out", *SMALL)
    stop_when(process, lambda: any(answers.glob("*.jsonl")), signal.SIGKILL)
    assert [line["step"] for line in read_lines(metrics)] == list(range(1, STEPS + 1))
    model, made = hashes(folder / "tiny"), len(list(answers.glob("*.jsonl")))

    process = start(tmp_path, "-o", "out", *SMALL)
    shown, said = process.communicate(timeout=250)
    assert process.returncode == 0, said
    assert made and "step 2 of 5" not in said and "step 4 of 5: tiny" in said
    assert hashes(folder / "data") == data and hashes(folder / "tiny") == model
    for name in ("tiny", "words", "nearest", "copy"):
        run = record.load(folder / "systems" / name)
        assert run.finished and run.name == name and len(run.scores["tasks"]) == 15
    assert "BLEU zh-en" in shown and "report: out/report.html" in shown and "a trial" in shown
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<html" in page[:500] and '"directions": {"suites": ["miniature"]}' in page  # there is a picture

    pair = [str(folder / "systems" / name) for name in ("copy", "nearest")]
    command = [sys.executable, "-m", "bayling_bench.cli", "compare", *pair, "--resamples", "20"]
    done = subprocess.run(command, env=cli_environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "BLEU, random" in done.stdout, done.stderr

    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    process = start(tmp_path, "-o", "out", *SMALL)
    again, said = process.communicate(timeout=60)
    assert process.returncode == 0 and said == ""
    assert again.partition(" targets reached")[0] == shown.partition(" targets reached")[0]
    assert [path for path, stamp in before.items() if path.stat().st_mtime_ns != stamp] == []

    (folder / "tiny" / "config.json").write_text("{}", encoding="utf-8")
    process = start(tmp_path, "-o", "out", *SMALL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2 and "tiny has changed since it was made" in said and "Traceback" not in said


@pytest.fixture
def lock(tmp_path: Path):
    with (tmp_path / "lock").open("w") as file:
        yield file.fileno()


def test_what_the_reference_model_refuses_is_shown_and_ends_the_command(lock: int, capfd: pytest.CaptureFixture):
    with pytest.raises(BenchError, match="`bayling-model train tiny` failed; why stands above"):
        child.bayling_model("train", "tiny", lock=lock, environment={})
    assert "--data DIR is missing" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--steps", "0"], "--steps 0 must be at least 1"),
        (["-o", "file"], "file is a file. Name a folder with -o"),
        (["-o", "other"], "other holds something else (mine.txt)"),
    ],
)
def test_mistakes_are_told_in_a_sentence(arguments: list[str], says: str, tmp_path: Path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("", encoding="utf-8")
    process = start(tmp_path, *arguments)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2 and says in said and "Traceback" not in said


def made_up_run(folder: Path, bleu: float) -> record.Run:
    """A record with one BLEU, and with two second turns of which one is right."""
    run = record.create(folder, {"model": {"name": folder.name}})
    metric = {"value": bleu, "low": bleu - 1, "high": bleu + 1, "n": 330}
    run.write_scores({"miniature_translation_zh_en": {"metrics": {"bleu": metric}}})
    items = [{"scores": {"exact_turn2": right}, "statistics": {}} for right in (0, 1)]
    run.write_items("miniature_interactive_de_en", items)
    words = [{"scores": {}, "statistics": {"constraint_micro@not_default": pair}} for pair in ([2, 2], [1, 2])]
    run.write_items("miniature_constrained_en_zh", words)
    return run


def test_figures_are_those_of_the_records_and_targets_are_held_against_the_first(tmp_path: Path):
    lines = figures.lines([made_up_run(tmp_path / "tiny", 91.0), made_up_run(tmp_path / "copy", 2.0)])
    found = {line.figure.name: line for line in lines}
    bleu = found["BLEU zh-en"]
    assert [value.value for value in bleu.values if value] == [91.0, 2.0] and not bleu.missed
    turns, asked = found["second turns exactly right, %"], found["asked words used that it would not choose, %"]
    assert turns.values[0] == figures.Value(50.0, pytest.approx(9.45, abs=0.01), pytest.approx(90.55, abs=0.01), 2)
    assert turns.missed
    assert asked.values[0] and (asked.values[0].value, asked.values[0].n) == (75.0, 4) and asked.missed
    assert found["BLEU de-en"].values == (None, None) and found["BLEU de-en"].missed
    assert not found["instructions answered exactly, %"].missed
    assert (
        json.dumps([line.figure.target for line in lines if line.figure.target])
        == "[90.0, 90.0, 90.0, 90.0, 90.0, 80.0]"
    )
