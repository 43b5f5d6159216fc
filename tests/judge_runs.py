"""Run folders whose answers a test writes itself, for the conversations of the mini suite."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bayling_bench import cli, record, task_index
from bayling_bench.config import TaskOptions

TASK = "mini_conversation_en"
Answer = Callable[[int, int], str | None]
"""The answer to a question (its place, from 0) and turn (from 0); None for a request that failed."""


def make_run(folder: Path, name: str, answer: Answer, tasks: tuple[str, ...] = (TASK,)) -> Path:
    """Write a finished run of conversations."""
    plans = [
        {"name": task, "suite": "mini", "version": 1.0, "items": 12, "languages": languages(task), "generation": {}}
        for task in tasks
    ]
    settings = {
        "created": "2026-11-25T10:00:00+00:00", "bayling_bench": "0.1.0", "command": "bayling-bench run",
        "model": {"spec": name, "kind": "hf", "name": name, "revision": None}, "chat_template": {"sha256": None},
        "options": {}, "generation": {"profile": "default", "seed": 1}, "limit": None, "tasks": plans, "data": [],
        "left_out": {}, "batch_size": None, "config": {}, "environment": {"packages": {}},
    }  # fmt: skip
    made = record.create(folder, settings)
    for task in tasks:
        made.write_items(task, [_row(task, doc, answer) for doc in documents(task)])
    made.write_scores({task: _scores() for task in tasks})
    made.finish()
    return folder


def documents(task: str = TASK) -> list[dict]:
    return list(task_index.all_tasks()[task].documents(TaskOptions()))


def languages(task: str) -> list[str]:
    return task_index.all_tasks()[task].languages


def _row(task: str, doc: dict, answer: Answer) -> dict:
    place = doc["index"]
    texts = [answer(place, turn) for turn in range(len(doc["turns"]))]
    failed = {"reason": "api_error", "detail": "HTTP 500"} if None in texts else None
    turns = [
        {"user": user, "prompt": user, "response": text, "finish_reason": "stop", "tokens": 1}
        for user, text in zip(doc["turns"], texts, strict=True)
    ]
    kept = {name: value for name, value in doc.items() if name not in ("prompt", "target", "index")}
    return {
        "item": f"{task}/{place}", "index": place, "doc": kept, "references": [], "turns": turns, "scores": {},
        "statistics": {}, "flags": [], "unscored": failed,
    }  # fmt: skip


def _scores() -> dict:
    return {
        "suite": "mini", "languages": ["en"], "items": 12, "scored": 12, "unscored": {}, "note": None, "metrics": {},
        "warnings": [],
    }  # fmt: skip


def words(name: str, count: int) -> Answer:
    """Answers of ``count`` words, told apart by system, question and turn."""
    return lambda place, turn: " ".join([f"{name} on {place}.{turn}", *["word"] * count])


def command(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Carry out ``bayling-bench`` in this process and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["bayling-bench", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)
