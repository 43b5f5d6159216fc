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
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayling_bench import audit, scoring
from bayling_bench.data import store
from bayling_bench.scoring import translation


def segment_statistics(
    metric: str, target: str, hypotheses: Sequence[str], references: Sequence[Sequence[str]]
) -> NDArray[np.float64]:
    """Return the rows of ``translation.segment_statistics`` as an array [items, k]."""
    signature = translation.signature(metric, target, len(references[0]))
    return kept(
        [signature, target, hypotheses, references],
        len(hypotheses),
        lambda: translation.segment_statistics(metric, target, hypotheses, references),
    )


def kept(inputs: Sequence[Any], rows: int, compute: Callable[[], Sequence[Any]]) -> NDArray[np.float64]:
    """Return ``compute()``, one row an item, as an array; from disk if it was computed of the same inputs.

    ``inputs`` are texts, numbers, and lists and tables of them.
    """
    # Version 2 writes equal values as equal bytes, whether or not they are the same object.
    content = marshal.dumps([_rules(), *inputs], 2)
    path = store.cache_dir() / "statistics" / f"{hashlib.sha256(content).hexdigest()}.npy"
    with contextlib.suppress(OSError, EOFError, ValueError):
        found = np.load(path, allow_pickle=False)
        if len(found) == rows:
            return found
    found = np.asarray(compute(), dtype=np.float64)
    draft = path.with_name(f".{path.stem}.{os.getpid()}.npy")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(draft, found)
        draft.replace(path)
    with contextlib.suppress(OSError):
        draft.unlink(missing_ok=True)  # where saving failed half-way
    return found


@lru_cache(maxsize=1)
def _rules() -> str:
    """Return the hash of the code that decides what is kept, and the versions of what it uses."""
    found = hashlib.sha256()
    for package in (*scoring.__path__, *audit.__path__):
        for path in sorted(Path(package).glob("*.py")):
            found.update(path.read_bytes())
    return " ".join([found.hexdigest(), *(version(name) for name in ("numpy", "sacrebleu", "math-verify", "sympy"))])
