"""Where a number comes from, without a secret in it and without harm to what is none."""

from __future__ import annotations

import platform
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from bayling_bench import provenance


@pytest.mark.parametrize(
    "argument",
    [
        "hf-internal-testing/tiny-random",
        "/data/token_models/sk-some-long-name",
        "openai:key-value-model-long",
        "hf:pk_12345678901234567890/model",
        "--set",
        "until=user@example.org?",
        "mini_translation_en_de,gaokao_*",
        "C:\\models\\token-12345678",
        "https://host:8000/v1",
    ],
)
def test_ordinary_arguments_stay_as_they_are(argument: str):
    assert provenance.redacted([argument]) == [argument]


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("http://user:pass@host:8000/v1", "http://***@host:8000/v1"),
        ("--base-url=https://user@host/v1?api_key=abc#x", "--base-url=https://***@host/v1?***"),
        ("https://host/mirror?token=abc&x=1", "https://host/mirror?***"),
        ("http://user:p@ss/w?rd@host/v1", "http://***@host/v1"),
    ],
)
def test_addresses_lose_user_password_and_query(argument: str, shown: str):
    assert provenance.redacted([argument]) == [shown]


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "HF_TOKEN", "AWS_SECRET", "PGPASSWORD", "my_api_key"])
def test_secrets_of_the_environment_are_known_by_the_names_of_their_variables(name: str, monkeypatch):
    monkeypatch.setenv(name, "correct horse battery\n")
    assert provenance.redacted(["--x=correct horse battery!"]) == ["--x=***!"]


def test_what_is_no_secret_or_too_short_to_be_one_is_left_alone(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "EMPTY")
    monkeypatch.setenv("KEYBOARD", "tiny-random")
    monkeypatch.setenv("SOME_TOKEN", "")
    arguments = ["hf-internal-testing/tiny-random", "EMPTY"]
    assert provenance.redacted(arguments) == arguments


def test_of_a_secret_within_another_nothing_is_left(monkeypatch):
    monkeypatch.setenv("A_TOKEN", "abcdefgh")
    monkeypatch.setenv("B_TOKEN", "abcdefghijkl")
    assert provenance.redacted(["abcdefghijkl abcdefgh"]) == ["*** ***"]


def test_the_command_line_can_be_given_to_a_shell_again(monkeypatch):
    arguments = ["run", "-m", "my model", "--set", "until=it's", "-t", "wmt22_*"]
    assert shlex.split(provenance.command_line(arguments)) == ["bayling-bench", *arguments]


def test_the_environment_names_what_a_number_depends_on():
    found = provenance.environment()
    assert found["python"] == platform.python_version() and found["cores"] >= 1 and found["memory_gb"] > 0
    assert found["packages"]["sacrebleu"] == metadata.version("sacrebleu")
    assert "vllm" in found["packages"] or not _installed("vllm")


def _installed(package: str) -> bool:
    try:
        return bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False


def test_commit_and_dirty_flag_are_those_of_the_checkout(tmp_path: Path):
    package = tmp_path / "bayling_bench"
    package.mkdir()
    source = Path(provenance.__file__).read_text(encoding="utf-8")
    (package / "provenance.py").write_text(source, encoding="utf-8")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    show = [sys.executable, "-c", "import runpy, sys; print(runpy.run_path(sys.argv[1])['_commit']())"]

    def found() -> str:
        command = [*show, str(package / "provenance.py")]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert found() == "None"
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *arguments], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    assert found() == str({"commit": commit, "dirty": False})
    (tmp_path / "new").touch()
    assert found() == str({"commit": commit, "dirty": True})
