"""Cuts texts into batches of like length within a budget of tokens, and halves a batch for which memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bayling_bench.errors import ModelError

_WINDOW = 4096
"""Texts whose token ids are in memory at once."""

Ids = list[int]


@dataclass
class Budget:
    """Tokens a batch may hold, padding counted; it shrinks when memory runs out."""

    tokens: int
    say: Callable[[str], None] = lambda _: None

    def halve(self, tried: int) -> None:
        """Allow at most half of what was ``tried`` from now on."""
        if self.tokens <= tried // 2:
            return
        self.tokens = max(1, tried // 2)
        self.say(f"COMET: no memory for a batch of {tried} tokens; going on with batches of {self.tokens}")


def cut(
    lengths: Sequence[int], tokenize: Callable[[list[int]], list[Ids]], budget: Budget
) -> Iterator[tuple[list[int], list[Ids]]]:
    """Yield batches: numbers of items, and their token ids; long items first, so that a lack of memory shows at once.

    ``lengths`` are those of the texts in characters, by which items are drawn; ``tokenize`` gives the ids of numbered
    items. An item longer than the budget is a batch of its own.
    """
    order = sorted(range(len(lengths)), key=lambda number: -lengths[number])
    for start in range(0, len(order), _WINDOW):
        window = order[start : start + _WINDOW]
        drawn = sorted(zip(window, tokenize(window), strict=True), key=lambda item: -len(item[1]))
        while drawn:
            size = _size([len(ids) for _, ids in drawn], budget.tokens)
            batch, drawn = drawn[:size], drawn[size:]
            yield [number for number, _ in batch], [ids for _, ids in batch]


def _size(lengths: Sequence[int], tokens: int) -> int:
    """Return how many of the items, longest first, make up the next batch: to its length all others are padded.

    A batch ends within the budget, or before an item that would be padded by a sixth once half the budget is used: more
    rows make a batch no faster then.
    """
    longest = lengths[0]
    most = max(1, tokens // longest)
    for size in range(max(1, most // 2), min(most, len(lengths))):
        if lengths[size] < longest * 5 / 6:
            return size
    return most


def in_memory(embed: Callable[[list[Ids]], Any], batch: list[Ids], budget: Budget) -> list[Any]:
    """Return what ``embed`` makes of a batch, of its halves where memory runs out, of their halves and so on.

    ModelError when there is no memory for a single item.
    """
    tokens = len(batch) * max(map(len, batch))
    try:
        return [embed(batch)]
    except RuntimeError as error:
        if not _lacks_memory(error):
            raise
    # Outside of the handler, where the failed computation is no longer held by its traceback.
    _release()
    if len(batch) == 1:
        raise ModelError(
            f"COMET: no memory for a segment of {tokens} tokens. Free some, or choose another device: "
            "--comet device=cpu; --comet precision=bf16 needs half as much. Vectors made so far are kept."
        )
    budget.halve(tokens)
    middle = (len(batch) + 1) // 2
    return in_memory(embed, batch[:middle], budget) + in_memory(embed, batch[middle:], budget)


def in_parts(compute: Callable[[list[int]], list[float]], rows: list[int]) -> list[float]:
    """Return what ``compute`` gives for rows, or for their halves where memory runs out; ModelError as `in_memory`."""
    try:
        return compute(rows)
    except RuntimeError as error:
        if not _lacks_memory(error):
            raise
    _release()
    if len(rows) == 1:
        raise ModelError("COMET: no memory to score a single segment. Choose another device: --comet device=cpu.")
    middle = (len(rows) + 1) // 2
    return in_parts(compute, rows[:middle]) + in_parts(compute, rows[middle:])


_SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "status_alloc_failed")


def _lacks_memory(error: RuntimeError) -> bool:
    text = str(error).lower()
    return any(sign in text for sign in _SIGNS)


def _release() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
