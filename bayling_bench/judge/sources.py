"""Where answers to be judged are read from: a run folder, the authors' released outputs, or lm-eval's own samples."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bayling_bench import record, task_index
from bayling_bench.config import TaskOptions
from bayling_bench.data import published, store
from bayling_bench.errors import DataError, RunError
from bayling_bench.judge.answers import Answer, AnswerSet, answer_of, can_be_judged, choose

_SAMPLES_NAME = re.compile(r"samples_(.+)_\d{4}-\d\d-\d\dT[\d.:-]+\.jsonl")
_DOCUMENT = ("index", "question_id", "category", "turns")


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
    chosen = choose(tasks, [name for name in planned if can_be_judged(name)], spec)
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
    return answer_of(task, language, row["doc"] | {"index": row["index"]}, texts, problem)


def _published(spec: str, tasks: Sequence[str]) -> AnswerSet:
    system = published.check_system(spec.partition(":")[2])
    released = {
        name: file
        for name, task in task_index.all_tasks().items()
        if task.needs_judge and (file := published.output_file(system, task, "en"))
    }
    chosen = choose(tasks, list(released), spec)
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
    for doc, answer in zip(documents, published.answers(file, documents), strict=True):
        yield answer_of(task.name, task.languages[-1], doc, answer.texts[: len(doc["turns"])])


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
    chosen = choose(tasks, list(found), " ".join(map(str, paths)))
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
            if not (_are_texts(turns["turns"]) and isinstance(turns["index"], int)):
                raise TypeError
        except (ValueError, LookupError, TypeError):
            raise RunError(
                f"{path}, line {number}: is no sample of a conversation. Give the samples_*.jsonl of a bayling80 task, "
                "made by `lm_eval run --log_samples --apply_chat_template …`."
            ) from None
        # lm-eval writes a document once for each of its filters.
        answers.setdefault(turns["index"], answer_of(task, _language(task, turns["turns"]), turns, texts))
    if not answers:
        raise RunError(f"{path}: holds no samples.")
    return [answers[index] for index in sorted(answers)]


def _are_texts(turns: Any) -> bool:
    return isinstance(turns, list) and len(turns) > 0 and all(isinstance(turn, str) for turn in turns)


def _language(task: str, questions: Sequence[str]) -> str:
    known = task_index.all_tasks().get(task)
    if known:
        return known.languages[-1]
    return "zh" if re.search(r"[\u4e00-\u9fff]", questions[0]) else "en"
