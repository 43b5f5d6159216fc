"""The mini suite: our own small data, shipped in the package in the file formats of the real benchmarks."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from bayling_bench import documents

FOLDER = Path(__file__).parent / "mini"


def provenance() -> dict[str, str]:
    """Return what a run record says of this data: its hash, licence and source."""
    return described(FOLDER, "The mini suite of BayLing Bench")


def described(folder: Path, citation: str) -> dict[str, str]:
    """Return what a run record says of a folder of our own data."""
    total = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix != ".md":
            total.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return {
        "file": f"bayling_bench/data/{folder.name}",
        "sha256": total.hexdigest(),
        "licence": "Apache-2.0",
        "citation": citation,
    }


def _lines(name: str) -> list[str]:
    return (FOLDER / name).read_text(encoding="utf-8").rstrip("\n").split("\n")


def _records(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _lines(name)]


def load_translation(source: str, target: str, prompt_form: str = "en", **_: Any) -> dict[str, documents.Documents]:
    """Return sentence pairs of ``mini.<source>`` and ``mini.<target>``, aligned by line."""
    sources, targets = _lines(f"mini.{source}"), _lines(f"mini.{target}")
    return {"test": documents.translation(sources, [targets], (source, target), prompt_form)}


def load_constraints(source: str, target: str, prompt_form: str = "en", **_: Any) -> dict[str, documents.Documents]:
    """Return constrained sentence pairs."""
    records = _records(f"constraints.{source}-{target}.{target}.jsonl")
    return {"test": documents.constrained(records, (source, target), prompt_form)}


def load_conversations(language: str, **_: Any) -> dict[str, documents.Documents]:
    """Return two-turn conversations whose answers are checked by rule."""
    return {"test": documents.conversations(_records(f"conversations.{language}.jsonl"))}


def load_exam(file: str, language: str, kind: str, **_: Any) -> dict[str, documents.Documents]:
    """Return the exam items of ``file``."""
    return {"test": documents.exam(_records(file), language, kind)}
