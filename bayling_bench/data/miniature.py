"""The method in miniature: test documents of a small trilingual language, shipped in the package.

`bayling-model miniature --tests` writes them; a grammar knows every right answer, so they are scored without a judge.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from bayling_bench.data.mini import described
from bayling_bench.documents import Document, Documents

_SENTENCE = re.compile(r"[:：?？] ?")
"""After the first of these signs a request is the sentence that is to be translated."""
FOLDER = Path(__file__).parent / "miniature"


def provenance() -> dict[str, str]:
    """Return what a run record says of this data: its hash, licence and source."""
    return described(FOLDER, "The method in miniature, of BayLing Bench")


def load_translation(source: str, target: str, **_: Any) -> dict[str, Documents]:
    """Return sentences of ``source`` with every right rendering in ``target``; a part is what is new to the model."""
    rows = _records(f"translation_{source}_{target}.jsonl")
    return _documents({**_translated(row, source, target), "part": row["split"]} for row in rows)


def load_constrained(source: str, target: str, **_: Any) -> dict[str, Documents]:
    """Return sentences to translate with given words.

    Parts: ``default``, whose words the usual rendering has, and ``not_default``.
    """
    rows = _of_direction("constrained.jsonl", source, target)
    return _documents(
        {
            **_translated(row, source, target),
            "constraints": row["required"],
            "part": "default" if row["default"] else "not_default",
        }
        for row in rows
    )


def load_interactive(source: str, target: str, **_: Any) -> dict[str, Documents]:
    """Return translations followed by a change that the user asks for, with the right answers of both turns."""
    rows = _of_direction("interactive.jsonl", source, target)
    return _documents(
        {
            "id": row["id"],
            "turns": row["turns"],
            "prompt": row["turns"][0],
            "source": _SENTENCE.split(row["turns"][0], maxsplit=1)[-1],
            "source_language": source,
            "target_language": target,
            "edit": row["edit"],
            "turn_references": row["references"],
            "references": row["references"][-1],
            "part": row["split"],
        }
        for row in rows
    )


def load_instructions(language: str, **_: Any) -> dict[str, Documents]:
    """Return instructions in a language with their right answers."""
    rows = [row for row in _records("instructions.jsonl") if row["language"] == language]
    return _documents({key: row[key] for key in ("id", "family", "prompt", "references")} for row in rows)


def _translated(row: dict[str, Any], source: str, target: str) -> Document:
    return {
        **{key: row[key] for key in ("id", "prompt", "source", "references")},
        "source_language": source,
        "target_language": target,
    }


def _documents(items: Iterator[Document]) -> dict[str, Documents]:
    numbered = ({"index": index, **item, "target": item["references"][0]} for index, item in enumerate(items))
    return {"test": Documents(numbered)}


def _of_direction(name: str, source: str, target: str) -> list[dict[str, Any]]:
    return [row for row in _records(name) if row["direction"] == f"{source}-{target}"]


@cache
def _records(name: str) -> tuple[dict[str, Any], ...]:
    lines = (FOLDER / name).read_text(encoding="utf-8").rstrip("\n").split("\n")
    return tuple(json.loads(line) for line in lines)
