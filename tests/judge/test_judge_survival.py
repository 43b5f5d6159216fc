"""A judging goes through a server that fails in every way, and through SIGKILL, to the same result as an easy one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from chat_server import ChatServer, running
from conftest import cli_environment, heed_ctrl_c, read_lines
from judge_runs import TASK, make_run, words
from judge_server import Hostile, by_length, judged_by, request_key

pytestmark = pytest.mark.slow
TASKS = (TASK, "mini_conversation_zh")
WANTED = 24 * 2 * 2  # questions, orders, samples


@pytest.fixture
def server(monkeypatch):
    with running(monkeypatch) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_run(tmp_path / "one", "one", lambda place, turn: words("one", place)(place, turn), TASKS)
    make_run(tmp_path / "two", "two", words("two", 6), TASKS)
    return tmp_path


def start(folder: Path, server: ChatServer, output: str, *more: object) -> subprocess.Popen:
    command = [sys.executable, "-m", "bayling_bench.cli", "judge", "one", "--against", "two", "-j", "openai:gpt-4"]
    command += ["--base-url", server.url, "-o", output, "--timeout", "0.5", *map(str, more)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    environment = cli_environment(BAYLING_BENCH_CALIBRATIONS=str(folder / "none"))
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, preexec_fn=heed_ctrl_c, **pipes)


def finish(process: subprocess.Popen) -> None:
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 0, output


def journal(folder: Path, output: str) -> list[dict]:
    """Return the whole lines of replies in the journal: a kill may leave half of one."""
    import json

    files = sorted((folder / output / "judgements").glob("completions/*/*.jsonl"))
    lines = [json.loads(line) for file in files for line in file.read_bytes().split(b"\n")[:-1]]
    return [line for line in lines if line.get("error", {}).get("reason") != "sent"]


def judgements(folder: Path, output: str) -> list[dict]:
    """Return the judgements without what may differ between two judgings: how long each reply took."""
    (path,) = (folder / output / "judgements").glob("*.jsonl")
    return [row | {"seconds": None} for row in read_lines(path)]


def wait_until_journal_holds(count: int, folder: Path, output: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while len(journal(folder, output)) < count:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_all_verdicts_arrive_from_a_server_that_breaks_three_calls_of_ten_none_doubled_none_lost(server, folder):
    server.always = judged_by(by_length)
    finish(start(folder, server, "easy"))
    assert len(server.requests) == WANTED
    hostile = server.always = Hostile(judged_by(by_length), hang_s=1.0)
    finish(start(folder, server, "hard"))
    assert sum(hostile.broken.values()) > 20 and len(hostile.broken) >= 6
    assert judgements(folder, "hard") == judgements(folder, "easy")
    keys = [line["key"] for line in journal(folder, "hard") if "text" in line]
    assert len(keys) == len(set(keys)) == WANTED
    assert set(hostile.answered.values()) == {1} and len(hostile.answered) == WANTED


def test_killed_in_the_middle_it_asks_nothing_again_that_had_been_answered(server, folder):
    server.always = judged_by(by_length)
    finish(start(folder, server, "easy"))
    hostile = server.always = Hostile(judged_by(by_length, seconds=0.05), hang_s=1.0)
    process = start(folder, server, "hard", "--concurrency", 4)
    wait_until_journal_holds(30, folder, "hard", process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.3)  # what was under way ends at the server
    kept = {line["key"] for line in journal(folder, "hard") if "text" in line}
    answered = Counter(hostile.answered)
    assert 30 <= len(kept) < WANTED
    finish(start(folder, server, "hard", "--concurrency", 4))
    assert judgements(folder, "hard") == judgements(folder, "easy")
    again = [key for key, times in hostile.answered.items() if times > 1]
    # At most what was under way at the kill was answered without being kept: four requests.
    assert len(again) <= 4 and len(hostile.answered) == WANTED
    assert sum(hostile.answered.values()) - sum(answered.values()) == WANTED - len(kept)
    lines = [line["key"] for line in journal(folder, "hard") if "text" in line]
    assert len(lines) == len(set(lines)) == WANTED and kept <= set(lines)


def test_ctrl_c_waits_for_what_is_under_way_and_keeps_it(server, folder):
    server.always = judged_by(by_length, seconds=0.4)
    process = start(folder, server, "stopped", "--concurrency", 3)
    wait_until_journal_holds(6, folder, "stopped", process)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=30)[0]
    assert process.returncode == 130, output
    assert "stopping; waiting for the requests under way" in output and "the same command goes on from here" in output
    answered = {request_key(request.body) for request in server.requests}
    assert len(journal(folder, "stopped")) == len(answered) < WANTED
    server.requests.clear()
    server.always = judged_by(by_length)
    finish(start(folder, server, "stopped"))
    assert len(server.requests) == WANTED - len(answered)
    assert not answered & {request_key(request.body) for request in server.requests}


def test_two_commands_cannot_work_on_the_same_judging(server, folder):
    server.always = judged_by(by_length, seconds=0.3)
    first = start(folder, server, "shared", "--concurrency", 1)
    wait_until_journal_holds(1, folder, "shared", first)
    second = start(folder, server, "shared")
    output = second.communicate(timeout=60)[0]
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert second.returncode == 2 and "another process is working on this" in output
