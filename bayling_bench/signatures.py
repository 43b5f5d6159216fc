"""The line beside a number that says exactly what it is, in sacrebleu's form."""

from __future__ import annotations

from typing import Literal

from bayling_bench.config import TaskOptions
from bayling_bench.scoring import exact, off_target, translation
from bayling_bench.scoring.kinds import KINDS, whole
from bayling_bench.task_index import Task


def signature(task: Task, options: TaskOptions, name: str, references: int | Literal["var"]) -> str:
    """Return the signature of a metric of a task: tokenizer or rule, labels, number of references, version."""
    name = whole(name)
    if KINDS[name].form == "ngram":
        return translation.signature(name, task.languages[-1], references)
    if name.startswith("exact"):
        return exact.SIGNATURE
    if name in ("empty", "source_copied", "wrong_language"):
        return off_target.signature()
    if name.startswith("constraint") or name == "echo":
        return "match:exact|case:mixed|version:1"
    if name.startswith("instructions"):
        return "check:rule|version:1"
    if name == "truncated":
        return "finish_reason:length"
    rule = "loglikelihood" if task.ranks_choices else "paper" if name == "acc" else "strict"
    labels = "mini" if task.suite == "mini" else options.label_state
    return f"rule:{rule}|labels:{labels}|version:{task.config['metadata']['version']}"
