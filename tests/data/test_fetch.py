"""Mirror folders, export and check, without any server."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from bayling_bench.data import catalogue, store
from bayling_bench.data.catalogue import File
from bayling_bench.data.fetch import check, export, fetch
from bayling_bench.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv(store.MIRROR_VARIABLE, raising=False)
    return tmp_path / "cache"


def put(folder: Path, path: str, content: bytes) -> File:
    file = File("ictnlp/BayLing", "0" * 40, path, len(content), hashlib.sha256(content).hexdigest())
    (folder / file.tail).parent.mkdir(parents=True, exist_ok=True)
    (folder / file.tail).write_bytes(content)
    return file


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_export_makes_a_mirror_that_fetch_and_reading_take(tmp_path, monkeypatch, cache):
    files = [put(cache, f"data/{i}.txt", b"%d" % i * 100) for i in range(5)]
    report = export(files, tmp_path / "stick")
    assert (report.downloaded, report.failed) == (5, {})
    assert tree(tmp_path / "stick") == {f.tail: (cache / f.tail).read_bytes() for f in files}
    assert export(files, tmp_path / "stick").present == 5

    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "elsewhere"))
    report = fetch(files, mirror=str(tmp_path / "stick"))
    assert (report.downloaded, report.bytes) == (5, 500)
    assert [store.read_bytes(f) for f in files] == [b"%d" % i * 100 for i in range(5)]

    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "nowhere"))
    store.set_mirror(str(tmp_path / "stick"))
    assert store.read_bytes(files[3]) == b"3" * 100


def test_export_mends_what_is_wrong_in_the_folder_and_names_what_is_missing(tmp_path, cache):
    good, bad, absent = (
        put(cache, "good.txt", b"good"),
        put(cache, "bad.txt", b"bad"),
        put(tmp_path, "absent.txt", b"x"),
    )
    put(tmp_path / "stick", "good.txt", b"gone off")
    (cache / bad.tail).write_bytes(b"BAD")
    report = export([good, bad, absent], tmp_path / "stick")
    assert report.downloaded == 1
    assert "not the file that the catalogue names" in report.failed[bad]
    assert "not on this machine" in report.failed[absent]
    assert tree(tmp_path / "stick") == {good.tail: b"good"}


def test_damaged_and_missing_files_of_a_mirror_folder_are_failures(tmp_path, cache):
    stick = tmp_path / "stick"
    good, bad, absent = (
        put(stick, "good.txt", b"good"),
        put(stick, "bad.txt", b"bad"),
        put(tmp_path, "absent.txt", b"x"),
    )
    (stick / bad.tail).write_bytes(b"BA")
    report = fetch([good, bad, absent], mirror=str(stick))
    assert report.downloaded == 1
    assert bad.sha256 in report.failed[bad] and "expected 3 bytes" in report.failed[bad]
    assert absent.tail in report.failed[absent]
    assert tree(cache).keys() - {"verified.json"} == {good.tail}


def test_mirror_in_force_is_what_fetch_takes(tmp_path, monkeypatch):
    file = put(tmp_path / "stick", "a.txt", b"a")
    monkeypatch.setenv(store.MIRROR_VARIABLE, str(tmp_path / "stick"))
    assert fetch([file]).downloaded == 1
    with pytest.raises(DataError, match="no such folder"):
        fetch([file], mirror=str(tmp_path / "lost"))


def test_check_hashes_again_whatever_was_seen_before(cache):
    good, bad, gone = (put(cache, name, b"abc") for name in ("good.txt", "bad.txt", "gone.txt"))
    long_ago = 1_600_000_000
    for file in (good, bad, gone):
        os.utime(cache / file.tail, (long_ago, long_ago))
        store.read_bytes(file)
    with (cache / bad.tail).open("r+b") as handle:  # a bit flips on the disk: size, inode and time stay
        handle.write(b"x")
    os.utime(cache / bad.tail, (long_ago, long_ago))
    (cache / gone.tail).unlink()
    assert store.read_bytes(bad) == b"xbc"  # what a cached verdict cannot see

    problems = check([good, bad, gone])
    assert [(p.file, p.kind) for p in problems] == [(bad, "corrupt"), (gone, "missing")]
    assert bad.sha256 in problems[0].detail
    with pytest.raises(DataError):
        store.read_bytes(bad)
    assert [p.file for p in check([good, bad], folder=cache / "empty")] == [good, bad]


def test_a_fault_of_our_own_in_a_thread_is_raised(tmp_path):
    class Broken:
        def on_bytes(self, n: int) -> None:
            raise ZeroDivisionError

        def on_file(self, file: File, status: str) -> None: ...

    file = put(tmp_path / "stick", "a.txt", b"a")
    with pytest.raises(ZeroDivisionError):
        fetch([file], mirror=str(tmp_path / "stick"), progress=Broken())


@pytest.mark.mirror
def test_real_subset_travels_whole(mirror, tmp_path):
    files = catalogue.match("ruixiangcui/AGIEval", "data/v1/gaokao-*", "5c77")
    assert fetch(files, mirror=str(mirror)).downloaded == 9
    assert check(files) == []
