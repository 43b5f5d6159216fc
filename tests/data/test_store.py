"""Reading from cache and mirror: order, verification at every read, the verdict cache, lines as they are."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bayling_bench.data import catalogue, store, verdicts
from bayling_bench.data.catalogue import File
from bayling_bench.errors import DataError

LONG_AGO = 1_600_000_000


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv(store.MIRROR_VARIABLE, raising=False)
    return tmp_path / "cache"


def pinned(path: str, content: bytes) -> File:
    return File("ictnlp/BayLing", "0" * 40, path, len(content), hashlib.sha256(content).hexdigest())


def put(folder: Path, file: File, content: bytes, mtime: float = LONG_AGO) -> Path:
    path = folder / file.tail
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (mtime, mtime))
    return path


def test_cache_comes_before_mirror_and_mirror_is_read_in_place(own_cache, tmp_path, monkeypatch):
    file = pinned("a.txt", b"right")
    monkeypatch.setenv(store.MIRROR_VARIABLE, str(tmp_path / "mirror"))
    put(tmp_path / "mirror", file, b"right")
    assert store.is_present(file)
    assert store.read_bytes(file) == b"right"
    assert not (own_cache / file.tail).exists()
    put(own_cache, file, b"wrong")
    with pytest.raises(DataError, match="cache"):
        store.read_bytes(file)


@pytest.mark.parametrize("place", ["cache", "mirror"])
@pytest.mark.parametrize("found", [b"rihgt words", b"right wor", b"right words and more", b""])
def test_damaged_truncated_foreign_and_empty_files_are_refused(place, found, tmp_path, monkeypatch):
    file = pinned("a.txt", b"right words")
    monkeypatch.setenv(store.MIRROR_VARIABLE, str(tmp_path / "mirror"))
    path = put(tmp_path / place, file, found)
    with pytest.raises(DataError) as caught:
        store.read_bytes(file)
    message = str(caught.value)
    assert str(path) in message
    assert file.sha256 in message and hashlib.sha256(found).hexdigest() in message
    assert "expected 11 bytes" in message and f"found    {len(found)} bytes" in message
    assert "bayling-bench fetch" in message
    assert ("mirror is damaged" in message) == (place == "mirror")


def test_absent_file_names_itself_and_both_ways_out(monkeypatch):
    file = pinned("data/a.txt", b"x")
    with pytest.raises(DataError) as caught:
        store.read_bytes(file)
    message = str(caught.value)
    assert file.tail in message and "not on this machine" in message
    assert "bayling-bench fetch`" in message and "--mirror DIR" in message and store.MIRROR_VARIABLE in message
    monkeypatch.setenv(store.MIRROR_VARIABLE, "https://user:secret@example.org/data")
    with pytest.raises(DataError, match=r"\*\*\*@example.org/data is a URL") as caught:
        store.read_bytes(file)
    assert "secret" not in str(caught.value)
    assert not store.is_present(file)


def test_verdict_is_kept_and_a_changed_file_is_hashed_again(own_cache, monkeypatch):
    file = pinned("a.txt", b"right")
    path = put(own_cache, file, b"right")
    hashed = []
    real = hashlib.sha256
    monkeypatch.setattr(store.hashlib, "sha256", lambda content: hashed.append(len(content)) or real(content))
    for _ in range(3):
        assert store.read_bytes(file) == b"right"
    assert hashed == [5]
    put(own_cache, file, b"wrong", mtime=LONG_AGO + 1)  # the same size and inode, another time
    with pytest.raises(DataError):
        store.read_bytes(file)
    put(own_cache, file, b"right", mtime=LONG_AGO + 2)
    assert store.read_bytes(file) == b"right"
    path.unlink()
    put(own_cache, file, b"wrong!", mtime=LONG_AGO + 2)
    with pytest.raises(DataError):
        store.read_bytes(file)


def test_verdict_of_one_process_serves_the_next_but_not_another_hash(own_cache):
    file = pinned("a.txt", b"right")
    path = put(own_cache, file, b"right")
    reader = (
        "import hashlib, sys; from bayling_bench.data import store; from bayling_bench.data.catalogue import File\n"
        f"store.read_bytes({file!r})\n"
    )
    subprocess.run([sys.executable, "-c", reader], check=True)
    stat = path.stat()
    assert json.loads((own_cache / "verified.json").read_text()) == {
        str(path): [stat.st_size, stat.st_mtime_ns, stat.st_ino, file.sha256]
    }
    subprocess.run([sys.executable, "-c", reader.replace("store.read", "store.hashlib = None; store.read")], check=True)
    with pytest.raises(DataError):  # the same path under a later catalogue
        store.read_bytes(pinned("a.txt", b"newer"))


def test_a_file_changed_within_the_clocks_tick_is_not_trusted(own_cache):
    """Two writes in one tick leave the same size, inode and time (git calls such entries racy)."""
    file = pinned("a.txt", b"right")
    path = put(own_cache, file, b"right")
    os.utime(path)
    stat = path.stat()
    assert store.read_bytes(file) == b"right"
    path.write_bytes(b"wrong")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(DataError):
        store.read_bytes(file)


def test_processes_that_save_verdicts_keep_each_others(tmp_path, own_cache):
    own_cache.mkdir()
    first, second = (verdicts.Verdicts(own_cache / "verified.json") for _ in range(2))
    for book, name in ((first, "a.txt"), (second, "b.txt")):
        path = put(tmp_path, pinned(name, b"x"), b"x")
        book.record(path, path.stat(), name)
        book.save()
    assert sorted(entry[-1] for entry in json.loads((own_cache / "verified.json").read_text()).values()) == [
        "a.txt",
        "b.txt",
    ]


@pytest.mark.parametrize("litter", [b"", b"{", b"[1]", b"\xff", b'{"a": 3}'])
def test_broken_verdict_file_costs_a_hash_and_no_more(own_cache, litter):
    own_cache.mkdir()
    (own_cache / "verified.json").write_bytes(litter)
    file = pinned("a.txt", b"right")
    put(own_cache, file, b"right")
    assert store.read_bytes(file) == b"right"
    verdicts.verdicts_in(own_cache).save()
    assert str(own_cache / file.tail) in json.loads((own_cache / "verified.json").read_text())


def test_unwritable_cache_is_harmless_to_reading_from_a_mirror(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("no folder can be made here")
    monkeypatch.setenv(store.CACHE_VARIABLE, str(blocked / "cache"))
    monkeypatch.setenv(store.MIRROR_VARIABLE, str(tmp_path / "mirror"))
    file = pinned("a.txt", b"right")
    put(tmp_path / "mirror", file, b"right")
    assert store.read_bytes(file) == b"right"
    verdicts.verdicts_in(blocked / "cache").save()
    assert store.read_bytes(file) == b"right"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("\n", [""]),
        ("a\nb", ["a", "b"]),
        ("a\nb\n", ["a", "b"]),
        ("a\n\nb\n\n", ["a", "", "b", ""]),
        ("a\u2028b\x85c\x0bd\x1ce\n", ["a\u2028b\x85c\x0bd\x1ce"]),
        ("a\r\nb\r\n", ["a\r", "b\r"]),
        ("\ufeffa\n", ["\ufeffa"]),
    ],
)
def test_lines_end_at_newlines_only(own_cache, text, lines):
    file = pinned("a.txt", text.encode())
    put(own_cache, file, text.encode())
    assert store.read_lines(file) == lines


def test_text_that_is_no_utf8_and_lines_that_are_no_json_are_named(own_cache):
    latin = pinned("latin.txt", "é".encode("latin-1"))
    put(own_cache, latin, "é".encode("latin-1"))
    with pytest.raises(DataError, match=r"latin\.txt is not UTF-8"):
        store.read_text(latin)
    records = b'{"a": 1}\n{"a": '
    file = pinned("a.jsonl", records)
    put(own_cache, file, records)
    with pytest.raises(DataError, match=r"a\.jsonl, line 2 is not JSON"):
        store.read_jsonl(file)
    good = pinned("b.jsonl", b'{"a": 1}\n[2]')
    put(own_cache, good, b'{"a": 1}\n[2]')
    assert store.read_jsonl(good) == [{"a": 1}, [2]]


def test_set_mirror_reaches_child_processes_and_refuses_wrong_folders(tmp_path, monkeypatch):
    monkeypatch.setenv(store.MIRROR_VARIABLE, "")
    store.set_mirror(None)
    assert store.mirror() is None
    with pytest.raises(DataError, match="no such folder"):
        store.set_mirror(str(tmp_path / "missing"))
    with pytest.raises(DataError, match="holds none of ictnlp/BayLing, ruixiangcui/AGIEval"):
        store.set_mirror(str(tmp_path))
    with pytest.raises(DataError, match="http:// or https://"):
        store.set_mirror("ftp://example.org/data")
    (tmp_path / "ictnlp" / "BayLing").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    store.set_mirror(".")
    assert os.environ[store.MIRROR_VARIABLE] == str(tmp_path)
    store.set_mirror(None)
    assert store.mirror() == str(tmp_path)
    store.set_mirror("https://example.org/data")
    assert store.mirror() == "https://example.org/data"


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("/data/mirror@home", "/data/mirror@home"),
        ("https://example.org/data", "https://example.org/data"),
        ("https://user:pass@example.org:8443/data", "https://***@example.org:8443/data"),
        ("https://user:p/a?s@s@example.org/data", "https://***@example.org/data"),
        ("https://example.org/data?token=pass", "https://example.org/data?***"),
        ("https://user:pass@example.org/data?token=pass", "https://***@example.org/data?***"),
    ],
)
def test_redact_hides_credentials(place, shown):
    assert store.redact(place) == shown
    assert "pass" not in store.redact(place)


@pytest.mark.mirror
def test_real_lines_match_the_paper(mirror, monkeypatch):
    """Items of WMT22 zh-en (1875) and de-en (1984), as the paper counts them; 80 questions without a last newline."""
    monkeypatch.setenv(store.MIRROR_VARIABLE, str(mirror))
    wmt22 = "wmt-conference/wmt22-news-systems"
    for pair, items in (("zh-en", 1875), ("de-en", 1984)):
        source, target = pair.split("-")
        for path in (
            f"sources/generaltest2022.{pair}.src.{source}",
            f"references/generaltest2022.{pair}.ref.A.{target}",
        ):
            assert len(store.read_lines(catalogue.find(wmt22, f"txt/{path}"))) == items
    questions = catalogue.find("ictnlp/BayLing", "data/BayLing-80/BayLing-80.multiturn.en.jsonl")
    assert len(store.read_jsonl(questions)) == 80
