"""No secret is ever written or shown: keys are planted wherever a user may give one, and every byte is searched."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from chat_server import ChatServer, Handler, completion, refuses, running, says
from judge_runs import make_run, words

from bayling_bench import cli, record, task_index
from bayling_bench.config import TaskOptions
from bayling_bench.data import store
from bayling_bench.judge import client as judge_client
from bayling_bench.models import chat_api
from bayling_bench.models.chat_reply import ATTEMPTS

pytestmark = pytest.mark.slow
PLANTED = {
    "environment": "sk-planted-in-the-environment",
    "hub": "hf_PlantedForTheHub1234567890",
    "file": "sk-planted-in-a-file",
    "user": "planted-user",
    "password": "planted/pass word",
    "query": "planted=query",
    "mirror": "planted-for-the-mirror",
}


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A server, and a folder of its own to work in, with keys planted in the environment and in a file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv(store.MIRROR_VARIABLE, "")
    (tmp_path / "key").write_text(PLANTED["file"] + "\n", encoding="utf-8")
    monkeypatch.setattr(chat_api, "BACKOFF_S", 0.001)
    with running(monkeypatch) as started:
        monkeypatch.setenv("OPENAI_API_KEY", PLANTED["environment"])
        monkeypatch.setenv("HF_TOKEN", PLANTED["hub"])
        yield started


def address(server: ChatServer) -> str:
    login = f"{quote(PLANTED['user'])}:{quote(PLANTED['password'], safe='')}"
    return f"http://{login}@{server.address}/v1?api_key={quote(PLANTED['query'])}"


def bayling_bench(monkeypatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["bayling-bench", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


def run(monkeypatch, *arguments: object) -> int:
    tasks = ("-t", "mini_translation_en_de,mini_conversation_en", "--limit", 3, "-o", "run")
    return bayling_bench(monkeypatch, "run", "-m", "openai:echo", *tasks, *arguments)


def forms() -> set[bytes]:
    """Return each planted secret as it is and as headers and addresses carry it."""
    login = f"{PLANTED['user']}:{PLANTED['password']}"
    plain = [*PLANTED.values(), login, base64.b64encode(login.encode()).decode()]
    return {form.encode() for value in plain for form in (value, quote(value, safe=""), quote(value))}


def leaks(folder: Path, printed: str) -> list[str]:
    """Return every place where a planted secret stands, but for the file that it was planted in."""
    places = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "key"}
    places |= {f"name of {path}": str(path).encode() for path in folder.rglob("*")}
    places["printed"] = printed.encode()
    return [f"{place}: {form.decode()}" for place, content in places.items() for form in forms() if form in content]


def tells_all(status: int):
    """Echo all that the request brought, as debugging proxies do."""

    def fault(handler: Handler) -> None:
        seen = f"{handler.path} {dict(handler.headers.items())}"
        (refuses(status, seen) if status >= 400 else says(completion(seen)))(handler)

    return fault


@pytest.mark.parametrize("status", [200, 400, 503])
@pytest.mark.parametrize("given", ["address", "file", "environment"])
def test_a_run_and_its_report_hold_no_secret(server, tmp_path, monkeypatch, capfd, given: str, status: int):
    server.always = tells_all(status)
    ways = {
        "address": ("--base-url", address(server)),
        "file": ("--base-url", server.url, "--api-key-file", "key"),
        "environment": (f"--base-url={server.url}",),
    }
    mirror = f"http://me:{PLANTED['mirror']}@{server.address}/mirror?token={PLANTED['mirror']}"
    run(monkeypatch, *ways[given], "--mirror", mirror, "--max-unscored", 1)
    assert bayling_bench(monkeypatch, "report", "run", "-o", "page.html") == 0
    printed = "".join(capfd.readouterr())
    sent = server.requests[0]
    assert PLANTED.get(given, quote(PLANTED["query"])) in f"{sent.headers['Authorization']} {sent.path}"
    assert (tmp_path / "page.html").is_file() and (tmp_path / "run" / "report.html").is_file() and "report:" in printed
    journals = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "run" / "responses").iterdir())
    assert "***" in journals
    assert leaks(tmp_path, printed) == []


@pytest.mark.parametrize("status", [200, 400, 503])
@pytest.mark.parametrize("given", ["address", "file", "environment"])
def test_a_judging_holds_no_secret(server, tmp_path, monkeypatch, capfd, given: str, status: int):
    monkeypatch.setattr(judge_client, "BACKOFF_S", 0.001)
    monkeypatch.setenv("BAYLING_BENCH_CALIBRATIONS", str(tmp_path / "calibrations"))
    server.always = tells_all(status)
    for name in ("one", "two"):
        make_run(tmp_path / name, name, words(name, 5))
    ways = {
        "address": ("--base-url", address(server)),
        "file": ("--base-url", server.url, "--api-key-file", "key"),
        "environment": (f"--base-url={server.url}",),
    }
    judge = ("judge", "one", "--against", "two", "-j", "openai:echo", "--limit", 2, "--retries", 500, *ways[given])
    assert bayling_bench(monkeypatch, *judge, "--dry-run") == 0
    assert bayling_bench(monkeypatch, *judge) == 2
    assert bayling_bench(monkeypatch, "judge", "one", "--reparse") == 0
    printed = "".join(capfd.readouterr())
    sent = server.requests[0]
    assert PLANTED.get(given, quote(PLANTED["query"])) in f"{sent.headers['Authorization']} {sent.path}"
    kept = "".join(path.read_text("utf-8") for path in (tmp_path / "one" / "judgements").rglob("*.json*"))
    assert "***" in kept and list((tmp_path / "one" / "judgements").glob("*.json"))
    assert leaks(tmp_path, printed) == []


def test_the_command_stands_in_the_record_and_runs_again_once_the_secrets_are_put_in(server, monkeypatch):
    assert run(monkeypatch, "--base-url", address(server)) == 0
    found = record.load("run")
    assert f"--base-url 'http://***@{server.address}/v1?***'" in found.settings["command"]
    assert found.settings["model"]["base_url"] == server.url
    assert found.settings["config"]["model_options"]["base_url"] == server.url


def test_what_fails_before_a_run_shows_no_secret(server, tmp_path, monkeypatch, capfd):
    server.always = tells_all(401)
    assert run(monkeypatch, "--base-url", address(server)) == 2
    assert run(monkeypatch, "--base-url", server.url, "--api-key-file", "key") == 2
    assert run(monkeypatch, "--base-url", address(server).replace("%2F", "/")) == 2
    assert run(monkeypatch, "--base-url", address(server).replace("http:", "ftp:")) == 2
    server.server_close()
    assert run(monkeypatch, "--base-url", address(server)) == 2
    mirror = f"http://me:{PLANTED['mirror']}@{server.address}/mirror?token={PLANTED['mirror']}"
    assert bayling_bench(monkeypatch, "fetch", "gaokao_physics", "--mirror", mirror) == 2
    assert bayling_bench(monkeypatch, "run", "-m", "published:gpt-4", "-t", "wmt22_zh_en", "--mirror", mirror) == 2
    assert bayling_bench(monkeypatch, "tasks", "gaokao_physics", "--mirror", mirror) == 0
    printed = "".join(capfd.readouterr())
    assert printed.count("error: ") == 7
    assert leaks(tmp_path, printed) == []


def test_a_resumed_run_is_told_the_secrets_again(server, tmp_path, monkeypatch, capfd):
    first = task_index.all_tasks()["mini_translation_en_de"].documents(TaskOptions())[0]["source"]
    server.faults = {first: [refuses(503)] * ATTEMPTS}
    assert run(monkeypatch, "--base-url", address(server)) == 2  # one of six items is unscored
    server.faults = {}
    server.requests.clear()
    assert bayling_bench(monkeypatch, "run", "--resume", "run", "--base-url", address(server)) == 0
    assert len(server.requests) == 1
    assert all(request.headers["Authorization"].startswith("Basic ") for request in server.requests)
    assert all(request.path.endswith(f"?api_key={quote(PLANTED['query'])}") for request in server.requests)
    assert leaks(tmp_path, "".join(capfd.readouterr())) == []


def test_a_run_resumed_without_an_address_asks_the_recorded_one(server, tmp_path, monkeypatch):
    assert run(monkeypatch, "--base-url", address(server)) == 0
    for path in (tmp_path / "run" / "responses").iterdir():
        path.unlink()
    (tmp_path / "run" / "done").unlink()
    server.requests.clear()
    assert bayling_bench(monkeypatch, "run", "--resume", "run", "--api-key-file", "key") == 0
    assert len(server.requests) == 3 + 2 * 3
    assert {request.headers["Authorization"] for request in server.requests} == {f"Bearer {PLANTED['file']}"}
    assert {request.path for request in server.requests} == {"/v1/chat/completions"}
