"""What is kept of items comes back as it was computed, and a file that is damaged is computed again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bayling_bench.audit import kept
from bayling_bench.data import store


@pytest.fixture
def cache(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path))
    return tmp_path / "statistics"


class Counting:
    """Computes two rows, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> list[list[float]]:
        self.times += 1
        return [[1.0, 2.0], [3.0, 4.0]]


def test_the_same_inputs_are_computed_once_and_others_again(cache: Path):
    compute = Counting()
    for _ in range(2):
        assert np.array_equal(kept.kept(["a", ["b"], 1.5], 2, compute), [[1, 2], [3, 4]])
    assert compute.times == 1 and len(list(cache.iterdir())) == 1
    kept.kept(["a", ["c"], 1.5], 2, compute)
    assert compute.times == 2


@pytest.mark.parametrize("damage", ["empty", "truncated", "foreign", "of other rows"])
def test_a_damaged_file_is_computed_again(cache: Path, damage: str):
    compute = Counting()
    kept.kept(["a"], 2, compute)
    (path,) = cache.iterdir()
    if damage == "of other rows":
        np.save(path, np.zeros((3, 2)))
    else:
        whole = path.read_bytes()
        path.write_bytes({"empty": b"", "truncated": whole[:-9], "foreign": b"no array"}[damage])
    assert np.array_equal(kept.kept(["a"], 2, compute), [[1, 2], [3, 4]])
    assert compute.times == 2
    kept.kept(["a"], 2, compute)
    assert compute.times == 2 and len(list(cache.iterdir())) == 1


def test_another_rule_is_another_key(cache: Path, monkeypatch):
    compute = Counting()
    kept.kept(["a"], 2, compute)
    monkeypatch.setattr(kept, "_rules", lambda: "another version")
    kept.kept(["a"], 2, compute)
    assert compute.times == 2


def test_nothing_is_lost_where_nothing_can_be_written(tmp_path: Path, monkeypatch):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "file"))
    assert len(kept.kept(["a"], 2, Counting())) == 2
