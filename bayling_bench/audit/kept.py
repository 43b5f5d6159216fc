"""What scorers say of each item, computed once: kept on disk by the hash of everything that it depends on.

The key covers texts, references and signature (sacrebleu's: metric, tokenizer, version) and the code of our own
scorers, so an entry never becomes wrong, only unused. A file that cannot be read is computed again; where none can be
written the work is repeated next time.
"""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayling_bench import scoring
from bayling_bench.data import store
from bayling_bench.scoring import translation


def segment_statistics(
    metric: str, target: str, hypotheses: Sequence[str], references: Sequence[Sequence[str]]
) -> NDArray[np.float64]:
    """Return the rows of ``translation.segment_statistics`` as an array [items, k]."""
    signature = translation.signature(metric, target, len(references[0]))
    return kept(
        [signature, target, hypotheses, references],
        lambda: translation.segment_statistics(metric, target, hypotheses, references),
    )


def kept(inputs: Sequence[Any], compute: Callable[[], Sequence[Any]]) -> NDArray[np.float64]:
    """Return ``compute()`` as an array, from disk if it was computed of the same inputs (texts, numbers, lists)."""
    # Version 2 writes equal values as equal bytes, whether or not they are the same object.
    content = marshal.dumps([_rules(), *inputs], 2)
    path = store.cache_dir() / "statistics" / f"{hashlib.sha256(content).hexdigest()}.npy"
    with contextlib.suppress(OSError, ValueError):
        return np.load(path, allow_pickle=False)
    found = np.asarray(compute(), dtype=np.float64)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.stem}.{os.getpid()}.npy")
        np.save(draft, found)
        draft.replace(path)
    return found


@lru_cache(maxsize=1)
def _rules() -> str:
    """Return the hash of our scorers' code: another rule is another key."""
    folder = Path(scoring.__path__[0])
    found = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()
