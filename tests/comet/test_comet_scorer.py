"""Each text is encoded once, nothing is mixed up, memory is bounded, and a lack of it halves batches."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch

from bayling_bench import __version__
from bayling_bench.comet import kept
from bayling_bench.comet.batches import Budget, cut, in_memory
from bayling_bench.comet.scorer import Listener, Scorer, Segment
from bayling_bench.comet.vectors import Vectors
from bayling_bench.errors import ModelError
from comet.conftest import metric_of, segments

PLAIN = [Segment(f"source {n}", f"translation {n}", f"reference {n}") for n in range(20)]


class Counting:
    """A network that counts the texts it encodes, and has memory for so many tokens at once."""

    def __init__(self, network, tokens: int = 10**9) -> None:
        self._network = network
        self._tokens = tokens
        self.encoded: list[int] = []

    def __getattr__(self, name: str):
        return getattr(self._network, name)

    def embed(self, batch):
        size = len(batch) * max(map(len, batch))
        if size > self._tokens:
            raise torch.OutOfMemoryError(f"CUDA out of memory. Tried to allocate {size} GiB")
        self.encoded.append(len(batch))
        return self._network.embed(batch)


@pytest.fixture
def network(make_checkpoint):
    return Counting(metric_of(make_checkpoint()).network())


def test_every_distinct_text_is_encoded_once(network, tmp_path: Path):
    twice = [
        *PLAIN,
        *PLAIN,
        Segment("source 0", "source 1", "reference 2"),
        Segment("source 3", "translation 0", "source 3"),
    ]
    alone = Scorer(network, Vectors(None, network.units), 512).score(PLAIN)
    network.encoded.clear()
    scores = Scorer(network, Vectors(tmp_path / "v", network.units), 512).score(twice)
    assert sum(network.encoded) == 60
    assert scores[:20] == scores[20:40] and scores[:20] == pytest.approx(alone, abs=2e-6)


def test_a_second_system_costs_only_its_hypotheses(network, tmp_path: Path):
    Scorer(network, Vectors(tmp_path / "v", network.units), 512).score(PLAIN)
    other = [segment._replace(mt=f"{segment.mt}!") for segment in PLAIN]
    fresh = Scorer(network, Vectors(None, network.units), 512).score(other)
    network.encoded.clear()
    again = Scorer(network, Vectors(tmp_path / "v", network.units), 512).score(other)
    assert sum(network.encoded) == 20
    assert again == pytest.approx(fresh, abs=2e-6)


def test_a_unified_metric_encodes_identical_segments_once(make_checkpoint):
    network = Counting(metric_of(make_checkpoint(kind="unified_metric", input_segments=("mt", "src"))).network())
    scores = Scorer(network, Vectors(None, network.units), 512).score([*PLAIN, *PLAIN[:5]])
    assert sum(network.encoded) == 20 and scores[:5] == scores[20:]


def test_batch_sizes_do_not_matter(network):
    scores = [Scorer(network, Vectors(None, network.units), size).score(segments()) for size in (1, 60, 512, 10**6)]
    for others in scores[1:]:
        assert others == pytest.approx(scores[0], abs=2e-6)


def test_a_lack_of_memory_halves_the_batch_and_goes_on(network):
    said: list[str] = []
    wanted = Scorer(network, Vectors(None, network.units), 512).score(segments())
    short = Counting(network._network, tokens=140)
    scores = Scorer(short, Vectors(None, network.units), 4096, Listener(say=said.append)).score(segments())
    assert scores == pytest.approx(wanted, abs=2e-6)
    assert said and all("no memory for a batch" in line for line in said)
    sizes = [int(line.rpartition(" ")[2]) for line in said]
    assert sizes == sorted(set(sizes), reverse=True), "a smaller size is remembered"


def test_no_memory_for_a_single_segment_is_named_and_finished_vectors_stay(network, tmp_path: Path):
    short = Counting(network._network, tokens=100)
    store = Vectors(tmp_path / "v", network.units)
    with pytest.raises(ModelError, match=r"no memory for a segment of \d+ tokens.*--comet device=cpu"):
        Scorer(short, store, 4096).score([*PLAIN, Segment("word " * 300, "x", "y")])
    Scorer(short, store, 64).score(PLAIN)
    assert not store.absent([segment.src for segment in PLAIN])


def test_other_errors_of_the_network_are_not_taken_for_a_lack_of_memory():
    def broken(_):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        in_memory(broken, [[1], [2]], Budget(10))


def test_batches_hold_every_item_once_within_the_budget():
    generator = np.random.default_rng(0)
    lengths = generator.integers(1, 200, 10_000).tolist()
    found = list(cut(lengths, lambda numbers: [[0] * lengths[number] for number in numbers], Budget(400)))
    assert sorted(number for batch, _ in found for number in batch) == list(range(10_000))
    assert all(len(ids) * len(ids[0]) <= 400 for _, ids in found)
    padded = sum(len(ids) * max(map(len, ids)) for _, ids in found)
    assert padded < 1.05 * sum(lengths)


def test_no_number_is_an_error(network):
    class Broken(Counting):
        def estimate(self, vectors):
            return self._network.estimate(vectors) * float("nan")

    with pytest.raises(ModelError, match="gives nan for segment"):
        Scorer(Broken(network._network), Vectors(None, network.units), 512).score(PLAIN)


def test_lone_surrogates_and_outer_space_do_not_reach_the_tokenizer():
    assert Segment.of(" a\n", "b\ud800c", "\u3000d") == ("a", "b\ufffdc", "d")
    assert Segment.of("😀", "x") == ("😀", "x", "")


class Small:
    """A network that costs nothing, with vectors as long as those of xlm-roberta-large."""

    units = 1024

    class settings:
        kind, segments = "regression_metric", ("mt", "src", "ref")

    @staticmethod
    def tokenizer(texts):
        return [[1, 2, 3] for _ in texts]

    @staticmethod
    def embed(batch):
        return torch.from_numpy(np.zeros((len(batch), 1024), dtype=np.float32))

    @staticmethod
    def estimate(vectors):
        return vectors["mt"][:, 0] + vectors["ref"][:, 0]


def test_memory_does_not_grow_with_the_vectors(tmp_path: Path):
    """12,000 segments have 36,000 vectors of 4 KB, 147 MB in all."""
    many = [Segment(f"s{n}", f"m{n}", f"r{n}") for n in range(12_000)]
    store = Vectors(tmp_path / "v", Small.units)
    tracemalloc.start()
    try:
        scores = Scorer(Small(), store, 4096).score(many)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(scores) == 12_000 and set(scores) == {0.0}
    assert peak < 40e6
    assert (tmp_path / "v").stat().st_size > 24_000 * 4096


def vectors_of(texts: list[str]) -> np.ndarray:
    return np.array([[len(text), 0.5, -1] for text in texts], dtype=np.float32)


def test_vectors_come_back_as_they_were(tmp_path: Path):
    store = Vectors(tmp_path / "new" / "v", 3)
    store.put(["a", "bb", "中文"], vectors_of(["a", "bb", "中文"]))
    store.close()
    again = Vectors(tmp_path / "new" / "v", 3)
    assert again.absent(["a", "c", "bb", "c"]) == ["c"]
    assert again.get(["bb", "a", "bb"]).tolist() == vectors_of(["bb", "a", "bb"]).tolist()
    many = [str(number) for number in range(1500)]
    again.put(many, vectors_of(many))
    assert again.absent(many) == [] and again.get(many).shape == (1500, 3)


def test_a_damaged_file_of_vectors_is_made_again(tmp_path: Path):
    said: list[str] = []
    (tmp_path / "v").write_bytes(b"this was a database " * 100)
    store = Vectors(tmp_path / "v", 3, said.append)
    assert "is damaged" in said[0] and store.absent(["a"]) == ["a"]
    store.put(["a"], vectors_of(["a"]))
    assert store.get(["a"]).tolist() == [[1, 0.5, -1]]


def test_a_damaged_vector_is_made_again(network, tmp_path: Path):
    wanted = Scorer(network, Vectors(tmp_path / "v", network.units), 512).score(PLAIN)
    with sqlite3.connect(tmp_path / "v") as base:
        (vector,) = base.execute("SELECT vector FROM vectors LIMIT 1").fetchone()
        base.execute("UPDATE vectors SET vector = ? WHERE vector = ?", (b"\0" * len(vector), vector))
    network.encoded.clear()
    assert Scorer(network, Vectors(tmp_path / "v", network.units), 512).score(PLAIN) == pytest.approx(wanted, abs=2e-6)
    assert sum(network.encoded) == 21


def test_many_damaged_vectors_are_made_again_in_batches(tmp_path: Path):
    many = [Segment(f"s{number}", "m", "r") for number in range(1500)]
    Scorer(Small(), Vectors(tmp_path / "v", Small.units), 4096).score(many)
    with sqlite3.connect(tmp_path / "v") as base:
        base.execute("UPDATE vectors SET crc = crc + 1")
    assert Scorer(Small(), Vectors(tmp_path / "v", Small.units), 4096).score(many) == [0.0] * 1500


def test_without_room_anywhere_vectors_are_made_again(network):
    wanted = Scorer(network, Vectors(None, network.units), 512).score(PLAIN)
    store = Vectors(None, network.units)
    store._bases[0].execute("PRAGMA query_only = ON")
    assert Scorer(network, store, 512).score(PLAIN) == pytest.approx(wanted, abs=2e-6)


def test_a_lack_of_memory_in_the_estimator_halves_its_rows(network):
    class Short(Counting):
        def estimate(self, vectors):
            if len(vectors["mt"]) > 3:
                raise RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")
            return self._network.estimate(vectors)

    wanted = Scorer(network, Vectors(None, network.units), 512).score(PLAIN)
    short = Scorer(Short(network._network), Vectors(None, network.units), 512)
    assert short.score(PLAIN) == pytest.approx(wanted, abs=2e-6)


@pytest.mark.parametrize("what", ["embed", "estimate"])
def test_what_fails_on_a_device_is_named(network, what: str, monkeypatch: pytest.MonkeyPatch):
    def fail(_):
        raise RuntimeError("CUDA error: an illegal memory access was encountered\nmore")

    monkeypatch.setattr(network, what, fail, raising=False)
    with pytest.raises(ModelError, match=r"failed on device cpu \(CUDA error: an illegal memory access"):
        Scorer(network, Vectors(None, network.units), 512).score(PLAIN)


def test_a_cache_that_cannot_be_written_is_done_without(network, tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    said: list[str] = []
    store = Vectors(tmp_path / "file" / "v", network.units, said.append)
    assert len(Scorer(network, store, 512).score(PLAIN)) == 20
    assert "vectors are not kept" in said[0]


def test_a_full_disk_is_told_once_and_scoring_goes_on(tmp_path: Path):
    said: list[str] = []
    store = Vectors(tmp_path / "v", 3, said.append)
    store.put(["a"], vectors_of(["a"]))
    store._bases[0].execute("PRAGMA max_page_count = 1")
    many = [str(number) for number in range(5000)]
    for _ in range(2):
        store.put(many, vectors_of(many))
        assert store.absent(["a", *many]) == [] and store.get(["7", "a"]).shape == (2, 3)
    assert len(said) == 1 and "v cannot be used (database or disk is full); from here on vectors are not" in said[0]
    assert Vectors(tmp_path / "v", 3).get(["a"]).tolist() == [[1, 0.5, -1]]


def test_vectors_outlive_a_process_that_is_killed(tmp_path: Path):
    code = f"""
import numpy as np, os, signal
from bayling_bench.comet.vectors import Vectors
store = Vectors(__import__("pathlib").Path({str(tmp_path / "v")!r}), 3)
store.put(["a", "b"], np.ones((2, 3), dtype=np.float32))
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], env=os.environ, check=False)
    assert done.returncode == -signal.SIGKILL
    assert Vectors(tmp_path / "v", 3).get(["b"]).tolist() == [[1, 1, 1]]


def test_precisions_never_share_vectors_or_scores(make_checkpoint, cache: Path):
    full, half = (metric_of(make_checkpoint(), precision=precision) for precision in ("fp32", "bf16"))
    scores = full.score(PLAIN, "A")
    rounded = half.score(PLAIN, "A")
    assert rounded != scores and rounded == pytest.approx(scores, abs=0.1)
    files = sorted(path.name for path in (cache / "comet" / "vectors").glob("*.sqlite"))
    assert len(files) == 2 and "-bf16-" in files[0] + files[1] and "-fp32-" in files[0] + files[1]
    assert full.signature("A").replace("fp32", "bf16") == half.signature("A")
    assert full.score(PLAIN, "A") == scores and half.score(PLAIN, "A") == rounded


def test_scores_of_the_same_segments_are_read_from_the_cache(make_checkpoint, cache: Path):
    first = metric_of(make_checkpoint())
    scores = first.score(PLAIN, "A")
    again = metric_of(make_checkpoint())
    assert again.score(PLAIN, "A") == scores
    assert "_scorer" not in vars(again), "the network was not even loaded"
    (path,) = (cache / "comet" / "scores").glob("*.json")
    values = json.loads(path.read_text(encoding="utf-8"))
    assert (values["n"], values["signature"]) == (20, first.signature("A"))
    path.write_text(path.read_text(encoding="utf-8")[:200])
    assert metric_of(make_checkpoint()).score(PLAIN, "A") == pytest.approx(scores, abs=2e-6)
    assert kept.read(path).scores == tuple(scores)


def test_encoders_of_other_content_have_other_signatures(make_checkpoint, tmp_path: Path):
    other = tmp_path / "encoder"
    shutil.copytree(make_checkpoint() / "encoder", other)
    config = json.loads((other / "config.json").read_text(encoding="utf-8"))
    (other / "config.json").write_text(json.dumps({**config, "layer_norm_eps": 0.1}), encoding="utf-8")
    one, two = metric_of(make_checkpoint()), metric_of(make_checkpoint(), encoder=str(other))
    assert one.signature("A") != two.signature("A")
    assert one.score(PLAIN, "A") != two.score(PLAIN, "A")


def test_vectors_and_scores_of_other_libraries_are_not_used(make_checkpoint, cache: Path, monkeypatch):
    metric_of(make_checkpoint()).score(PLAIN, "A")
    monkeypatch.setattr("bayling_bench.comet.metric.version", lambda name: "99.9")
    metric_of(make_checkpoint()).score(PLAIN, "A")
    assert len(list((cache / "comet" / "vectors").glob("*.sqlite"))) == 2
    assert len(list((cache / "comet" / "scores").glob("*.json"))) == 2


def test_signatures_say_what_a_score_is(make_checkpoint):
    reads, blind = make_checkpoint(), make_checkpoint(kind="referenceless_regression_metric")
    digest, files = metric_of(reads).checkpoint.sha256[:12], metric_of(reads).encoder_digest[:12]
    assert metric_of(reads).signature("A") == (
        f"COMET|model:{reads.name}|sha:{digest}|precision:fp32|encoder:encoder@{files}|refs:A|version:1+{__version__}"
    )
    assert "|refs:none|" in metric_of(blind).signature("A")
    other = [segment._replace(ref="another") for segment in PLAIN]
    assert metric_of(blind).score(PLAIN, "A") == metric_of(blind).score(other, "A")
