"""Fetching from a real HTTP server on loopback that breaks in the ways that servers break."""

from __future__ import annotations

import base64
import errno
import hashlib
import http.server
import itertools
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from email.utils import formatdate
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from bayling_bench.data import catalogue, download, store
from bayling_bench.data.catalogue import File
from bayling_bench.data.fetch import fetch
from bayling_bench.data.part import Busy, Part, claimed
from bayling_bench.errors import DataError

CONTENT = bytes(range(256)) * 2000  # half a megabyte: several chunks


class Upstream(http.server.ThreadingHTTPServer):
    """Serves ``bodies`` by tail, with ranges; ``faults[tail]`` are handled first, one a request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: dict[str, bytes] = {}
        self.faults = defaultdict(list)
        self.requests: list[tuple[str, str | None]] = []
        self.logins: list[str | None] = []
        self.lock = threading.Lock()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/base"

    def add(self, path: str, content: bytes = CONTENT) -> File:
        file = File("ictnlp/BayLing", "0" * 40, path, len(content), hashlib.sha256(content).hexdigest())
        self.bodies[file.tail] = content
        return file

    def ranges(self) -> list[str | None]:
        return [asked for _, asked in self.requests]

    def handle_error(self, request, client_address) -> None:  # a client that hangs up is no news
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def do_GET(self) -> None:
        tail = unquote(urlsplit(self.path).path).removeprefix("/base/")
        with self.server.lock:
            self.server.requests.append((tail, self.headers.get("Range")))
            self.server.logins.append(self.headers.get("Authorization"))
            faults = self.server.faults[tail]
            fault = faults.pop(0) if faults else None
        if tail not in self.server.bodies:
            return self.answer(404)
        body = self.server.bodies[tail]
        return fault(self, body) if fault else self.serve(body)

    def serve(self, body: bytes) -> None:
        asked = self.headers.get("Range")
        if asked is None:
            return self.answer(200, body)
        begin = int(asked.removeprefix("bytes=").removesuffix("-"))
        return self.answer(206, body[begin:], {"Content-Range": f"bytes {begin}-{len(body) - 1}/{len(body)}"})

    def answer(self, status: int, body: bytes = b"", headers: dict | None = None, announced: int | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if announced is None else announced))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_) -> None:
        pass


def drop_after(n: int):
    def fault(handler: Handler, body: bytes) -> None:
        handler.answer(200, body[:n], announced=len(body))
        handler.close_connection = True

    return fault


def status(code: int, **headers: str):
    return lambda handler, _: handler.answer(code, b"busy", {k.replace("_", "-"): v for k, v in headers.items()})


def whole(handler: Handler, body: bytes) -> None:
    handler.answer(200, body)


def corrupt(handler: Handler, body: bytes) -> None:
    handler.answer(200, body[:-1] + b"?")


def unannounced(handler: Handler, body: bytes) -> None:
    """Send too much, with no word of the length: the end of the connection is the end."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(body + b"more")


def trickle(handler: Handler, body: bytes) -> None:
    """Send a little, then nothing for longer than any test lasts."""
    handler.answer(200, body[:1000], announced=len(body))
    time.sleep(60)


def hang_up(handler: Handler, _: bytes) -> None:
    handler.close_connection = True


@pytest.fixture
def upstream():
    server = Upstream()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv(store.MIRROR_VARIABLE, raising=False)
    monkeypatch.setattr(download, "BACKOFF_S", 0.01)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


class Heard:
    """A progress that adds up, and notices when two threads speak at once."""

    def __init__(self) -> None:
        self.bytes = 0
        self.statuses: dict[str, str] = {}
        self._turn = threading.Lock()

    def on_bytes(self, n: int) -> None:
        assert self._turn.acquire(blocking=False)
        self.bytes += n
        self._turn.release()

    def on_file(self, file: File, status: str) -> None:
        assert file.path not in self.statuses
        self.statuses[file.path] = status


def left_in(cache: Path) -> list[str]:
    return sorted(p.name for p in cache.rglob("*") if p.is_file() and p.name != "verified.json")


def test_files_arrive_verified_and_a_second_fetch_asks_for_nothing(upstream, cache):
    files = [upstream.add(f"data/DA+SQM/a b%20{i}.txt", CONTENT[i:]) for i in range(20)]
    heard = Heard()
    report = fetch(files, mirror=upstream.base, progress=heard)
    assert (report.downloaded, report.present, report.failed) == (20, 0, {})
    assert report.bytes == heard.bytes == sum(f.bytes for f in files)
    assert all(store.read_bytes(f) == upstream.bodies[f.tail] for f in files)
    asked = len(upstream.requests)
    again = Heard()
    report = fetch([*files, files[0]], mirror=upstream.base + "/", progress=again)
    assert (report.downloaded, report.present, report.bytes) == (0, 20, 0)
    assert again.bytes == sum(f.bytes for f in files) and set(again.statuses.values()) == {"present"}
    assert len(upstream.requests) == asked == 20


def test_dropped_connection_is_resumed_by_range(upstream, cache):
    file = upstream.add("a.txt")
    upstream.faults[file.tail] = [drop_after(300_000)]
    heard = Heard()
    report = fetch([file], mirror=upstream.base, progress=heard)
    assert report.downloaded == 1
    assert upstream.ranges() == [None, "bytes=300000-"]
    assert heard.bytes == file.bytes
    assert left_in(cache) == ["a.txt"]


def test_server_that_falls_silent_is_left_and_resumed(upstream, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT_S", 0.2)
    file = upstream.add("a.txt")
    upstream.faults[file.tail] = [trickle]
    assert fetch([file], mirror=upstream.base).downloaded == 1
    assert upstream.ranges() == [None, "bytes=1000-"]


def test_proxy_of_the_environment_is_used(upstream, monkeypatch):
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("http_proxy", upstream.base.removesuffix("/base"))
    file = upstream.add("a.txt")
    assert fetch([file], mirror="http://mirror.invalid/base").downloaded == 1


def test_part_of_a_failed_fetch_is_resumed_by_the_next(upstream, cache):
    file = upstream.add("a.txt")
    upstream.faults[file.tail] = [drop_after(100_000), hang_up, hang_up]
    report = fetch([file], mirror=upstream.base, retries=2)
    assert "could not be fetched" in report.failed[file]
    assert left_in(cache) == ["a.txt.part"]
    assert fetch([file], mirror=upstream.base).downloaded == 1
    assert upstream.ranges()[-1] == "bytes=100000-"
    assert left_in(cache) == ["a.txt"]


def test_server_without_ranges_sends_all_again(upstream, cache):
    file = upstream.add("a.txt")
    upstream.faults[file.tail] = [drop_after(100_000), whole]
    heard = Heard()
    assert fetch([file], mirror=upstream.base, progress=heard).downloaded == 1
    assert store.read_bytes(file) == CONTENT
    assert heard.bytes == file.bytes


@pytest.mark.parametrize("left", [b"?" * 1000, CONTENT[:-1] + b"?", CONTENT + b"?"], ids=["begin", "end", "beyond"])
def test_wrong_part_costs_one_restart_and_is_never_used(upstream, cache, left):
    file = upstream.add("a.txt")
    part = cache / f"{file.tail}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(left)
    heard = Heard()
    assert fetch([file], mirror=upstream.base, progress=heard).downloaded == 1
    assert store.read_bytes(file) == CONTENT
    assert upstream.ranges()[-1] is None
    assert heard.bytes == file.bytes
    assert left_in(cache) == ["a.txt"]


def test_whole_part_needs_no_request(upstream, cache):
    file = upstream.add("a.txt")
    part = cache / f"{file.tail}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)
    assert fetch([file], mirror=upstream.base).downloaded == 1
    assert upstream.requests == []


@pytest.mark.parametrize(
    "headers", [{"Content-Range": "bytes 5-9/10"}, {"Content-Range": "nonsense"}, {}], ids=["elsewhere", "junk", "none"]
)
def test_answer_to_another_range_is_dropped(upstream, headers):
    file = upstream.add("a.txt")
    upstream.faults[file.tail] = [drop_after(100), lambda handler, body: handler.answer(206, body[5:10], headers)]
    assert fetch([file], mirror=upstream.base).downloaded == 1
    assert store.read_bytes(file) == CONTENT


def test_range_that_the_server_refuses_starts_anew(upstream):
    file = upstream.add("a.txt")
    upstream.faults[file.tail] = [drop_after(100), status(416)]
    assert fetch([file], mirror=upstream.base).downloaded == 1
    assert upstream.ranges() == [None, "bytes=100-", None]


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_passing_trouble_is_retried(upstream, code):
    file = upstream.add("a.txt")
    upstream.faults[file.tail] = [status(code), hang_up, status(code)]
    assert fetch([file], mirror=upstream.base).downloaded == 1
    assert len(upstream.requests) == 4


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured(upstream, form):
    file = upstream.add("a.txt")
    wait = "1" if form == "seconds" else formatdate(time.time() + 2, usegmt=True)  # dates have whole seconds
    upstream.faults[file.tail] = [status(503, Retry_After=wait)]
    begun = time.monotonic()
    assert fetch([file], mirror=upstream.base).downloaded == 1
    assert 0.9 < time.monotonic() - begun < 3


def test_wait_longer_than_anyone_waits_is_told(upstream):
    file = upstream.add("a.txt")
    upstream.faults[file.tail] = [status(429, Retry_After="3600")]
    assert "come back in 3600 seconds" in fetch([file], mirror=upstream.base).failed[file]


def test_missing_and_forbidden_are_named_and_not_retried(upstream, cache):
    there, gone, secret = (upstream.add(f"{name}.txt") for name in ("there", "gone", "secret"))
    del upstream.bodies[gone.tail]
    upstream.faults[secret.tail] = [status(403)]
    heard = Heard()
    report = fetch([there, gone, secret], mirror=upstream.base, progress=heard)
    assert report.downloaded == 1
    assert gone.tail in report.failed[gone] and "404" in report.failed[gone]
    assert "refuses" in report.failed[secret] and "403" in report.failed[secret]
    assert len(upstream.requests) == 3
    assert heard.statuses == {"there.txt": "fetched", "gone.txt": "failed", "secret.txt": "failed"}
    assert left_in(cache) == ["there.txt"]


@pytest.mark.parametrize(
    "fault",
    [
        corrupt,
        lambda handler, _: handler.answer(200, b"<html>log in first</html>"),
        lambda handler, body: handler.answer(200, body + b"more"),
        unannounced,
    ],
    ids=["corrupt", "captive portal", "longer", "longer and unannounced"],
)
def test_foreign_content_is_refused_and_nothing_stays(upstream, cache, fault):
    file = upstream.add("a.txt")
    upstream.faults[file.tail] = [fault]
    report = fetch([file], mirror=upstream.base)
    assert "has another file as" in report.failed[file]
    assert len(upstream.requests) == 1
    assert left_in(cache) == []


def test_corrupt_file_in_the_cache_is_mended(upstream, cache):
    file = upstream.add("a.txt")
    fetch([file], mirror=upstream.base)
    (cache / file.tail).write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(DataError, match="bayling-bench fetch"):
        store.read_bytes(file)
    assert fetch([file], mirror=upstream.base).downloaded == 1
    assert store.read_bytes(file) == CONTENT


def test_without_a_server_it_fails_at_once_and_once(monkeypatch, cache):
    monkeypatch.setattr(download, "BACKOFF_S", 0.1)
    files = [File("ictnlp/BayLing", "0" * 40, f"{i}.txt", 1, "0" * 64) for i in range(669)]
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as closed:
        port = closed.server_address[1]
    begun = time.monotonic()
    with pytest.raises(DataError) as caught:
        fetch(files, mirror=f"http://user:secret@127.0.0.1:{port}/x")
    assert time.monotonic() - begun < 2
    message = str(caught.value)
    assert "cannot be reached" in message and "--export" in message and "--mirror" in message
    assert message.count("cannot be reached") == 1 and "secret" not in message
    assert left_in(cache) == []


def test_network_that_dies_midway_ends_the_fetch(upstream, cache):
    first, *rest = (upstream.add(f"{i}.txt") for i in range(50))
    assert fetch([first], mirror=upstream.base).downloaded == 1
    for file in rest:
        upstream.faults[file.tail] = [hang_up] * 9
    with pytest.raises(DataError, match="cannot be reached"):
        fetch([first, *rest], mirror=upstream.base, jobs=4, retries=3)
    assert len(upstream.requests) < 50


def test_credentials_are_sent_decoded_and_never_to_a_redirects_target(upstream):
    here, there = upstream.add("here.txt"), upstream.add("there.txt")
    target = f"{upstream.base.replace('127.0.0.1', 'localhost')}/{there.tail}"
    upstream.faults[here.tail] = [lambda handler, _: handler.answer(302, b"", {"Location": target})]
    mirror = upstream.base.replace("//", "//us%40er:pa%2Fss@") + "?sig=1"
    assert fetch([here], mirror=mirror).downloaded == 1
    login = base64.b64encode(b"us@er:pa/ss").decode()
    assert upstream.logins == [f"Basic {login}", None]


def test_credentials_that_break_the_url_are_not_quoted_back():
    with pytest.raises(DataError, match="percent-encoded") as caught:
        fetch([], mirror="http://user:pa/ss@example.org/data")
    assert "pa" not in str(caught.value).replace("password", "").replace("percent", "")


def test_default_source_is_github_at_the_pinned_commit():
    server = download.Server(None, 0, threading.Event())
    asked = []
    server._opener.open = lambda request, timeout: asked.append(request.full_url)
    file = catalogue.find("wmt-conference/wmt22-news-systems", "humaneval/DA+SQM/scores/header.SegLvl.csv")
    server.open(file, 0)
    assert asked == [file.url]


FETCH = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs inherit a deaf ear
from bayling_bench.data import download, fetch
from bayling_bench.data.catalogue import File
files = [File(*entry) for entry in {entries!r}]
try:
    report = fetch.fetch(files, mirror={mirror!r})
    print(report.downloaded, report.present, report.failed)
except KeyboardInterrupt:
    print("interrupted")
"""


def start(files: list[File], mirror: str, before: str = "") -> subprocess.Popen:
    entries = [(f.repo, f.commit, f.path, f.bytes, f.sha256) for f in files]
    code = before + FETCH.format(entries=entries, mirror=mirror)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_interrupt_is_prompt_and_what_came_is_resumed(upstream, cache, sign):
    files = [upstream.add(f"{i}.txt") for i in range(8)]
    for file in files:
        upstream.faults[file.tail] = [trickle]
    process = start(files, upstream.base)
    deadline = time.monotonic() + 10
    while len([p for p in cache.rglob("*.part") if p.stat().st_size == 1000]) < 8:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    begun = time.monotonic()
    process.send_signal(sign)
    out, _ = process.communicate(timeout=10)
    assert time.monotonic() - begun < 4
    assert out == ("interrupted\n" if sign == signal.SIGINT else "")
    assert left_in(cache) == [f"{i}.txt.part" for i in range(8)]
    assert fetch(files, mirror=upstream.base).downloaded == 8
    assert upstream.ranges()[8:] == ["bytes=1000-"] * 8


def test_two_processes_at_once_share_the_work_and_corrupt_nothing(upstream, cache):
    files = [upstream.add(f"{i}.txt", CONTENT[i:]) for i in range(40)]
    arrivals = itertools.count()
    both = threading.Barrier(9)  # one process has 8 threads: with 9 requests under way, both are at work

    def together(handler: Handler, body: bytes) -> None:
        if next(arrivals) < 9:
            both.wait(timeout=20)
        handler.serve(body)

    for file in files:
        upstream.faults[file.tail] = [together]
    results = [process.communicate(timeout=20) for process in [start(files, upstream.base) for _ in range(2)]]
    counts = [tuple(int(n) for n in out.split()[:2]) for out, _ in results]
    assert all(downloaded > 0 and downloaded + present == 40 for downloaded, present in counts), results
    assert sum(downloaded for downloaded, _ in counts) == 40  # nothing came twice
    assert all(store.read_bytes(f) == upstream.bodies[f.tail] for f in files)
    assert left_in(cache) == sorted(f.path for f in files)


def test_file_that_another_process_brought_meanwhile_is_taken(upstream, cache):
    file = upstream.add("a.txt")
    target = cache / file.tail
    target.parent.mkdir(parents=True)
    part = target.with_name("a.txt.part")
    part.write_bytes(CONTENT[:1000])

    class Meanwhile(Heard):
        def on_bytes(self, n: int) -> None:
            super().on_bytes(n)
            target.write_bytes(CONTENT)  # between the first look and the claim

    heard = Meanwhile()
    assert fetch([file], mirror=upstream.base, progress=heard).present == 1
    assert heard.bytes == file.bytes and upstream.requests == []
    assert left_in(cache) == ["a.txt"]


def test_part_that_was_settled_or_removed_while_it_was_opened_is_not_ours(upstream, tmp_path):
    file = upstream.add("a.txt")
    opened = Part(file, tmp_path / "a.txt.part", lambda n: None)
    opened.path.rename(tmp_path / "a.txt")
    with pytest.raises(Busy):
        opened.lock()
    opened.path.write_bytes(b"of a third process")
    with pytest.raises(Busy):
        opened.lock()
    opened.close()


def test_download_stops_between_chunks_and_keeps_the_part(upstream, cache):
    file = upstream.add("a.txt")
    stop = threading.Event()
    server = download.Server(upstream.base, 5, stop)
    with pytest.raises(download.Stopped), claimed(file, cache, lambda n: stop.set() if n else None) as part:
        download.download(server, part)
    left = (cache / f"{file.tail}.part").read_bytes()
    assert 0 < len(left) <= download.CHUNK and CONTENT.startswith(left)


def test_where_files_cannot_be_locked_parts_are_private(upstream, cache, monkeypatch):
    """As on Lustre without its flock option, where flock answers ENOSYS."""

    def no_locks(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("bayling_bench.data.part.fcntl.flock", no_locks)
    good, bad = upstream.add("good.txt"), upstream.add("bad.txt")
    upstream.faults[bad.tail] = [drop_after(1000), hang_up]
    report = fetch([good, bad], mirror=upstream.base, retries=1)
    assert report.downloaded == 1 and bad in report.failed
    assert left_in(cache) == ["good.txt"]


def test_full_disk_ends_the_fetch_and_leaves_nothing_half_written(upstream, cache):
    """/dev/full answers every write with ENOSPC."""
    file = upstream.add("a.txt")
    part = cache / f"{file.tail}.part"
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")
    with pytest.raises(DataError, match="the disk is full") as caught:
        fetch([file], mirror=upstream.base)
    assert isinstance(caught.value.__cause__, OSError) and caught.value.__cause__.errno == errno.ENOSPC
    assert str(part) in str(caught.value) and store.CACHE_VARIABLE in str(caught.value)
    assert left_in(cache) == []
    assert fetch([file], mirror=upstream.base).downloaded == 1


def test_limit_on_file_sizes_is_a_full_disk_too(upstream, cache):
    file = upstream.add("a.txt")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))\n"
    _, errors = start([file], upstream.base, before=limit).communicate(timeout=20)
    assert "DiskError" in errors and "the disk is full, or a limit on file sizes is reached" in errors
    assert left_in(cache) == []


def test_cache_that_cannot_be_written_is_named(upstream, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder can be made here")
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    with pytest.raises(DataError, match=r"file/cache/.* cannot be written: Not a directory"):
        fetch([upstream.add("a.txt")], mirror=upstream.base)
