"""Scores segments with a checkpoint: each distinct text is encoded once, sources and references once for all systems.

Each side is cut into batches by its own length. Hypotheses are scored batch by batch as they are encoded, against the
vectors of sources and references on disk, so that memory does not grow with the number of segments. A unified metric
reads hypothesis and source (and reference) as one input; there nothing can be shared but identical segments.
"""

from __future__ import annotations

import contextlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bayling_bench.comet.batches import Budget, cut, in_memory, in_parts
from bayling_bench.comet.checkpoint import UNIFIED
from bayling_bench.comet.vectors import Vectors
from bayling_bench.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

    from bayling_bench.comet.network import Network

DECIMALS = 6
"""Digits of a segment score that are kept; the last may still differ by one or two between batches, in fp32."""

_ESTIMATED_AT_ONCE = 1024


class Segment(NamedTuple):
    """One line to score; without a reference for metrics that read none."""

    src: str
    mt: str
    ref: str = ""

    @classmethod
    def of(cls, src: str, mt: str, ref: str = "") -> Segment:
        """Return a segment without space around its texts, as unbabel-comet's command line reads lines.

        Lone surrogates, which no tokenizer can read, become U+FFFD.
        """
        parts = (text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in (src, mt, ref))
        return cls(*(part.strip() for part in parts))


@dataclass(frozen=True)
class Listener:
    """Who wants to hear of the progress of scoring."""

    progress: Callable[[int, int], None] = lambda _done, _total: None
    """Called with texts encoded, and texts to encode in all."""
    say: Callable[[str], None] = lambda _: None
    """Called with lines for the user."""


class Scorer:
    """A network with its vectors; ``score`` may be called any number of times."""

    def __init__(self, network: Network, vectors: Vectors, batch_tokens: int, listener: Listener | None = None) -> None:
        self._network = network
        self._vectors = vectors
        self._listener = listener or Listener()
        self._budget = Budget(batch_tokens, self._listener.say)
        self._done = self._total = 0

    def score(self, segments: Sequence[Segment]) -> list[float]:
        """Return one raw score a segment, in fp32 equal to unbabel-comet's to 1e-5.

        Segments of several systems in one call share what they have in common. ModelError when the network gives no
        number, or when there is no memory for a single segment.
        """
        scores: list[float] = [math.nan] * len(segments)
        found = self._joined(segments) if self._network.settings.kind == UNIFIED else self._apart(segments)
        for numbers, values in found:
            for number, value in zip(numbers, values, strict=True):
                if not math.isfinite(value):
                    raise ModelError(f"COMET gives {value} for segment {number + 1}: {segments[number].mt[:80]!r}.")
                scores[number] = round(value, DECIMALS)
        return scores

    def _joined(self, segments: Sequence[Segment]) -> Iterator[tuple[list[int], list[float]]]:
        """Yield scores of a unified metric, with the numbers of the segments that have them."""
        places = _places(segments)
        distinct = list(places)
        inputs = self._inputs()
        self._total += len(distinct) * len(inputs)
        totals: Mapping[Segment, list[float]] = defaultdict(list)
        for names in inputs:
            for batch, vectors in self._encoded(
                [sum(len(getattr(segment, name)) for name in names) for segment in distinct],
                lambda numbers, names=names: self._join([distinct[number] for number in numbers], names),
            ):
                for number, value in zip(batch, self._estimate({"joined": vectors}), strict=True):
                    totals[distinct[number]].append(value)
        for segment, numbers in places.items():
            mean = sum(totals[segment]) / len(inputs)
            yield numbers, [mean] * len(numbers)

    def _inputs(self) -> list[tuple[str, ...]]:
        """Return which parts each input of a unified metric joins; with a reference three inputs are averaged."""
        segments = self._network.settings.segments
        if len(segments) < 3:
            return [segments]
        return [("mt", "src"), ("mt", "ref"), ("mt", "src", "ref")]

    def _join(self, segments: Sequence[Segment], names: Sequence[str]) -> list[list[int]]:
        tokenizer = self._network.tokenizer
        parts = [tokenizer([getattr(segment, name) for segment in segments]) for name in names]
        return [tokenizer.joined(each) for each in zip(*parts, strict=True)]

    def _apart(self, segments: Sequence[Segment]) -> Iterator[tuple[list[int], list[float]]]:
        """Yield scores of a metric that encodes each part by itself, with the numbers of their segments."""
        sides = [name for name in self._network.settings.segments if name != "mt"]
        shared = self._vectors.absent(getattr(segment, side) for segment in segments for side in sides)
        places = _places([segment.mt for segment in segments])
        known = set(places) - set(self._vectors.absent(places))
        # What is both a hypothesis and a source or reference is encoded once, as the latter.
        both = known | (set(places) & set(shared))
        fresh = [text for text in places if text not in both]
        self._total += len(shared) + len(fresh)
        for batch, vectors in self._encode(shared):
            self._vectors.put(batch, vectors.numpy())
        for batch, vectors in self._encode(fresh):
            yield from self._estimated(segments, places, batch, vectors)
        again = [text for text in places if text in both]
        for start in range(0, len(again), _ESTIMATED_AT_ONCE):
            batch = again[start : start + _ESTIMATED_AT_ONCE]
            yield from self._estimated(segments, places, batch, self._known(batch))

    def _estimated(
        self, segments: Sequence[Segment], places: Mapping[str, list[int]], texts: Sequence[str], vectors: Tensor
    ) -> Iterator[tuple[list[int], list[float]]]:
        """Yield the scores of all segments whose hypotheses are ``texts``, with vectors [texts, units]."""
        sides = [name for name in self._network.settings.segments if name != "mt"]
        uses = [(number, row) for row, text in enumerate(texts) for number in places[text]]
        for start in range(0, len(uses), _ESTIMATED_AT_ONCE):
            numbers, rows = map(list, zip(*uses[start : start + _ESTIMATED_AT_ONCE], strict=True))
            parts = {side: self._known([getattr(segments[number], side) for number in numbers]) for side in sides}
            yield numbers, self._estimate({"mt": vectors[rows], **parts})

    def _estimate(self, parts: Mapping[str, Tensor]) -> list[float]:
        """Return one score a row of vectors, which lie in main memory."""

        def compute(rows: list[int]) -> list[float]:
            return self._network.estimate({name: part[rows] for name, part in parts.items()}).tolist()

        with self._named():
            return in_parts(compute, list(range(len(next(iter(parts.values()))))))

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Turn what fails on the device, memory aside, into an error that names it."""
        try:
            yield
        except RuntimeError as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
            raise ModelError(
                f"COMET failed on device {self._network.device} ({reason}). Vectors made so far are kept; choose "
                "another device, for example --comet device=cpu."
            ) from error

    def _known(self, texts: Sequence[str]) -> Tensor:
        """Return vectors [texts, units] from disk; those that a fault, or another process, took away are made again."""
        import torch

        found = self._vectors.find(texts)
        lost = [text for text in dict.fromkeys(texts) if text not in found]
        for batch, vectors in self._encode(lost):
            self._vectors.put(batch, vectors.numpy())
            found.update(zip(batch, vectors.numpy(), strict=True))
        return torch.from_numpy(np.stack([found[text] for text in texts]))

    def _encode(self, texts: Sequence[str]) -> Iterator[tuple[list[str], Tensor]]:
        """Yield texts with their vectors, batch by batch."""
        tokenizer = self._network.tokenizer
        found = self._encoded(list(map(len, texts)), lambda numbers: tokenizer([texts[number] for number in numbers]))
        for batch, vectors in found:
            yield [texts[number] for number in batch], vectors

    def _encoded(
        self, lengths: Sequence[int], tokenize: Callable[[list[int]], list[list[int]]]
    ) -> Iterator[tuple[list[int], Tensor]]:
        import torch

        for batch, ids in cut(lengths, tokenize, self._budget):
            with self._named():
                # Taken off the device at once: errors of a GPU may show only then.
                found = in_memory(lambda some: self._network.embed(some).cpu(), ids, self._budget)
            yield batch, torch.cat(found)
            self._done += len(batch)
            self._listener.progress(self._done, self._total)


def _places(things: Sequence[Segment] | Sequence[str]) -> dict:
    """Return each distinct thing with the numbers at which it stands."""
    places = defaultdict(list)
    for number, thing in enumerate(things):
        places[thing].append(number)
    return places
