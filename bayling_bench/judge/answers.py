"""Answers to be judged, wherever they lie: a run folder, the authors' released outputs, or lm-eval's own samples.

A task can be judged when its documents are conversations: ``bayling80_*``, and ``mini_conversation_*`` for a first try.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bayling_bench import record, task_index
from bayling_bench.config import TaskOptions
from bayling_bench.data import published, store
from bayling_bench.errors import DataError, RunError, did_you_mean
from bayling_bench.journal import digest

_SAMPLES_NAME = re.compile(r"samples_(.+)_\d{4}-\d\d-\d\dT[\d.:-]+\.jsonl")
_CONVERSATIONS = ("load_questions", "load_conversations")
_DOCUMENT = ("index", "question_id", "category", "turns")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one system answered to one question of one or more turns."""

    task: str
    index: int
    """Place in the task."""
    question_id: int
    category: str
    language: str
    questions: tuple[str, ...]
    """One text a turn."""
    texts: tuple[str, ...]
    """One text a turn; empty where there is a problem."""
    problem: tuple[str, str] | None = None
    """Why there is nothing to be judged: a kind of failure, and what happened in words."""

    @property
    def turns(self) -> str:
        """Return ``singleturn`` or ``multiturn``, as the published reviews call them."""
        return "singleturn" if len(self.questions) == 1 else "multiturn"


@dataclass(frozen=True, kw_only=True)
class AnswerSet:
    """A system's answers, task by task."""

    label: str
    """The system's name in tables."""
    spec: str
    """What the user typed to name it."""
    identity: Mapping[str, Any]
    """What tells these answers from others."""
    tasks: Mapping[str, Sequence[Answer]]
    folder: Path | None = None
    """The run folder, where there is one."""


def read(spec: str, tasks: Sequence[str] = (), *, option: str = "RUN") -> AnswerSet:
    """Return the answers that a run folder, ``published:SYSTEM`` or a file of lm-eval's samples holds.

    ``tasks`` limits them; without it every task that can be judged is taken. Raises BenchError, naming ``option``, when
    there is nothing to be judged.
    """
    if spec.startswith("published:"):
        return _published(spec, tasks)
    if Path(spec).is_file():
        return samples([spec], tasks)
    if not Path(spec).exists():
        raise RunError(
            f"{option} {spec}: there is no such folder. Give a run folder (`bayling-bench run … -o {spec}` makes one), "
            "published:SYSTEM, or a samples_*.jsonl of lm-eval."
        )
    return _run(record.load(spec), spec, tasks)


def _run(found: record.Run, spec: str, tasks: Sequence[str]) -> AnswerSet:
    planned = {task["name"]: task for task in found.settings["tasks"]}
    chosen = _chosen(tasks, [name for name in planned if _can_be_judged(name)], spec)
    answers = {}
    for name in chosen:
        rows = list(found.items(name))
        if not rows:
            raise RunError(f"{spec}: {name} has no items yet. `bayling-bench score {spec}` writes them.")
        answers[name] = [_of_row(name, planned[name]["languages"][-1], row) for row in rows]
    settings = found.settings
    identity = {name: settings[name] for name in ("model", "chat_template", "generation", "created")}
    return AnswerSet(label=found.name, spec=spec, identity=identity, tasks=answers, folder=found.folder)


def _of_row(task: str, language: str, row: Mapping[str, Any]) -> Answer:
    texts = [turn["response"] for turn in row["turns"]]
    problem = None
    if row["unscored"]:
        problem = ("no_answer", f"{row['unscored']['reason']}: {row['unscored']['detail']}".removesuffix(": "))
    return _answer(task, language, row["doc"] | {"index": row["index"]}, texts, problem)


def _answer(
    task: str, language: str, doc: Mapping[str, Any], texts: Sequence[Any], problem: tuple[str, str] | None = None
) -> Answer:
    if problem is None and len(texts) != len(doc["turns"]):
        problem = ("no_answer", f"{len(texts)} answers to {len(doc['turns'])} turns")
    if problem is None:
        empty = [str(turn) for turn, text in enumerate(texts, 1) if not (isinstance(text, str) and text.strip())]
        problem = ("empty_answer", f"the answer to turn {', '.join(empty)} is empty") if empty else None
    return Answer(
        task=task,
        index=doc["index"],
        question_id=doc["question_id"],
        category=doc["category"],
        language=language,
        questions=tuple(doc["turns"]),
        texts=() if problem else tuple(texts),
        problem=problem,
    )


def _published(spec: str, tasks: Sequence[str]) -> AnswerSet:
    system = published.check_system(spec.partition(":")[2])
    released = {
        name: file
        for name, task in task_index.all_tasks().items()
        if task.needs_judge and (file := published.output_file(system, task, "en"))
    }
    chosen = _chosen(tasks, list(released), spec)
    absent = [name for name in chosen if not store.is_present(released[name])]
    if absent:
        raise DataError(
            f"{spec}: its answers to {', '.join(absent)} are not on this machine. With a network: bayling-bench fetch "
            f"{spec}. {store.WITHOUT_NETWORK}"
        )
    return AnswerSet(
        label=system,
        spec=spec,
        identity={"published": system},
        tasks={name: list(_released(task_index.all_tasks()[name], released[name])) for name in chosen},
    )


def _released(task: task_index.Task, file: Any) -> Iterator[Answer]:
    documents = task.documents(TaskOptions())
    for doc, answer in zip(documents, published.answers(file, len(documents)), strict=True):
        published.check_alignment(file, doc["index"], answer, doc)
        yield _answer(task.name, task.languages[-1], doc, answer.texts[: len(doc["turns"])])


def samples(paths: Sequence[str], tasks: Sequence[str] = ()) -> AnswerSet:
    """Return the answers in files that ``lm_eval run --log_samples`` wrote: ``samples_<task>_<date>.jsonl``.

    Raises BenchError for a file that holds no conversations.
    """
    found: dict[str, list[Answer]] = {}
    content = hashlib.sha256()
    for path in map(Path, paths):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(f"--samples {path}: cannot be read ({error}).") from None
        content.update(text.encode())
        named = _SAMPLES_NAME.fullmatch(path.name)
        task = named[1] if named else path.stem
        if task in found:
            raise RunError(f"--samples: {path} and another file both hold {task}. Give one file a task.")
        found[task] = _logged(path, task, text)
    chosen = _chosen(tasks, list(found), " ".join(map(str, paths)))
    label = (
        Path(paths[0]).resolve().parent.name if _SAMPLES_NAME.fullmatch(Path(paths[0]).name) else Path(paths[0]).stem
    )
    return AnswerSet(
        label=label.rpartition("__")[2],  # lm-eval writes the path of a model with two underscores for a slash
        spec=" ".join(map(str, paths)),
        identity={"samples": content.hexdigest()},
        tasks={name: found[name] for name in chosen},
    )


def _logged(path: Path, task: str, text: str) -> list[Answer]:
    answers: dict[int, Answer] = {}
    for number, line in enumerate(filter(None, text.split("\n")), 1):
        try:
            sample = json.loads(line)
            doc = sample["doc"]
            turns = {name: doc[name] for name in _DOCUMENT}
            texts = [each[0] for each in sample["resps"]]
        except (ValueError, LookupError, TypeError):
            raise RunError(
                f"{path}, line {number}: is no sample of a conversation. Give the samples_*.jsonl of a bayling80 task, "
                "made by `lm_eval run --log_samples --apply_chat_template …`."
            ) from None
        # lm-eval writes a document once for each of its filters.
        answers.setdefault(turns["index"], _answer(task, _language(task, turns["turns"]), turns, texts))
    if not answers:
        raise RunError(f"{path}: holds no samples.")
    return [answers[index] for index in sorted(answers)]


def _language(task: str, questions: Sequence[str]) -> str:
    known = task_index.all_tasks().get(task)
    if known:
        return known.languages[-1]
    return "zh" if re.search(r"[\u4e00-\u9fff]", questions[0]) else "en"


def _can_be_judged(name: str) -> bool:
    task = task_index.all_tasks().get(name)
    return task is not None and task.config["custom_dataset"].rpartition(".")[2] in _CONVERSATIONS


def _chosen(tasks: Sequence[str], available: Sequence[str], spec: str) -> list[str]:
    """Return the tasks to be judged: those asked for, or all that need a judge, or else all that are conversations."""
    if not available:
        raise RunError(
            f"{spec}: none of its tasks can be judged. These can: bayling80 (`bayling-bench run … --tasks bayling80`) "
            "and mini_conversation_en, mini_conversation_zh."
        )
    if not tasks:
        every = task_index.all_tasks()
        return [name for name in available if name in every and every[name].needs_judge] or list(available)
    wanted = _expanded(tasks, available)
    if absent := [name for name in wanted if name not in available]:
        raise RunError(
            f"{spec}: has no {', '.join(absent)} that could be judged.{did_you_mean(absent[0], available)} "
            f"It has {', '.join(available)}."
        )
    return wanted


def _expanded(names: Iterable[str], available: Sequence[str]) -> list[str]:
    """Return task names for names, suites and patterns; a task that only a samples file knows stands for itself."""
    expanded: dict[str, None] = {}
    for name in names:
        expanded.update(dict.fromkeys([name] if name in available else _selected(name, available)))
    return list(expanded)


def _selected(name: str, available: Sequence[str]) -> list[str]:
    found = [task.name for task in task_index.select([name])]
    return [each for each in found if each in available] or found


def key_of(answers: AnswerSet) -> str:
    """Return a short hash of what identifies a set of answers."""
    return digest(answers.identity)[:8]
