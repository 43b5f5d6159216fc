"""The built wheel runs away from the checkout: tasks, data and report templates travel inside it, nothing beside it.

The wheel is built from a copy of the files that git has or would take in, and installed into an environment of its own
that finds this environment's dependencies after itself.
"""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bayling_bench import __version__, task_index

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent
INSIDE = ("tasks", "leaderboards")
PACKAGES = ("bayling_bench", "reference_model")


def project_files() -> list[str]:
    """Return the names of the files that git has or would take in."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def done(command: list[object], folder: Path, **extra: str) -> str:
    """Run a command that must succeed; return its output."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "BAYLING_BENCH_MIRROR")}
    environment |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "COLUMNS": "200", **extra}
    found = subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert found.returncode == 0, f"{command}\n{found.stdout}\n{found.stderr}"
    return found.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the project."""
    source = tmp_path_factory.mktemp("wheel") / "source"
    for name in project_files():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / name)
    output = source.parent / "dist"
    done([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", output, source], source.parent)
    (built,) = output.iterdir()
    return built


class Environment:
    """A virtual environment that holds the wheel alone; dependencies come from the environment of the tests."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        done([sys.executable, "-m", "venv", "--without-pip", folder], folder.parent)
        self.python = folder / "bin" / "python"
        (self.packages,) = folder.glob("lib/python*/site-packages")
        install = [sys.executable, "-m", "pip", "--python", self.python, "install", "--no-deps", "--no-index", wheel]
        done(install, folder.parent)
        self.installed = {path.name for path in self.packages.iterdir()}
        # Folders named in a .pth file come last, and .pth files inside them (an editable install) do not count.
        (self.packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n", encoding="utf-8")
        self.command = folder / "bin" / "bayling-bench"


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("environment") / "env", wheel)


def test_the_wheel_holds_packages_tasks_and_leaderboards_whole_and_nothing_else(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = project_files()
    expected = {name for name in files if name.partition("/")[0] in PACKAGES}
    expected |= {f"bayling_bench/{name}" for name in files if name.partition("/")[0] in INSIDE}
    assert held == expected
    for part in ("data/catalogue.json", "data/mini/", "report/templates/", "report/assets/", "tasks/", "leaderboards/"):
        assert any(name.startswith(f"bayling_bench/{part}") for name in held), part


def test_nothing_but_our_packages_is_put_into_site_packages(installed: Environment):
    assert installed.installed == {*PACKAGES, f"bayling_bench-{__version__}.dist-info"}


def test_the_installed_command_answers_from_its_own_environment(installed: Environment, tmp_path: Path):
    package = done([installed.python, "-c", "import bayling_bench; print(bayling_bench.__file__)"], tmp_path)
    assert Path(package.strip()).is_relative_to(installed.packages)
    assert done([installed.command, "--version"], tmp_path).strip() == __version__
    tasks = Path(done([installed.command, "tasks", "--path"], tmp_path).strip())
    assert tasks.is_dir() and tasks.is_relative_to(installed.packages)
    rows = json.loads(done([installed.command, "tasks", "--json"], tmp_path))
    assert [row["task"] for row in rows] == list(task_index.all_tasks())
    assert f"{len(task_index.all_tasks())} tasks." in done([installed.command, "tasks"], tmp_path)


def test_a_real_run_ends_with_scores_and_a_page(installed: Environment, tiny_model: Path, tmp_path: Path):
    done(
        [installed.command, "run", "--model", tiny_model, "--tasks", "mini_translation_en_zh,mini_conversation_en",
         "--limit", "4", "--set", "max_tokens=8", "--device", "cpu", "-o", "run"],
        tmp_path, BAYLING_BENCH_DATA=str(tmp_path / "cache"),
    )  # fmt: skip
    scores = json.loads((tmp_path / "run" / "scores.json").read_text(encoding="utf-8"))["tasks"]
    assert {name: row["scored"] for name, row in scores.items()} == {
        "mini_translation_en_zh": 4,
        "mini_conversation_en": 4,
    }
    assert (tmp_path / "run" / "done").exists()
    assert "mini_translation_en_zh" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    settings = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert settings["environment"]["git"] is None  # an installed package belongs to no checkout
