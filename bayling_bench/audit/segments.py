"""Segment statistics, extracted once: kept on disk by the hash of everything that they depend on.

The key covers sacrebleu's signature (metric, tokenizer, version), hypotheses and references, so an entry never becomes
wrong, only unused. A file that cannot be read is extracted again; where none can be written the extraction is repeated
next time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bayling_bench.data import store
from bayling_bench.scoring import translation


def statistics(
    metric: str, target: str, hypotheses: Sequence[str], references: Sequence[Sequence[str]]
) -> NDArray[np.float64]:
    """Return the rows of ``translation.segment_statistics`` as an array [items, k]."""
    signature = translation.signature(metric, target, len(references[0]))
    path = _path(signature, target, hypotheses, references)
    with contextlib.suppress(OSError, ValueError):
        found = np.load(path, allow_pickle=False)
        if len(found) == len(hypotheses):
            return found
    rows = translation.segment_statistics(metric, target, hypotheses, references)
    found = np.asarray(rows, dtype=np.float64)
    with contextlib.suppress(OSError):
        _write(path, found)
    return found


def _path(signature: str, target: str, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> Path:
    content = json.dumps([signature, target, list(hypotheses), [list(each) for each in references]])
    return store.cache_dir() / "statistics" / f"{hashlib.sha256(content.encode()).hexdigest()}.npy"


def _write(path: Path, rows: NDArray[np.float64]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.stem}.{os.getpid()}.npy")
    np.save(draft, rows)
    draft.replace(path)
