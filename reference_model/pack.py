"""Packing: conversations as token ids on disk, laid end to end into rows of one length, in an order given by a seed.

A row holds whole conversations and then padding. Position ids restart with each conversation; attention that goes by
them (``train.py``) never crosses from one to another. The order of rows is one endless list that depends on the seed
alone, so that a step's batch is a slice of it, whatever the number of processes.
"""

from __future__ import annotations

import bisect
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reference_model.conversation import Message, Template, from_json, render
from reference_model.corpus import lines
from reference_model.errors import ConversationError, TrainingError
from reference_model.files import partial

IGNORED = -100
"""Label of a position that is not learned; torch's default."""
BLOCK = 4096
"""Conversations packed together: more fill rows better, fewer keep the order more random."""
ARRAYS = ("ids", "mask", "starts")


@dataclass(frozen=True)
class Tokens:
    """Tokenized conversations: conversation i has ``ids[starts[i]:starts[i + 1]]`` and the same slice of ``mask``."""

    ids: np.ndarray
    mask: np.ndarray
    starts: np.ndarray
    counts: dict[str, int]
    """What was read, used, cut and left out."""

    @property
    def lengths(self) -> np.ndarray:
        """Return the number of tokens of each conversation."""
        return np.diff(self.starts)


def tokenize(path: Path, template: Template, tokenizer: Any, length: int, out: Path) -> None:
    """Write the conversations of a file as arrays into folder ``out``, which is there whole or not at all.

    A conversation longer than ``length`` is cut after its last turn that fits. TrainingError when none is left.
    """
    counts: Counter = Counter(conversations=0, cut=0)
    ids, mask, starts = [], [], [0]
    for messages in read_conversations(path):
        counts["read"] += 1
        try:
            rendered = _fitting(messages, template, tokenizer, length)
        except ConversationError as error:
            counts[f"left out: {error}"] += 1
            continue
        if rendered is None or not any(rendered[0].mask):
            counts["left out: too long"] += 1
            continue
        counts["conversations"] += 1
        counts["cut"] += rendered[1]
        ids.append(np.asarray(rendered[0].ids, dtype=np.uint32))
        mask.append(np.asarray(rendered[0].mask, dtype=bool))
        starts.append(starts[-1] + len(ids[-1]))
    if not ids:
        told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        raise TrainingError(f"{path}: no conversation can be trained on ({told or 'it is empty'}).")
    with partial(out) as folder:
        for name, array in zip(ARRAYS, (np.concatenate(ids), np.concatenate(mask), np.asarray(starts)), strict=True):
            np.save(folder / f"{name}.npy", array)
        (folder / "counts.json").write_text(json.dumps(counts, ensure_ascii=False, indent=1), encoding="utf-8")


def read_conversations(path: Path) -> Iterator[tuple[Message, ...]]:
    """Yield the conversations of a file; TrainingError names the line that is none."""
    for number, line in enumerate(lines(path), start=1):
        try:
            yield from_json(json.loads(line)["messages"])
        except (json.JSONDecodeError, KeyError, TypeError, ConversationError):
            raise TrainingError(f"{path}:{number}: is not a conversation. Build the data again.") from None


def _fitting(messages: Sequence[Message], template: Template, tokenizer: Any, length: int) -> tuple[Any, bool] | None:
    """Return the conversation rendered, without last turns that do not fit, and whether any was dropped."""
    whole = len(messages)
    while messages:
        rendered = render(messages, template, tokenizer)
        if len(rendered.ids) <= length:
            return rendered, len(messages) < whole
        messages = messages[:-2]
        if not any(message.role == "assistant" for message in messages):
            break
    return None


def read_tokens(folder: Path) -> Tokens:
    """Return the arrays of a folder that ``tokenize`` wrote, mapped from disk; TrainingError where it is damaged."""
    try:
        ids, mask, starts = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS)
        return Tokens(ids, mask, starts, json.loads((folder / "counts.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, EOFError) as error:
        raise TrainingError(f"{folder} is damaged ({error}). Remove it; --resume makes it again.") from None


def pack(lengths: Sequence[int] | np.ndarray, length: int) -> list[list[int]]:
    """Return rows of indices whose lengths sum to at most ``length``: best fit, longest first."""
    rows: list[list[int]] = []
    room: list[tuple[int, int]] = []  # free tokens and row, sorted
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        need = int(lengths[index])
        at = bisect.bisect_left(room, (need, -1))
        if at < len(room):
            free, row = room.pop(at)
        else:
            free, row = length, len(rows)
            rows.append([])
        rows[row].append(index)
        if free > need:
            bisect.insort(room, (free - need, row))
    return rows


class Rows:
    """The endless list of packed rows of a data set: pass after pass, each packed and shuffled anew."""

    def __init__(self, tokens: Tokens, length: int, seed: int) -> None:
        self.tokens, self.length, self.seed = tokens, length, seed
        self._passes: dict[int, list[list[int]]] = {}
        self._ends: list[int] = []

    def one_pass(self, number: int) -> list[list[int]]:
        """Return the rows of a pass over the data, from 0."""
        if number not in self._passes:
            generator = np.random.default_rng((self.seed, number))
            order = generator.permutation(len(self.tokens.lengths))
            lengths, rows = self.tokens.lengths, []
            for start in range(0, len(order), BLOCK):
                block = order[start : start + BLOCK]
                rows += [[int(block[i]) for i in row] for row in pack(lengths[block], self.length)]
            rows = [rows[i] for i in generator.permutation(len(rows))]
            self._passes = {number: rows, **{n: r for n, r in self._passes.items() if n == number - 1}}
        return self._passes[number]

    def count(self, epochs: float) -> int:
        """Return the number of rows in so many passes."""
        whole = int(epochs)
        rest = epochs - whole
        return self._end(whole - 1) + (int(rest * len(self.one_pass(whole))) if rest else 0)

    def __getitem__(self, index: int) -> list[int]:
        number = 0
        while self._end(number) <= index:
            number += 1
        return self.one_pass(number)[index - self._end(number - 1)]

    def _end(self, number: int) -> int:
        while len(self._ends) <= number:
            before = self._ends[-1] if self._ends else 0
            self._ends.append(before + len(self.one_pass(len(self._ends))))
        return self._ends[number] if number >= 0 else 0


@dataclass(frozen=True)
class Block:
    """Rows as arrays of shape (rows, length): token ids, labels one step ahead, and positions."""

    ids: np.ndarray
    labels: np.ndarray
    positions: np.ndarray
    tokens: int
    """Tokens that are not padding."""
    visible: int
    """Sum over these of the tokens that each sees: itself and those before it in its conversation."""

    @property
    def learned(self) -> int:
        """Return the number of positions whose next token is learned."""
        return int((self.labels != IGNORED).sum())


def assemble(tokens: Tokens, rows: Sequence[Sequence[int]], length: int, padding: int) -> Block:
    """Lay conversations end to end, row by row; what is left of a row is padding with positions of its own."""
    shape = (len(rows), length)
    ids = np.full(shape, padding, dtype=np.int64)
    labels = np.full(shape, IGNORED, dtype=np.int64)
    positions = np.zeros(shape, dtype=np.int64)
    used = visible = 0
    for number, row in enumerate(rows):
        at = 0
        for index in row:
            start, stop = int(tokens.starts[index]), int(tokens.starts[index + 1])
            size = stop - start
            ids[number, at : at + size] = tokens.ids[start:stop]
            ahead = np.where(tokens.mask[start + 1 : stop], tokens.ids[start + 1 : stop].astype(np.int64), IGNORED)
            labels[number, at : at + size - 1] = ahead
            positions[number, at : at + size] = np.arange(size)
            at += size
            visible += size * (size + 1) // 2
        positions[number, at:] = np.arange(length - at)
        used += at
    return Block(ids, labels, positions, used, visible)


def describe(rows: Rows) -> str:
    """Return how full the rows of the first pass are, in words."""
    first, lengths = rows.one_pass(0), rows.tokens.lengths
    share = int(lengths.sum()) / (len(first) * rows.length)
    return f"{len(lengths):,} conversations in {len(first):,} rows of {rows.length}, {share:.1%} full"
