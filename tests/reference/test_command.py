"""`bayling-model` as a user types it: from texts to an exported model, and mistakes without a traceback."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys

import pytest

from reference_model import cli

from .made_up_texts import write_lines


def command(capsys, monkeypatch, *arguments: object) -> tuple[int, str, str]:
    """Run the command line in this process; return exit code, output and errors."""
    monkeypatch.setattr(sys, "argv", ["bayling-model", *map(str, arguments)])
    monkeypatch.setenv("COLUMNS", "200")
    try:
        cli.main()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.slow
def test_from_texts_to_a_model(small_data, small_config, tmp_path, capsys, monkeypatch):
    mixture = small_data.parent / "mix.toml"
    code, out, err = command(capsys, monkeypatch, "data", mixture, "-o", tmp_path / "data")
    assert code == 0 and "pairs: 300 conversations, 300 read" in out and "nothing was checked" in err
    arguments = ("--data", tmp_path / "data", "-o", tmp_path / "run", "--set", "optimizer.steps=2")
    code, _, err = command(capsys, monkeypatch, "train", small_config, *arguments)
    assert code == 0 and "step 2/2  loss " in err and "bayling-model export" in err
    code, _, err = command(capsys, monkeypatch, "train", small_config, *arguments)
    assert code == 2 and "already holds a run" in err
    code, _, err = command(capsys, monkeypatch, "train", "--resume", tmp_path / "run", "--set", "running.keep=1")
    assert code == 0 and "going on after step 2" in err
    code, out, _ = command(capsys, monkeypatch, "export", tmp_path / "run", "-o", tmp_path / "model")
    assert code == 0 and f"bayling-bench run --model {tmp_path / 'model'}" in out
    assert json.loads((tmp_path / "model" / "config.json").read_text())["model_type"] == "llama"
    code, out, _ = command(capsys, monkeypatch, "make-delta", tmp_path / "model", tmp_path / "model", tmp_path / "diff")
    assert code == 0 and "is not the target in 0 values" in out
    folders = [tmp_path / name for name in ("model", "diff", "again")]
    code, out, _ = command(capsys, monkeypatch, "apply-delta", *folders)
    assert code == 0 and "have the hashes of delta.json" in out
    files = [folder / "model.safetensors" for folder in (folders[0], folders[2])]
    assert files[0].stat().st_size == files[1].stat().st_size


def test_a_plan_is_printed_and_is_json_on_request(capsys, monkeypatch):
    code, out, _ = command(capsys, monkeypatch, "plan", "bayling_7b", "--gpus", "8", "--tokens", "1e8")
    assert code == 0 and "6,738,415,616" in out and "stand-in" in out and "1,144" in out
    code, out, _ = command(capsys, monkeypatch, "plan", "tiny", "--json", "--set", "optimizer.steps=123")
    assert json.loads(out)["steps"] == 123


def test_hashes_are_written_once(tmp_path, capsys, monkeypatch):
    texts = write_lines(tmp_path / "test.en", ["The committee postponed the vote.", "Yes."])
    code, out, _ = command(capsys, monkeypatch, "hashes", texts, "-o", tmp_path / "hashes")
    assert code == 0 and "1 hashes" in out
    code, _, err = command(capsys, monkeypatch, "hashes", texts, "-o", tmp_path / "hashes")
    assert code == 2 and "exists already" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train"], "CONFIG is missing"),
        (["train", "tiny"], "--data DIR is missing"),
        (["train", "tiny", "--data", "nowhere", "-o", "run"], "nowhere holds no conversations.jsonl"),
        (["train", "tiny", "--resume", "run"], "leave out CONFIG"),
        (["train", "--resume", "run"], "run holds no run"),
        (["data", "none.toml", "-o", "data"], "none.toml: cannot be read"),
        (["export", "run", "-o", "model"], "run holds no run"),
        (["export", "run", "-o", "model", "--dtype", "bf16"], "Did you mean bfloat16"),
        (["plan", "tinny"], "Did you mean tiny"),
        (["apply-delta", "a", "b", "c"], "a holds no weights"),
        (["plan", "tiny", "--tokens", "-5"], "--tokens -5 must not be below 0"),
        (["plan", "tiny", "--tokens", "nan"], "--tokens nan must not be below 0"),
        (["miniature", "-o", "data", "--tokens", "nan"], "--tokens nan must be a number below 1e+12"),
        (["miniature", "-o", "data", "--tokens", "inf"], "--tokens inf must be a number below 1e+12"),
    ],
)
def test_mistakes_are_told_in_a_sentence_and_leave_nothing(arguments, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = command(capsys, monkeypatch, *arguments)
    assert code == 2 and words in err and "Traceback" not in err + out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("where", ["file", "file/out", "/proc/out"])
def test_a_folder_that_cannot_be_made_is_told(where, small_data, small_config, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    for verb in (("data", small_data.parent / "mix.toml"), ("train", small_config, "--data", small_data)):
        code, _, err = command(capsys, monkeypatch, *verb, "-o", where)
        assert code == 2 and where.partition("/out")[0] in err and "Traceback" not in err


@pytest.fixture
def small_disk():
    """Files of at most 20 kB: to write more fails as on a full disk, with an OSError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_is_told_and_leaves_nothing(small_data, tmp_path, small_disk, capsys, monkeypatch):
    code, _, err = command(capsys, monkeypatch, "data", small_data.parent / "mix.toml", "-o", tmp_path / "data")
    assert code == 2 and "File too large" in err and "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_hashes_are_there_whole_or_not_at_all(tmp_path, small_disk, capsys, monkeypatch):
    texts = write_lines(tmp_path / "test.en", [f"The committee postponed vote number {n}." for n in range(400)])
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    code, _, err = command(capsys, monkeypatch, "hashes", texts, "-o", tmp_path / "hashes")
    assert code == 2 and "File too large" in err
    assert [path.name for path in tmp_path.iterdir()] == ["test.en"]


def test_a_disk_that_fills_with_tokens_is_told(small_data, small_config, tmp_path, small_disk, capsys, monkeypatch):
    code, _, err = command(capsys, monkeypatch, "train", small_config, "--data", small_data, "-o", tmp_path / "run")
    assert code == 2 and "Nothing that was whole is lost" in err and "Traceback" not in err
    assert [path.name for path in (tmp_path / "run").glob("tok*")] == ["tokenizer"]


def test_help_imports_nothing_heavy():
    heavy = ("torch", "transformers", "numpy", "safetensors", "peft")
    script = (
        "import sys; from reference_model import cli; sys.argv = ['bayling-model', '--help']\n"
        f"try: cli.main()\nexcept SystemExit: print('heavy:', [m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=dict(os.environ))
    assert "heavy: []" in done.stdout and "apply-delta" in done.stdout
