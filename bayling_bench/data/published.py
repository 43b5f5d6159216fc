"""The outputs that BayLing's authors released, matched to the questions they answer.

They lie in four folders of ictnlp/BayLing, each with its own habits: ``exp/translation_benchmark`` (a line an item),
``exp/constrained_translation`` (JSON records with ``hypo``), ``exp/examination`` (completions of two APIs) and
``exp/general_tasks`` (``response`` is a list of two). Every answer is matched to the question it belongs to.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bayling_bench.data import catalogue, store
from bayling_bench.data.bayling import REPOSITORY
from bayling_bench.errors import DataError, ModelError, did_you_mean

_FOLDERS = ("translation_benchmark", "constrained_translation", "examination", "general_tasks")
_NOT_SYSTEMS = ("reference", "GPT4-REVIEW")


@dataclass(frozen=True)
class Answer:
    """One released output."""

    texts: tuple[str, ...]
    """One text a turn."""
    question: Any = None
    """What the file says it answers, to be compared with the document; None where the file does not say."""
    tokens: int | None = None
    """Tokens generated, where the file says so."""
    finish_reason: str | None = None
    """``length`` where the output was cut off."""


@lru_cache(maxsize=1)
def systems() -> tuple[str, ...]:
    """Return the names of all systems with released outputs."""
    names = (file.path.split("/")[2] for folder in _FOLDERS for file in catalogue.match(REPOSITORY, f"exp/{folder}/*"))
    return tuple(sorted({name.lower() for name in names if name not in _NOT_SYSTEMS}))


def check_system(name: str) -> str:
    """Return the system's name in its usual spelling; ModelError with near names when there is none."""
    known = systems()
    if name.lower() not in known:
        raise ModelError(
            f"--model published:{name}: no such system.{did_you_mean(name.lower(), known)} "
            f"Released: {', '.join(known)}."
        )
    return name.lower()


def files_of(system: str) -> list[catalogue.File]:
    """Return every released file of a system, in all folders and spellings."""
    released = catalogue.match(REPOSITORY, "exp/*")
    return [file for file in released if file.path.split("/")[2].lower() == system]


def output_file(system: str, task: Any, prompt_form: str) -> catalogue.File | None:
    """Return the file with a system's outputs for a task of the index, or None where none was released."""
    arguments = task.config["dataset_kwargs"]
    marker = ".zh_prompt" if prompt_form == "zh" else ""
    source, target = arguments.get("source"), arguments.get("target")
    patterns = {
        "wmt22": f"exp/translation_benchmark/{system}/{source}-{target}{marker}.hypo",
        "interactive": f"exp/constrained_translation/{system}/hypo.{source}-{target}.{target}{marker}.jsonl",
        "bayling80": f"exp/general_tasks/{system}/res.bayling-80.multiturn.{arguments.get('language')}.jsonl",
        "gaokao": f"exp/examination/{system}/predict.*.{arguments.get('subset')}.zero-shot.jsonl",
    }
    pattern = patterns.get("gaokao" if task.suite == "sat" else task.suite)
    if pattern is None or task.ranks_choices:
        return None
    # One folder is spelled vicuna-13B-1.1, the others vicuna-13b-1.1.
    found = [file for file in _match_any_case(pattern) if not file.path.endswith(".log.jsonl")]
    return found[0] if found else None


@lru_cache(maxsize=4096)
def _match_any_case(pattern: str) -> list[catalogue.File]:
    wanted = pattern.lower()
    return [file for file in catalogue.match(REPOSITORY, "exp/*") if fnmatch.fnmatchcase(file.path.lower(), wanted)]


def read_lines(file: catalogue.File) -> list[Answer]:
    """Read one hypothesis a line."""
    return [Answer((line,)) for line in store.read_lines(file)]


def read_constrained(file: catalogue.File) -> list[Answer]:
    """Read ``{"src", "tgt", "constraint", "hypo"}`` records."""
    return [Answer((row["hypo"],), (row["src"], row["tgt"])) for row in store.read_jsonl(file)]


def read_exam(file: catalogue.File) -> list[Answer]:
    """Read completions: ``text`` at the top, or OpenAI's ``choices[0].message.content``."""
    answers = []
    for row in store.read_jsonl(file):
        choice = row["choices"][0] if "choices" in row else row
        text = choice["message"]["content"] if "message" in choice else choice["text"]
        usage = row.get("usage") or {}
        tokens, reason = usage.get("completion_tokens"), choice.get("finish_reason")
        answers.append(Answer((text,), tokens=tokens, finish_reason=reason))
    return answers


def read_conversations(file: catalogue.File) -> list[Answer]:
    """Read ``{"question_id", "text": [2], "response": [2]}`` records."""
    return [Answer(tuple(row["response"]), row["text"]) for row in store.read_jsonl(file)]


_READERS: dict[str, Callable[[catalogue.File], list[Answer]]] = {
    "translation_benchmark": read_lines,
    "constrained_translation": read_constrained,
    "examination": read_exam,
    "general_tasks": read_conversations,
}


def answers(file: catalogue.File, documents: Sequence[Mapping[str, Any]]) -> list[Answer]:
    """Return the answers of a file, one a document; DataError, naming the line, where they part from the documents."""
    return align(file, _READERS[file.path.split("/")[1]](file), documents)


def align(file: catalogue.File, found: list[Answer], documents: Sequence[Mapping[str, Any]]) -> list[Answer]:
    """Return the answers if each belongs to the document of its place; DataError naming the first line that does not.

    A file that does not say what it answers can only be checked by its number of lines.
    """
    for line, (answer, document) in enumerate(zip(found, documents, strict=False), 1):
        _check(file, line, answer, document)
    if len(found) != len(documents):
        short = len(found) < len(documents)
        part = f"it ends before item {len(found) + 1}" if short else f"line {len(documents) + 1} answers none of them"
        raise DataError(
            f"{file.tail}: {len(found)} outputs for {len(documents)} items, so they cannot be aligned: {part}."
        )
    return found


def _check(file: catalogue.File, line: int, answer: Answer, document: Mapping[str, Any]) -> None:
    if answer.question is None:
        return
    if isinstance(answer.question, tuple):
        answered, asked = list(answer.question), [document["source"], document["target"]]
    else:
        answered, asked = answer.question[: len(document["turns"])], document["turns"]
    if answered != asked:
        raise DataError(
            f"{file.tail}, line {line}: answers {json.dumps(answered, ensure_ascii=False)[:120]} where the "
            f"task asks {json.dumps(asked, ensure_ascii=False)[:120]}."
        )
