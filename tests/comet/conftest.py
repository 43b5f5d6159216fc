"""Small COMET checkpoints with random weights, segments that are hard to score, and unbabel-comet as the yardstick."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import needed

from bayling_bench.comet import made_up, reference, registry, verify
from bayling_bench.comet.metric import Metric, Use
from bayling_bench.comet.scorer import Segment
from bayling_bench.config import CometOptions
from bayling_bench.data import mini

TEXTS = [text for name in ("mini.en", "mini.de", "mini.zh") for text in mini._lines(name)]
INSTALLED = reference.folder()
"""Where unbabel-comet is installed on this machine; tests have a cache of their own."""

MakeCheckpoint = Callable[..., Path]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, in which nothing was ever scored."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("BAYLING_BENCH_DATA", str(folder))
    monkeypatch.delenv(registry.VARIABLE, raising=False)
    return folder


@pytest.fixture(scope="session")
def make_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> MakeCheckpoint:
    """Make a checkpoint of a shape, each shape once."""
    made: dict[str, Path] = {}

    def make(**shape) -> Path:
        key = repr(sorted(shape.items()))
        if key not in made:
            folder = tmp_path_factory.mktemp("checkpoints") / f"tiny-{len(made)}"
            made[key] = made_up.write(folder, made_up.Shape(**shape), TEXTS)
        return made[key]

    return make


@pytest.fixture
def unbabel(cache: Path) -> None:
    """unbabel-comet, installed; in CI a test that needs it must not be left out."""
    if not (INSTALLED / "bayling-bench-ready").is_file():
        needed("unbabel-comet is not installed: bayling-bench comet install-reference")
    (cache / "comet").mkdir(parents=True)
    (cache / "comet" / "reference").symlink_to(INSTALLED, target_is_directory=True)


def metric_of(checkpoint: Path, *, keep: bool = True, **options) -> Metric:
    return Metric(registry.find(f"comet:{checkpoint}"), Use(CometOptions(**options)), keep=keep)


def segments(number: int = 12) -> list[Segment]:
    """Some plain segments, and all of the hard ones."""
    found = verify.samples()
    return found[:number] + found[40:]
