"""Whole runs of ``openai:`` models against a server on loopback: real processes, kills, failures, resuming."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from chat_server import ChatServer, completion, echo, refuses, running, says, slow, waits_for
from conftest import Cli, cli_environment

from bayling_bench import record
from bayling_bench import run as runs
from bayling_bench.config import ModelOptions, RunConfig, Shard
from bayling_bench.models import chat_api

pytestmark = pytest.mark.slow
TASKS = "mini_translation_en_de,mini_conversation_en"


@pytest.fixture
def server(monkeypatch):
    with running(monkeypatch) as started:
        yield started


def arguments(server: ChatServer, *more: str) -> list[str]:
    return ["run", "--model", "openai:echo", "--base-url", server.url, "-t", TASKS, "--limit", "5", "-o", "run", *more]


def start(folder: Path, command: list[str]) -> subprocess.Popen:
    whole = [sys.executable, "-m", "bayling_bench.cli", *command]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(whole, cwd=folder, env=cli_environment(), text=True, **pipes)


def journal(folder: Path) -> list[dict]:
    """Return the whole lines of all journals: a kill may leave half of one."""
    files = sorted((folder / "responses").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_bytes().split(b"\n")[:-1]]


def wait_until(true: Callable[[], bool], process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_each_answer_is_in_the_journal_when_it_comes_and_turn_2_sees_turn_1(server, tmp_path):
    rest = threading.Event()
    # mini.en, line 1; every other answer is in the journal while this one is under way
    held = "Provide the German translation for this sentence: "
    server.faults = {held: [waits_for(rest)]}
    process = start(tmp_path, arguments(server, "--no-report"))
    folder = tmp_path / "run"
    wait_until(lambda: len(journal(folder)) == 9, process)
    assert not (folder / "scores.json").exists()
    rest.set()
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 0, output
    found = record.load(folder)
    assert found.finished and len(journal(folder)) == 5 + 2 * 5 == len(server.requests)
    for item in found.items("mini_conversation_en"):
        first, second = item["doc"]["turns"]
        history = [{"role": "user", "content": first}]
        assert item["turns"][0]["response"] == echo(history)
        history += [{"role": "assistant", "content": echo(history)}, {"role": "user", "content": second}]
        assert item["turns"][1]["response"] == echo(history)
    item = next(found.items("mini_translation_en_de"))
    assert item["turns"][0]["tokens"] == 11 and item["turns"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("count", [2, 11])
def test_after_a_kill_the_same_command_sends_no_answered_request_again(server, tmp_path, count: int):
    server.always = slow(0.05)
    command = arguments(server, "--no-report", "--concurrency", "2")
    process = start(tmp_path, command)
    folder = tmp_path / "run"
    wait_until(lambda: len(journal(folder)) >= count, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.2)  # what was under way ends at the server
    kept = [line["prompt"] for line in journal(folder)]
    sent = len(server.requests)
    process = start(tmp_path, command)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 0, output
    again = [server.requests[place].body["messages"] for place in range(sent, len(server.requests))]
    assert count <= len(kept) < 15 and len(again) == 15 - len(kept)
    assert not [messages for messages in again if json.dumps(messages, ensure_ascii=False) in kept]
    assert len({line["key"] for line in journal(folder)}) == len(journal(folder)) == 15
    assert record.load(folder).finished


def config(server: ChatServer, **changes) -> RunConfig:
    options = ModelOptions(base_url=server.url, concurrency=3)
    values = {"model": "openai:echo", "tasks": tuple(TASKS.split(",")), "model_options": options, "limit": 6}
    return RunConfig(**{**values, **changes})


def run(asked: RunConfig, folder: Path) -> runs.Outcome:
    return runs.run(asked, folder, Shard(), runs.Caller())


def unscored(outcome: runs.Outcome) -> Counter[str]:
    found = outcome.run.scores["tasks"]
    return sum((Counter(row["unscored"]) for row in found.values()), Counter())


def test_failed_items_are_unscored_never_scored_and_only_they_are_asked_again(server, tmp_path, monkeypatch):
    monkeypatch.setattr(chat_api, "LONGEST_BACKOFF_S", 0.01)
    texts = documents("mini_translation_en_de")
    first = documents("mini_conversation_en")[0]["turns"][0]
    server.faults = {
        texts[0]["source"]: [refuses(503, "overloaded")] * 8,
        texts[1]["source"]: [says(completion(None, message={"refusal": "No."}))] * 9,
        texts[2]["source"]: [refuses(400, "maximum context length")] * 9,
        texts[3]["source"]: [says(b"<html>")] * 3,
        first: [refuses(500)] * 8,
    }
    outcome = run(config(server), tmp_path)
    assert unscored(outcome) == {"api_error": 3, "refused": 1}
    assert "4 of 12 items are unscored (3 api_error, 1 refused)" in str(outcome.too_many_unscored)
    assert not outcome.run.finished
    rows = outcome.run.scores["tasks"]
    assert rows["mini_translation_en_de"]["metrics"]["bleu"]["n"] == 3
    assert rows["mini_conversation_en"]["metrics"]["instructions_all"]["n"] == 5
    items = list(outcome.run.items("mini_translation_en_de"))
    assert items[0]["unscored"] == {"reason": "api_error", "detail": "HTTP 503: overloaded"}
    assert items[0]["scores"] == {} and items[0]["flags"] == [] and items[3]["unscored"] is None
    conversation = next(outcome.run.items("mini_conversation_en"))
    assert [turn["response"] for turn in conversation["turns"]] == [None, None]

    server.requests.clear()
    again = run(config(server, max_unscored=0.2), tmp_path)
    assert unscored(again) == {"api_error": 1, "refused": 1} and again.run.finished
    assert again.generated == len(server.requests) == 3
    asked = [request.messages for request in server.requests]
    assert sorted(len(messages) for messages in asked) == [1, 1, 3]
    assert texts[0]["source"] in asked[0][0]["content"] + asked[1][0]["content"]


def documents(task: str) -> list[dict]:
    from bayling_bench import task_index
    from bayling_bench.config import TaskOptions

    return task_index.all_tasks()[task].documents(TaskOptions())


def test_a_refused_key_ends_the_command_at_once_and_with_the_right_one_the_same_command_works(server, cli: Cli):
    server.always = refuses(401, "Incorrect API key provided")
    start = time.monotonic()
    done = cli(*arguments(server))
    assert done.returncode == 2 and time.monotonic() - start < 30
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert "refuses the key (HTTP 401: Incorrect API key provided)" in error and "OPENAI_API_KEY" in error
    assert "Traceback" not in done.stderr and len(server.requests) <= 16
    server.always = None
    done = cli(*arguments(server))
    assert done.returncode == 0, done.stderr


def test_log_likelihood_tasks_are_left_out_with_a_word(server, tmp_path):
    said = []
    asked = config(server, tasks=("mini_exam_en", "mini_exam_en_mc"), limit=1)
    runs.run(asked, tmp_path, Shard(), runs.Caller(say=said.append))
    assert any("left out: mini_exam_en_mc" in line for line in said)
    assert len(server.requests) == 1


def test_another_server_is_another_run(server, tmp_path, monkeypatch):
    few = {"tasks": ("mini_translation_en_de",), "limit": 2}
    run(config(server, **few), tmp_path)
    with running(monkeypatch) as other, pytest.raises(runs.RunError, match=r"other settings \(model\.base_url: "):
        run(config(other, **few), tmp_path)
