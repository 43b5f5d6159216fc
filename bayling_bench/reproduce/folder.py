"""The folder of a reproduction: what was asked, by which recipe, and what has been made by now.

``reproduce.json`` (this) · ``data/`` · ``training/`` · ``tiny/`` (the model) · ``systems/NAME/`` · ``report.html``
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bayling_bench.data import miniature
from bayling_bench.errors import BenchError, RunError
from bayling_bench.record import write_json

RECORD, LOCK = "reproduce.json", ".lock"
SCHEMA = 1
PATIENCE_S = 60.0
"""How long the end of an earlier command is waited for: a training that was interrupted still writes a checkpoint."""
RECIPE = ("miniature", "config/tiny.toml", "templates/lean.toml", "initial.py", "muon.py", "optimizer.py")
"""What of the reference model makes the data and sets the training."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a reproduction was asked for; another folder for each."""

    seed: int = 1
    """Of data, weights and order."""
    tokens: int | None = None
    """Tokens of training data; None for those of the recipe."""
    steps: int | None = None
    """Steps of training; None for those of the recipe."""
    limit: int | None = None
    """Only the first items of each task."""

    def __post_init__(self) -> None:
        for name, least in (("seed", 0), ("tokens", 1000), ("steps", 1), ("limit", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise BenchError(f"--{name} {value} must be at least {least}.")

    @property
    def is_trial(self) -> bool:
        """Return whether less is done than the targets are for."""
        return any(value is not None for value in (self.tokens, self.steps, self.limit))

    def default_folder(self) -> Path:
        """Return the folder that the same request always comes back to."""
        changed = {**asdict(self), "seed": self.seed if self.seed != Asked.seed else None}
        marks = [f"-{name}{value}" for name, value in changed.items() if value is not None]
        return Path("runs") / f"miniature{''.join(marks)}"


@dataclass
class Reproduction:
    """A folder that this process holds."""

    folder: Path
    asked: Asked
    made: dict[str, str] = field(default_factory=dict)
    """Part -> hash of what was made."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Step -> time that it took, over all commands that worked at it."""
    lock: int = -1
    """Descriptor of the lock, which child processes inherit: the folder is free once the last of them has ended."""

    def part(self, name: str) -> Path:
        """Return the folder of a part."""
        return self.folder / name

    def keep(self) -> None:
        """Write what is known."""
        values = {"asked": asdict(self.asked), **recipe(), "made": self.made, "seconds": self.seconds}
        write_json(self.folder / RECORD, {"schema": SCHEMA, **values})

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the time of what is done inside to that of a step."""
        begin = time.monotonic()
        try:
            yield
        finally:
            self.seconds[step] = round(self.seconds.get(step, 0.0) + time.monotonic() - begin, 1)
            self.keep()

    def hold(self, name: str, found: str) -> None:
        """Keep the hash of a part, or compare it with the one that was kept; RunError where it has changed."""
        if name not in self.made:
            self.made[name] = found
            self.keep()
        if self.made[name] != found:
            raise RunError(
                f"{self.part(name)} has changed since it was made. Put it back as it was, or remove {self.folder} and "
                "give the same command again."
            )


@contextmanager
def opened(folder: Path, asked: Asked, say: Callable[[str], None]) -> Iterator[Reproduction]:
    """Hold a folder, new or of the same request; RunError where it is in use or holds something else."""
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file. Name a folder with -o.")
    if folder.is_dir() and not (folder / RECORD).exists():
        others = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        if others:
            named = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
            raise RunError(f"{folder} holds something else ({named}). Name another folder with -o.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("a")
    except OSError as error:
        raise RunError(f"{folder} cannot be written ({error.strerror}). Name another folder with -o.") from None
    with lock:
        _wait_for(lock.fileno(), folder, say)
        found = Reproduction(folder, asked, lock=lock.fileno())
        if (folder / RECORD).exists() and (found.part("data").exists() or found.part("training").exists()):
            known = _read(folder)
            _require_same(folder, known, asked)
            found.made, found.seconds = known["made"], known["seconds"]
        else:
            found.keep()
        yield found


def _wait_for(lock: int, folder: Path, say: Callable[[str], None]) -> None:
    end, told = time.monotonic() + PATIENCE_S, False
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise RunError(
                    f"{folder}: another command is working here. Wait for it, or name another folder with -o."
                ) from None
        if not told:
            say(f"{folder}: an earlier command is still at work here; waiting for its end, up to {PATIENCE_S:.0f} s")
            told = True
        time.sleep(0.2)


def _read(folder: Path) -> dict[str, Any]:
    try:
        known = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{folder / RECORD} is damaged ({error}). Name another folder with -o.") from None
    if not isinstance(known, dict) or known.get("schema") != SCHEMA:
        raise RunError(f"{folder} was made by another version of this command. Name another folder with -o.")
    return known


def _require_same(folder: Path, known: Mapping[str, Any], asked: Asked) -> None:
    for name, value in asdict(asked).items():
        if known["asked"][name] != value:
            raise RunError(
                f"{folder} was begun with --{name} {known['asked'][name]}, and {value} is asked for. Give the same "
                "again, or name another folder with -o."
            )
    words = {"recipe": "language or the training settings of `tiny`", "tests": "test documents"}
    for name, value in recipe().items():
        if known[name] != value:
            raise RunError(
                f"{folder} was made by another recipe: the {words[name]} have changed since. Name another folder with "
                "-o, or remove this one."
            )


def recipe() -> dict[str, str]:
    """Return hashes of what decides the outcome beside the request; BenchError where the reference model is absent."""
    found = importlib.util.find_spec("reference_model")
    if found is None or not found.submodule_search_locations:
        raise BenchError("The package reference_model is not installed beside this one: pip install bayling-bench.")
    root, total = Path(found.submodule_search_locations[0]), hashlib.sha256()
    for path in sorted(each for name in RECIPE for each in _files(root / name)):
        total.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return {"recipe": total.hexdigest(), "tests": miniature.provenance()["sha256"]}


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [each for each in path.rglob("*") if each.is_file() and each.suffix != ".pyc"]
