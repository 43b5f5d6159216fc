"""From nothing to a page: each step is done unless what it makes is there, whole and unchanged."""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bayling_bench import record
from bayling_bench.config import ModelOptions, RunConfig, Shard
from bayling_bench.errors import Interrupted, RunError
from bayling_bench.models.conversations import file_of
from bayling_bench.models.spec import fingerprint
from bayling_bench.record import Run
from bayling_bench.reproduce.child import STOPPED, bayling_model
from bayling_bench.reproduce.folder import Asked, Reproduction, opened

TRAINED = "tiny"
SUITE = "miniature"
BATCH_SIZE = 64
PAGE = "report.html"
TITLE = "The method in miniature"
COMPILED_FROM = 500
"""Steps from which compiling, some twenty seconds on two cores, pays: a step then takes four fifths of the time."""
STEPS = ("data", "training", "export", "answers and scores", "page")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asked, and what they want to hear of it."""

    say: Callable[[str], None]
    """Called with lines for the user."""
    responses: Callable[[str], AbstractContextManager[Callable[[Any], None]]]
    """Called with a system's name; what it gives is called with an ``evaluate.Progress`` after each response."""
    write_page: Callable[[list[Run], Path], None]
    """Called with the runs, the trained model's first, and the file to write."""
    threads: int
    """For training and answers."""
    command: str


@dataclass(frozen=True)
class Outcome:
    """A finished reproduction."""

    folder: Path
    runs: list[Run]
    """The trained model's first, then the baselines'."""
    seconds: dict[str, float]
    """Step -> time."""
    was_there: bool
    """Whether an earlier command had done it all."""

    @property
    def model(self) -> Path:
        """Return the trained model's folder."""
        return self.folder / TRAINED

    @property
    def page(self) -> Path:
        """Return the page's file."""
        return self.folder / PAGE


def reproduce(folder: Path, asked: Asked, caller: Caller) -> Outcome:
    """Do what is missing; BenchError with everything finished kept.

    Raises RunError where the folder holds another reproduction, or something else.
    """
    folder = _short(folder)
    try:
        with opened(folder, asked, caller.say) as found:
            return _Steps(found, caller).all()
    except KeyboardInterrupt:
        raise Interrupted(STOPPED) from None


def _short(folder: Path) -> Path:
    """Return a folder as seen from here, so that records do not differ by how it was typed."""
    absolute, here = folder.expanduser().resolve(), Path.cwd().resolve()
    return absolute.relative_to(here) if absolute.is_relative_to(here) else absolute


def _compiles(steps: int | None) -> bool:
    """Return whether compiling pays and what torch needs for it, a C++ compiler and Python's headers, is here."""
    compiler = os.environ.get("CXX") or "g++"
    headers = Path(sysconfig.get_path("include"), "Python.h")
    return (steps is None or steps >= COMPILED_FROM) and bool(shutil.which(compiler)) and headers.is_file()


class _Steps:
    def __init__(self, found: Reproduction, caller: Caller) -> None:
        self.found, self.caller = found, caller
        self.data, self.training, self.model = (found.part(name) for name in ("data", "training", TRAINED))
        self.worked = False

    def all(self) -> Outcome:
        self._make_data()
        self._train()
        self._export()
        runs = self._answer()
        self._write_page(runs)
        return Outcome(self.found.folder, runs, self.found.seconds, not self.worked)

    def _begin(self, step: str, what: str) -> AbstractContextManager[None]:
        self.worked = True
        self.caller.say(f"step {STEPS.index(step) + 1} of {len(STEPS)}: {what}")
        return self.found.timed(step)

    def _ask(self, *arguments: str) -> None:
        environment = {"OMP_NUM_THREADS": str(self.caller.threads), "TQDM_DISABLE": "1"}
        bayling_model(*arguments, lock=self.found.lock, environment=environment)

    def _make_data(self) -> None:
        if not self.data.exists():
            with self._begin("data", "conversations of the miniature language"):
                asked = self.found.asked
                tokens = ["--tokens", str(asked.tokens)] if asked.tokens else []
                processes = ["--processes", str(self.caller.threads)]
                self._ask("miniature", "-o", str(self.data), "--seed", str(asked.seed), *processes, *tokens)
        self.found.hold("data", fingerprint(file_of(self.data)))

    def _train(self) -> None:
        if self.model.exists():
            return
        compiled = _compiles(self.found.asked.steps)
        with self._begin("training", f"training of `{TRAINED}`{', compiled first: half a minute' * compiled}"):
            if (self.training / "metrics.jsonl").exists():  # a step was taken
                self._ask("train", "--resume", str(self.training))
            else:
                asked = self.found.asked
                changes = [f"running.seed={asked.seed}"]
                changes += [f"optimizer.steps={asked.steps}"] if asked.steps else []
                changes += ["running.compile=inductor"] if compiled else []
                options = [part for change in changes for part in ("--set", change)]
                self._ask("train", TRAINED, "--data", str(self.data), "-o", str(self.training), *options)

    def _export(self) -> None:
        if not self.model.exists():
            with self._begin("export", "the model as a Hugging Face folder"):
                # CPUs without bf16 units are slower in it than in 32 bits.
                self._ask("export", str(self.training), "-o", str(self.model), "--dtype", "float32")
        self.found.hold(TRAINED, fingerprint(self.model))

    def _answer(self) -> list[Run]:
        return [self._run(name, spec) for name, spec in self._systems()]

    def _systems(self) -> Iterator[tuple[str, str]]:
        """Yield the trained model and what it is to be seen beside."""
        yield TRAINED, str(self.model)
        yield "words", f"baseline:words@{self.data}"
        yield "nearest", f"baseline:nearest@{self.data}"
        yield "copy", "baseline:copy"

    def _run(self, name: str, spec: str) -> Run:
        folder = self.found.part("systems") / name
        if (folder / "done").exists():
            there = record.load(folder)
            if there.settings["model"].get("fingerprint") in (None, *self.found.made.values()):
                return there
        with self._begin("answers and scores", f"{name} on the suite {SUITE}"):
            os.environ.setdefault("TQDM_DISABLE", "1")
            os.environ["OMP_NUM_THREADS"] = str(self.caller.threads)
            from bayling_bench import run as runs

            config = RunConfig(
                model=spec, tasks=(SUITE,), limit=self.found.asked.limit, metrics=("bleu", "chrf"),
                model_options=ModelOptions(batch_size=str(BATCH_SIZE)),
            )  # fmt: skip
            with self.caller.responses(name) as report:
                outcome = runs.run(config, folder, Shard(), runs.Caller(self.caller.command, report, self.caller.say))
            if outcome.too_many_unscored:
                raise RunError(f"{folder}: {outcome.too_many_unscored}.")
            return outcome.run

    def _write_page(self, runs: list[Run]) -> None:
        page = self.found.part(PAGE)
        if self.worked or not page.exists():
            with self._begin("page", str(page)):
                self.caller.write_page(runs, page)
