"""unbabel-comet, in an environment of its own: the yardstick of our scores. It never enters the main environment.

The environment lies in the cache, ``comet/reference``; its marker, written last, holds a hash of the requirements, so
that one made by other requirements is made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from bayling_bench.comet.scorer import Segment
from bayling_bench.data import store
from bayling_bench.errors import ModelError

REQUIREMENTS = "reference_requirements.txt"
CPU_TORCH = "torch==2.13.0"
"""One release is named where no GPU is found, so that a CPU build at hand (pip's find-links or index) is taken."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What unbabel-comet is to score."""

    checkpoint: Path
    """``model.ckpt``, with ``hparams.yaml`` two folders up."""
    systems: Sequence[Sequence[Segment]]
    """Scored one after the other."""
    encoders: Mapping[str, Path] = field(default_factory=dict)
    """Names by which it asks for an encoder, and the folders that answer to them."""
    batch_size: int = 16
    """Segments a batch; 16 is unbabel-comet's own choice."""
    embedding_cache: bool = False
    """Whether it keeps the vectors of whole batches between systems, as its command line does."""
    threads: int = 1


@dataclass(frozen=True)
class Result:
    """What came of a job."""

    scores: list[list[float]]
    """By system."""
    seconds: list[float]
    """By system, without loading."""
    processor: list[float]
    """Processor seconds of all threads, likewise; steadier on a machine that others use."""


def folder() -> Path:
    """Return where the environment lies, or would."""
    return store.cache_dir() / "comet" / "reference"


def is_installed() -> bool:
    """Return whether the environment is complete and of today's requirements."""
    marker = _marker()
    return marker.is_file() and marker.read_text(encoding="utf-8") == _wanted()


def install(say: Callable[[str], None]) -> None:
    """Make the environment; it stays if it is complete. ModelError, with the end of pip's output, when it fails."""
    if is_installed():
        return
    place = folder()
    shutil.rmtree(place, ignore_errors=True)
    torch = "torch>=2.6" if shutil.which("nvidia-smi") else CPU_TORCH
    steps = [
        ("making the environment", [sys.executable, "-m", "venv", str(place)]),
        (f"installing {torch}", [*_pip(), torch]),
        ("installing unbabel-comet", [*_pip(), "-r", str(_data(REQUIREMENTS))]),
        ("trying it", [str(_python()), "-c", "import comet"]),
    ]
    for what, command in steps:
        say(what)
        # A virtual environment's own interpreter must not be steered by the paths of the one that runs us.
        clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
        done = subprocess.run(command, capture_output=True, text=True, env=clean, check=False)
        if done.returncode:
            tail = "\n  ".join((done.stdout + done.stderr).strip().splitlines()[-12:])
            raise ModelError(
                f"{what} failed in {place}:\n  {tail}\nMend it and run `bayling-bench comet install-reference` again."
            )
    _marker().write_text(_wanted(), encoding="utf-8")


def run(job: Job) -> Result:
    """Return unbabel-comet's scores of a job, as `run_all`."""
    return run_all([job])[0]


def run_all(jobs: Sequence[Job]) -> list[Result]:
    """Return unbabel-comet's scores of each job, all from one process.

    ModelError when it is not installed, or fails, with the end of its output.
    """
    if not is_installed():
        raise ModelError(
            "unbabel-comet is not installed beside us. `bayling-bench comet install-reference` makes its environment "
            f"in {folder()} (about 2 GB on disk)."
        )
    with tempfile.TemporaryDirectory() as place:
        asked, answer = Path(place) / "jobs.json", Path(place) / "results.json"
        asked.write_text(json.dumps([_described(job) for job in jobs]), encoding="utf-8")
        # Isolated: the worker's own folder is ours, and must not be where its imports are looked up.
        command = [str(_python()), "-I", str(_data("reference_worker.py")), str(asked), str(answer)]
        threads = str(max(job.threads for job in jobs))
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "TOKENIZERS_PARALLELISM": "false"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode or not answer.is_file():
            tail = "\n  ".join(done.stderr.strip().splitlines()[-8:])
            raise ModelError(f"unbabel-comet failed on {jobs[0].checkpoint}:\n  {tail}")
        return [Result(**result) for result in json.loads(answer.read_text(encoding="utf-8"))]


def _described(job: Job) -> dict[str, object]:
    return {
        "checkpoint": str(job.checkpoint.resolve()),
        "encoders": {name: str(place.resolve()) for name, place in job.encoders.items()},
        "systems": [[segment._asdict() for segment in system] for system in job.systems],
        "batch_size": job.batch_size,
        "embedding_cache": job.embedding_cache,
        "threads": job.threads,
    }


def _pip() -> list[str]:
    return [str(_python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def _python() -> Path:
    return folder() / ("Scripts" if os.name == "nt" else "bin") / "python"


def _marker() -> Path:
    return folder() / "bayling-bench-ready"


def _wanted() -> str:
    return hashlib.sha256(_data(REQUIREMENTS).read_bytes()).hexdigest()


def _data(name: str) -> Path:
    return Path(str(files("bayling_bench.comet") / name))
