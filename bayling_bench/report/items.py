"""A task's items for the report's browser: every system's answers side by side, item by item, compressed.

A pack is the JSON object {task: {"docs", "users", "prompts", "items", "columns"}} of one task, of a part of a large
one, or of tasks that are kin: those ask much the same, so that one costs little beside the other. Of each task

- ``items``: [[index, doc, references, users, [entry, one a part]]]. A part is one system's answers to the task;
  an entry is None (not answered), a string (one answer and nothing else to say of it) or ``{"turns": [{"response",
  "prompt"?, "finish_reason"?, "tokens"?, "logprobs"?}], "flags"?, "unscored"?, "verdicts"?, "doc"?, "references"?,
  "users"?}``, the last three where they are not those of the item.
- ``columns``: one object a part, key to a value (or None) an item: scores as tables show them, by ``metric`` or
  ``metric|state``, and the answers that exam rules read, by ``read|paper`` and ``read|strict``.
- ``users``: ``{"before", "after"}`` where every question is its document's ``source`` between two texts (an item's
  users are 0 then), else None. ``prompts``: what stands around the question in every prompt that a part was sent.
- ``docs``: the key of a list of documents that several tasks share, in their order (an item's doc is 0 then), or None.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bayling_bench.config import NGRAM_METRICS
from bayling_bench.display.text import visible_all
from bayling_bench.journal import digest

CHUNK = 4_000_000
"""Characters of JSON from which a task is cut: a chunk is unpacked in one go, so this bounds the browser's work."""
SAMPLE = 100
"""Items of each task that ``--items sample`` keeps."""
INTERNAL = ("kind", "letters", "source_language", "target_language", "turns")
"""What documents hold for the harness rather than for readers."""

_KIN = (
    (r"^interactive_translation_", "wmt22_"),
    (r"^(bayling80_.+)_(single|multi)$", r"\1"),
    (r"^sat_en_without_passage", "sat_en"),
    (r"_mc$", ""),
)
"""Patterns of task names, and what stands for what they match in a family's name."""

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
    columns: Row
    """Metric, or ``metric|state``, to a number as tables show it, None where it cannot be told; and what rules read."""
    flags: Sequence[str] = ()
    more: Row = field(default_factory=dict)
    """``unscored`` and ``verdicts``, where there are any."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A system's answers to a task."""

    system: str
    states: Sequence[str]
    """The states of the data that they serve, the first being that of its plain score keys."""
    items: Iterable[Item]


@dataclass(frozen=True, kw_only=True)
class Packed:
    """What the payload says of a task's items."""

    total: int
    packed: int
    packs: Sequence[int]
    """Places of the packs that hold them, in order."""
    parts: Sequence[Row]
    """Of each part ``{"system", "states", "scores", "prompts"}``."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A task's items before they are compressed: what is shared of each, and the entries of its parts."""

    task: str
    total: int
    parts: Sequence[Part]
    docs: Mapping[int, Row]
    """Of each chosen item, in order."""
    references: Mapping[int, Sequence[str]]
    users: Mapping[int, Sequence[str]]
    answers: Sequence[Mapping[int, Item]]
    """Of each part, by index."""

    @property
    def docs_key(self) -> str:
        """Return a hash of the documents, by which equal ones of several tasks are found."""
        return digest(list(self.docs.values()))[:12]


def table(task: str, parts: Sequence[Part], items: Items) -> Table:
    """Return the items of a task that several systems answered, those of ``items``, the same of each system."""
    first: dict[int, Item] = {}
    answers = []
    for part in parts:
        held = {item.index: item for item in part.items}
        answers.append(held)
        for index, item in held.items():
            first.setdefault(index, item)
    chosen = _chosen(task, sorted(first), items)
    there = [any(index in held for index in chosen) for held in answers]
    return Table(
        task=task,
        total=len(first),
        parts=[part for part, some in zip(parts, there, strict=True) if some],
        docs={index: _document(first[index]) for index in chosen},
        references={index: visible_all(list(first[index].references)) for index in chosen},
        users={index: visible_all(list(first[index].users)) for index in chosen},
        answers=[held for held, some in zip(answers, there, strict=True) if some],
    )


def _chosen(task: str, order: Sequence[int], items: Items) -> list[int]:
    if items == "sample" and len(order) > SAMPLE:
        return sorted(random.Random(f"items of {task}").sample(list(order), SAMPLE))
    if isinstance(items, int):
        return list(order[:items])
    return [] if items == "none" else list(order)


def _document(item: Item) -> Row:
    kept = {name: value for name, value in item.doc.items() if name not in INTERNAL and value not in (None, "", [])}
    return visible_all(kept)


def family(task: str) -> str:
    """Return what tasks that ask much the same have in common: a sentence to translate, a question in two forms."""
    for pattern, kin in _KIN:
        task = re.sub(pattern, kin, task)
    return task


def chunks(found: Table, shared: bool) -> Iterator[Row]:
    """Yield a task's items as packs hold them; ``shared`` leaves out documents that lie elsewhere in the page."""
    frames = [_frame([held[index] for index in found.docs if index in held]) for held in found.answers]
    framed = _users_frame(found)
    rows = [_row(found, index, frames, framed, shared) for index in found.docs]
    keys = [_keys(held, found.docs) for held in found.answers]
    for start, end in _cuts(rows):
        indices = list(found.docs)[start:end]
        columns = [
            {key: [_number(held.get(index), key) for index in indices] for key in own}
            for held, own in zip(found.answers, keys, strict=True)
        ]
        chunk = {"docs": found.docs_key if shared else None, "users": framed, "prompts": frames}
        yield visible_all({**chunk, "items": rows[start:end], "columns": columns})


def told(found: Table, packs: Sequence[int]) -> Packed:
    """Return what the payload says of a task's items."""
    parts = []
    for part, held in zip(found.parts, found.answers, strict=True):
        sent = any("prompt" in turn for index in found.docs if index in held for turn in held[index].turns)
        about = {"system": part.system, "states": list(part.states), "scores": _keys(held, found.docs)}
        parts.append(visible_all({**about, "prompts": sent}))
    return Packed(total=found.total, packed=len(found.docs), packs=list(packs), parts=parts)


def _cuts(rows: Sequence[Any]) -> Iterator[tuple[int, int]]:
    start = size = 0
    for place, row in enumerate(rows):
        length = len(json.dumps(row, ensure_ascii=False))
        if place > start and size + length > CHUNK:
            yield start, place
            start, size = place, 0
        size += length
    if rows:
        yield start, len(rows)


def _keys(held: Mapping[int, Item], chosen: Iterable[int]) -> list[str]:
    return list(dict.fromkeys(key for index in chosen if index in held for key in held[index].columns))


def _number(item: Item | None, key: str) -> Any:
    """Return a value as short as a reader needs it: a sentence's BLEU, chrF or TER without decimals."""
    value = None if item is None else item.columns.get(key)
    if not isinstance(value, float) or not math.isfinite(value):
        return value
    return round(value) if key.partition("|")[0] in NGRAM_METRICS else round(value, 2)


def _frame(items: Sequence[Item]) -> Row | None:
    """Return what stands before and after the question in every prompt as sent; None where that is not constant."""
    answered = [item for item in items if item.turns]
    if not answered or not answered[0].users or not answered[0].users[0]:
        return None
    before, found, after = str(answered[0].turns[0].get("prompt") or "").partition(answered[0].users[0])
    whole = found and all(
        len(item.turns) == 1 and item.turns[0].get("prompt") == f"{before}{item.users[0]}{after}" for item in answered
    )
    return {"before": before, "after": after} if whole else None


def _users_frame(found: Table) -> Row | None:
    """Return what stands around the source in every question; None where questions are of another form."""
    first = next(iter(found.docs), None)
    if first is None or not found.docs[first].get("source") or len(found.users[first]) != 1:
        return None
    before, there, after = found.users[first][0].partition(found.docs[first]["source"])
    whole = there and all(
        list(users) == [f"{before}{found.docs[index].get('source')}{after}"] for index, users in found.users.items()
    )
    return {"before": before, "after": after} if whole else None


def _row(found: Table, index: int, frames: Sequence[Row | None], framed: Row | None, shared: bool) -> list[Any]:
    entries = [
        None if index not in held else _entry(found, held[index], frame is not None)
        for held, frame in zip(found.answers, frames, strict=True)
    ]
    users = 0 if framed else found.users[index]
    return [index, 0 if shared else found.docs[index], found.references[index], users, entries]


def _entry(found: Table, item: Item, framed: bool) -> Row | str:
    turns = [
        {name: value for name, value in turn.items() if name == "response" or value not in (None, "")}
        for turn in item.turns
    ]
    for turn in turns if framed else ():
        turn.pop("prompt", None)
    entry: Row = {"turns": turns, **item.more}
    shared = {"doc": found.docs, "references": found.references, "users": found.users}
    own = {"doc": _document(item), "references": list(item.references), "users": list(item.users)}
    for name, of in shared.items():
        value = visible_all(own[name])
        entry |= {name: value} if value != of[item.index] else {}
    entry |= {"flags": list(item.flags)} if item.flags else {}
    plain = len(entry) == 1 and len(turns) == 1 and turns[0].keys() == {"response"}
    return str(turns[0]["response"]) if plain and isinstance(turns[0]["response"], str) else entry
