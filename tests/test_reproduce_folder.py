"""The folder of a reproduction: begun once, for one request and one recipe, by one command at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bayling_bench.errors import BenchError, RunError
from bayling_bench.reproduce import folder as folders
from bayling_bench.reproduce.folder import Asked, opened

HEARD: list[str] = []


def begun(folder: Path, asked: Asked | None = None) -> Path:
    with opened(folder, asked or Asked(), HEARD.append):
        (folder / "data").mkdir(exist_ok=True)
    return folder


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (Asked(), "miniature"),
        (Asked(seed=7), "miniature-seed7"),
        (Asked(steps=5, limit=2), "miniature-steps5-limit2"),
    ],
)
def test_each_request_has_a_folder_of_its_own(asked: Asked, name: str):
    assert asked.default_folder() == Path("runs") / name
    assert asked.is_trial == (asked.steps is not None)


@pytest.mark.parametrize("values", [{"seed": -1}, {"tokens": 999}, {"steps": 0}, {"limit": 0}])
def test_impossible_requests_are_refused(values: dict[str, int]):
    (name,) = values
    with pytest.raises(BenchError, match=f"--{name} .* must be at least"):
        Asked(**values)


def test_a_folder_that_holds_something_else_stays_as_it_is(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("mine", encoding="utf-8")
    with pytest.raises(RunError, match=r"holds something else \(thesis.tex\)\. Name another folder with -o"):
        begun(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(RunError, match="is a file"):
        begun(tmp_path / "thesis.tex")


def test_another_request_for_the_same_folder_is_refused(tmp_path: Path):
    begun(tmp_path / "a", Asked(seed=1))
    with pytest.raises(RunError, match="begun with --seed 1, and 2 is asked for"):
        begun(tmp_path / "a", Asked(seed=2))
    begun(tmp_path / "a", Asked(seed=1))


@pytest.mark.parametrize(("name", "words"), [("recipe", "training settings of `tiny`"), ("tests", "test documents")])
def test_another_recipe_is_refused(name: str, words: str, tmp_path: Path):
    record = begun(tmp_path / "a") / folders.RECORD
    values = json.loads(record.read_text(encoding="utf-8"))
    record.write_text(json.dumps({**values, name: "0" * 64}), encoding="utf-8")
    with pytest.raises(RunError, match=f"another recipe: the .*{words} have changed"):
        begun(tmp_path / "a")


def test_the_recipe_is_the_language_and_the_settings(monkeypatch: pytest.MonkeyPatch):
    before = folders.recipe()["recipe"]
    monkeypatch.setattr(folders, "RECIPE", folders.RECIPE[:1])
    assert folders.recipe()["recipe"] != before


def test_a_request_of_which_nothing_was_made_may_be_changed(tmp_path: Path):
    with opened(tmp_path, Asked(seed=1), HEARD.append):
        pass
    begun(tmp_path, Asked(seed=2))
    with pytest.raises(RunError, match="begun with --seed 2"):
        begun(tmp_path, Asked(seed=1))


def test_a_damaged_record_is_named(tmp_path: Path):
    record = begun(tmp_path / "a") / folders.RECORD
    for text, words in (("{", r"reproduce\.json is damaged"), ("[]", "made by another version")):
        record.write_text(text, encoding="utf-8")
        with pytest.raises(RunError, match=words):
            begun(tmp_path / "a")


def test_what_was_made_must_stay_as_it_is(tmp_path: Path):
    with opened(tmp_path / "a", Asked(), HEARD.append) as found:
        found.part("data").mkdir()
        found.hold("data", "sha256:1")
    with opened(tmp_path / "a", Asked(), HEARD.append) as found:
        found.hold("data", "sha256:1")
        with pytest.raises(RunError, match="data has changed since it was made"):
            found.hold("data", "sha256:2")


def test_times_add_up_over_commands(tmp_path: Path):
    for _ in range(2):
        with opened(tmp_path / "a", Asked(), HEARD.append) as found:
            found.part("data").mkdir(exist_ok=True)
            found.seconds["data"] = found.seconds.get("data", 0) + 1.5
            with found.timed("data"):
                pass
    assert found.seconds["data"] == pytest.approx(3, abs=0.2)


CHILD = """
import sys, time
sys.stdin.read()
"""


def test_a_folder_is_free_once_the_last_child_of_its_command_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A kill -9 of the command leaves its child for a moment: the next command waits for it, and not for ever."""
    with opened(tmp_path / "a", Asked(), HEARD.append) as found:
        command = [sys.executable, "-c", CHILD]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=(found.lock,))
    monkeypatch.setattr(folders, "PATIENCE_S", 0.3)
    heard: list[str] = []
    with (
        pytest.raises(RunError, match="another command is working here"),
        opened(tmp_path / "a", Asked(), heard.append),
    ):
        pass
    assert "waiting for its end" in heard[0]
    child.communicate()
    begun(tmp_path / "a")
