"""A task's items for the report's browser: what all systems share once, then each system's answers, compressed.

Chunk by chunk the same `CHUNK` items in the same order: one list of what is shared, ``{"index", "doc", "references",
"users"}``, and for each part (a system, and the states of the data that its answers serve) ``{"scores": {metric: [one
an item]}, "prompt": {"before", "after"} or None, "items": [entry or None]}``. `payload` describes an entry. Each is
JSON, a zlib stream (RFC 1950; ``DecompressionStream("deflate")``) and base64.
"""

from __future__ import annotations

import base64
import json
import random
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bayling_bench.display.text import visible_all

CHUNK = 500  # items; a chunk is decompressed in one go, so this bounds the browser's work between two paints
SAMPLE = 100
"""Items of each task that ``--items sample`` keeps."""

Items = Literal["all", "sample", "none"] | int  # how many items of each task are packed into the page
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One system's answer to one item."""

    index: int
    doc: Row
    references: Sequence[str]
    users: Sequence[str]
    """What was asked, one text a turn."""
    turns: Sequence[Row]
    """``response``, and ``prompt`` as sent where it is known; ``finish_reason``, ``tokens``, ``logprobs``."""
    scores: Row
    """Metric, or ``metric|state``, to a number as tables show it, None where it cannot be told."""
    flags: Sequence[str] = ()
    more: Row = field(default_factory=dict)
    """``unscored``, ``parsed``, ``verdicts``, where there are any."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A system's answers to a task."""

    system: str
    states: Sequence[str]
    """The states of the data that they serve, the first being that of its plain score keys."""
    items: Iterable[Item]


@dataclass(frozen=True, kw_only=True)
class Packed:
    """A task's items as they lie in the page."""

    total: int
    packed: int
    shared: Sequence[str]
    parts: Sequence[tuple[Row, Sequence[str]]]
    """Of each part what the payload says of it, and its chunks."""

    @property
    def bytes(self) -> int:
        """Return their size in the page."""
        return sum(map(len, self.shared)) + sum(len(chunk) for _, chunks in self.parts for chunk in chunks)

    def told(self) -> Row:
        """Return what the payload says of a task's items."""
        return {
            "total": self.total,
            "packed": self.packed,
            "bytes": self.bytes,
            "shared": len(self.shared),
            "parts": [about for about, _ in self.parts],
        }


def pack(task: str, parts: Sequence[Part], items: Items) -> Packed:
    """Return the items of a task that several systems answered, those of ``items``, the same of each system."""
    shared: dict[int, Row] = {}
    held: list[dict[int, Item]] = []
    for part in parts:
        answers = {item.index: item for item in part.items}
        held.append(answers)
        for index, item in answers.items():
            shared.setdefault(index, {"doc": item.doc, "references": item.references, "users": item.users})
    order = sorted(shared)
    chosen = _chosen(task, order, items)
    known = {index: visible_all(shared[index]) for index in chosen}
    chunks = [chosen[start : start + CHUNK] for start in range(0, len(chosen), CHUNK)]
    return Packed(
        total=len(order),
        packed=len(chosen),
        shared=[_packed([{"index": index, **known[index]} for index in chunk]) for chunk in chunks],
        parts=[
            _part(part, answers, known, chunks)
            for part, answers in zip(parts, held, strict=True)
            if any(index in answers for index in chosen)
        ],
    )


def _chosen(task: str, order: Sequence[int], items: Items) -> list[int]:
    if items == "sample" and len(order) > SAMPLE:
        return sorted(random.Random(f"items of {task}").sample(list(order), SAMPLE))
    if isinstance(items, int):
        return list(order[:items])
    return [] if items == "none" else list(order)


def _part(
    part: Part, answers: dict[int, Item], known: dict[int, Row], chunks: Sequence[Sequence[int]]
) -> tuple[Row, list[str]]:
    found = {index: answers[index] for index in known if index in answers}
    frame = _frame(list(found.values()))
    keys = list(dict.fromkeys(key for item in found.values() for key in item.scores))
    packed = [
        _packed(
            {
                "scores": {key: [_score(found.get(index), key) for index in chunk] for key in keys},
                "prompt": frame,
                "items": [_entry(found[index], known[index], frame) if index in found else None for index in chunk],
            }
        )
        for chunk in chunks
    ]
    prompts = frame is not None or any("prompt" in turn for item in found.values() for turn in item.turns)
    about = {"system": part.system, "states": list(part.states), "scores": keys, "chunks": len(packed)}
    return visible_all({**about, "prompts": prompts}), packed


def _score(item: Item | None, key: str) -> float | None:
    value = None if item is None else item.scores.get(key)
    return round(value, 2) if isinstance(value, float) else value


def _frame(items: Sequence[Item]) -> Row | None:
    """Return what stands before and after the question in every prompt as sent; None where that is not constant."""
    first = next((item for item in items if item.turns), None)
    if first is None or len(first.turns) != 1 or not first.users[0]:
        return None
    before, found, after = str(first.turns[0].get("prompt") or "").partition(first.users[0])
    if not found:
        return None
    whole = all(
        len(item.turns) == 1 and item.turns[0].get("prompt") == f"{before}{item.users[0]}{after}"
        for item in items
        if item.turns
    )
    return {"before": before, "after": after} if whole else None


def _entry(item: Item, known: Row, frame: Row | None) -> Row:
    own = visible_all({"doc": item.doc, "references": item.references})
    users = visible_all(list(item.users))
    turns = []
    for place, turn in enumerate(item.turns):
        kept = {name: value for name, value in turn.items() if value not in (None, "") or name == "response"}
        if frame is not None:
            kept.pop("prompt", None)
        if place < len(users) and users[place : place + 1] != known["users"][place : place + 1]:
            kept["user"] = users[place]
        turns.append(kept)
    entry = visible_all({"turns": turns, **item.more})
    entry |= {name: value for name, value in own.items() if value != known[name]}
    return entry | ({"flags": visible_all(list(item.flags))} if item.flags else {})


def _packed(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode("utf-8"), 9)).decode("ascii")
