"""Segment scores of a whole test set, kept with their signature: the same scores are never computed twice.

One JSON file a system and checkpoint:
``{"schema": 1, "signature": "COMET|…", "segments": SHA256, "n": 1875, "scores": [0.812345, …]}``.
``segments`` is the sha256 of the scored texts (source, hypothesis, and reference where the metric reads one), so that
scores of other outputs are never taken for these. In the cache the file is named after all that the scores depend on;
beside a board it is named after direction and system, and serves where no checkpoint is at hand.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bayling_bench.comet.scorer import Segment
from bayling_bench.data import store
from bayling_bench.errors import DataError, RunError
from bayling_bench.record import write_text

SCHEMA = 1


@dataclass(frozen=True)
class Kept:
    """Scores of a test set."""

    signature: str
    segments: str
    """What `digest` gives for the scored segments."""
    scores: tuple[float, ...]
    """One raw score a segment."""


def digest(segments: Sequence[Segment]) -> str:
    """Return a hash of the texts of segments, in their order."""
    content = json.dumps([list(segment) for segment in segments], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(content.encode("ascii")).hexdigest()


def cache_file(identity: str, segments: str) -> Path:
    """Return where the cache keeps scores; ``identity`` is all that they depend on but the segments' digest."""
    name = hashlib.sha256(f"{identity}\n{segments}".encode()).hexdigest()[:32]
    return store.cache_dir() / "comet" / "scores" / f"{name}.json"


def read(path: Path) -> Kept | None:
    """Return the scores of a file, or None where there is none. DataError when it is damaged."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        found = Kept(values["signature"], values["segments"], tuple(map(float, values["scores"])))
        if values["schema"] != SCHEMA or values["n"] != len(found.scores):
            raise ValueError(f"schema {values['schema']}, {values['n']} segments and {len(found.scores)} scores")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} holds no segment scores that can be read ({error}). Remove it.") from None
    return found


def write(path: Path, kept: Kept) -> None:
    """Write a file of segment scores, atomically."""
    values = {"schema": SCHEMA, "signature": kept.signature, "segments": kept.segments, "n": len(kept.scores)}
    scores = ",".join(f"{score:.6f}" for score in kept.scores)
    write_text(path, f'{json.dumps(values, ensure_ascii=False)[:-1]}, "scores": [{scores}]}}\n')


def from_cache(path: Path, segments: str) -> tuple[float, ...] | None:
    """Return the scores that the cache holds for these segments; None where it has none, or damaged ones."""
    with contextlib.suppress(DataError):
        found = read(path)
        if found is not None and found.segments == segments:
            return found.scores
    return None


def to_cache(path: Path, kept: Kept) -> None:
    """Keep scores in the cache; where it cannot be written they are computed again next time."""
    with contextlib.suppress(RunError, OSError):
        write(path, kept)


def without_references(segments: Sequence[Segment]) -> list[Segment]:
    """Return segments as a metric reads them that looks at no reference."""
    return [segment._replace(ref="") for segment in segments]
