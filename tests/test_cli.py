"""The command line as its users meet it: what works, and what every mistake of a new user is answered with."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from chat_server import ChatServer, running, waits_for
from conftest import cli_environment, heed_ctrl_c

from bayling_bench import __version__, cli, task_index
from bayling_bench.config import TaskOptions
from bayling_bench.data import catalogue, store

PHYSICS = 2  # files: AGIEval's head and its state of June 2023


class Shell:
    """Runs commands in this process, which takes milliseconds where a process takes seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capfd = capfd

    def __call__(self, *arguments: object, code: int = 0) -> str:
        """Run a command that must end with ``code``; return what it printed, of a failing one the errors."""
        self._monkeypatch.setattr(sys, "argv", ["bayling-bench", *map(str, arguments)])
        self._capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = self._capfd.readouterr()
        assert end.value.code == code or (code == 0 and end.value.code is None), err
        return err if code else out

    def error(self, *arguments: object) -> str:
        """Run a command that the user got wrong; return the message."""
        err = self(*arguments, code=2)
        assert "Traceback" not in err and err.count("error: ") == 1
        return err.partition("error: ")[2]


@pytest.fixture
def shell(monkeypatch, capfd, tmp_path) -> Shell:
    """A folder of one's own, an empty cache, and no mirror."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "cache"))
    # set, not removed: --mirror sets it for the process, and what was set before comes back
    monkeypatch.setenv(store.MIRROR_VARIABLE, "")
    return Shell(monkeypatch, capfd)


@pytest.fixture
def server(monkeypatch):
    with running(monkeypatch) as started:
        yield started


def run_of(server: ChatServer, *more: object) -> list[object]:
    return ["run", "-m", "openai:echo", "--base-url", server.url, "-t", "mini_translation_en_de", "-o", "a run", *more]


def first_documents(count: int) -> list[dict]:
    return task_index.all_tasks()["mini_translation_en_de"].documents(TaskOptions())[:count]


MISTAKES = {
    "a task that is none": (
        ["run", "-m", "published:gpt-4", "-t", "wmt22_zh_eng"],
        r"No task or suite is called 'wmt22_zh_eng'\. Did you mean wmt22_zh_en.*`bayling-bench tasks`",
    ),
    "no model": (["run"], r"--model is missing\. For example: bayling-bench run --model "),
    "a setting that is none": (
        ["run", "-m", "openai:m", "--set", "max_tokns=5"],
        "Did you mean max_tokens.*for example --set max_tokens=256",
    ),
    "a profile that is none": (
        ["run", "-m", "openai:m", "--profile", "papr"],
        "--profile 'papr' is unknown. Did you mean paper",
    ),
    "a system that was never released": (
        ["run", "-m", "published:bayling-13", "-t", "paper"],
        "published:bayling-13: no such system. Did you mean bayling-13b",
    ),
    "a system without outputs for any task": (
        ["run", "-m", "published:gpt-4", "-t", "mini"],
        "can do none of the tasks asked for",
    ),
    "a model file that is missing": (["run", "-m", "missing.gguf", "-t", "mini"], "there is no such file"),
    "a model folder that is missing": (["run", "-m", "./missing", "-t", "mini"], "no such folder"),
    "a shard that is none": (["run", "-m", "openai:m", "--shard", "3/2"], "--shard '3/2' is not of the form I/N"),
    "no key for OpenAI": (["run", "-m", "openai:gpt-4o", "-t", "mini"], "set OPENAI_API_KEY, or give --api-key-file"),
    "an address that is none": (
        ["run", "-m", "openai:m", "--base-url", "localhost:8000", "-t", "mini"],
        "is no address of a server. Give one like http://localhost:8000/v1",
    ),
    "to resume what is no run": (["run", "--resume", "here"], "here holds no run.json, so it is not a run folder"),
    "to score what is no run": (["score", "here"], "here holds no run.json, so it is not a run folder"),
    "to report on nothing": (["report"], "Give run folders, a board, or both: bayling-bench report RUN"),
    "a table of nothing": (["report", "--format", "csv"], "Give run folders, or --board NAME, or both"),
    "a site of nothing": (["report", "--index", "."], "holds no run record and no board"),
    "a site of no folder": (["report", "--index", "gone"], "--index gone: there is no such folder"),
    "a title of a site": (["report", "--index", ".", "--title", "A"], "so --title cannot stand beside it"),
    "a board that is none": (["report", "--board", "bayling_2032"], "Did you mean bayling_2023"),
    "to report what is no run": (["report", "here"], "here holds no run.json, so it is not a run folder"),
    "a suite that is none": (["fetch", "papr"], "No task or suite is called 'papr'. Did you mean paper"),
    "outputs of nobody": (["fetch", "published:gpt4"], "no such system. Did you mean gpt-4"),
    "a mirror that is missing": (["fetch", "--mirror", "/no/such"], "mirror /no/such: there is no such folder"),
    "a mirror that is none": (["tasks", "--mirror", "."], "holds none of ictnlp/BayLing"),
    "data that was never fetched": (
        ["run", "-m", "published:gpt-4", "-t", "wmt22_zh_en"],
        r"not on this machine.*bayling-bench fetch.*Without one: `bayling-bench fetch --export DIR`.*--mirror DIR",
    ),
    "a task to show that is none": (["tasks", "wmt22_zh_eng"], "Did you mean wmt22_zh_en"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_by_one_error_that_says_what_to_do(shell, monkeypatch, mistake: str):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    arguments, complaint = MISTAKES[mistake]
    assert re.search(complaint, shell.error(*arguments), re.DOTALL)


@pytest.mark.parametrize("arguments", [["run", "--limt", "5"], ["runn"], ["run", "-m", "openai:m", "--limit", "few"]])
def test_an_option_that_is_none_is_answered_with_the_way_to_help(shell, arguments: list[str]):
    err = shell(*arguments, code=2)
    assert "--help" in err and "Traceback" not in err


def test_the_folder_of_another_run_is_refused_naming_what_differs(shell, server):
    shell(*run_of(server, "--limit", 1))
    error = shell.error(*run_of(server, "--limit", 2))
    assert "a run holds a run of other settings (limit: 1 there, 2 asked for" in error and "-o" in error
    shell(*run_of(server, "--limit", 1))
    assert len(server.requests) == 1


def test_a_run_prints_its_scores_and_the_place_of_its_page(shell, server, tmp_path):
    out = shell(*run_of(server, "--limit", 2))
    assert re.search(r"bleu +\d+\.\d\d .* 2 *\n", out)
    assert out.rstrip().endswith("report: a run/report.html")
    assert (tmp_path / "a run" / "report.html").stat().st_size > 10_000
    assert "report" not in shell("score", "a run", "--no-report")


def test_reports_come_in_four_forms(shell, server, tmp_path):
    shell(*run_of(server, "--limit", 2, "--no-report"))
    shown = json.loads(shell("report", "a run", "--format", "json"))
    bleu = next(row for row in shown if row["metric"] == "bleu")
    assert bleu["n"] == 2 and bleu["signature"].startswith("nrefs:1|")
    rows = list(csv.DictReader(io.StringIO(shell("report", "a run", "--format", "csv"))))
    assert [row["metric"] for row in rows] == [row["metric"] for row in shown]
    assert float(rows[0]["value"]) == shown[0]["value"]
    assert re.search(r"^\| mini_translation_en_de \| ", shell("report", "a run", "--format", "md"), re.MULTILINE)
    assert re.fullmatch(r"report: both\.html \(\d\.\d MB\)\n", shell("report", "a run", "a run", "-o", "both.html"))
    assert (tmp_path / "both.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert shell("report", "a run", "--format", "md", "-o", "table.md") == "report: table.md\n"
    assert (tmp_path / "table.md").read_text(encoding="utf-8") == shell("report", "a run", "--format", "md")
    assert "--format 'xml' is unknown" in shell.error("report", "a run", "--format", "xml")
    assert "--items 'few' is neither" in shell.error("report", "a run", "--items", "few")
    assert "\\begin{tabular}" in shell("report", "a run", "--format", "latex")


def test_a_folder_of_runs_becomes_a_site(shell, server, tmp_path):
    shell(*run_of(server, "--limit", 2, "--no-report"))
    assert shell("report", "--index", ".", "--items", "1") == "index: index.html (1 pages beside it)\n"
    assert 'href="a%20run/report.html"' in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert (tmp_path / "a run" / "report.html").is_file()
    assert "RUN cannot stand beside it" in shell.error("report", "a run", "--index", ".")


def test_tasks_are_listed_for_people_and_for_programs(shell):
    table = shell("tasks").splitlines()
    rows = json.loads(shell("tasks", "--json"))
    assert len(rows) == len(task_index.all_tasks()) == len(table) - 4
    assert table[0].split() == ["task", "suite", "items", "languages", "metrics", "fetched"]
    fetched = {row["task"]: row["fetched"] for row in rows}
    assert fetched["mini_cloze_zh"] and not fetched["wmt22_zh_en"]
    assert [row["task"] for row in json.loads(shell("tasks", "interactive", "--json"))] == [
        "interactive_translation_en_zh", "interactive_translation_zh_en",
    ]  # fmt: skip
    assert Path(shell("tasks", "--path").strip()) == task_index.tasks_path()


def test_a_card_shows_the_first_prompt_in_the_language_asked_for(shell):
    source = first_documents(1)[0]["source"]
    card = shell("tasks", "mini_translation_en_de")
    assert f"Provide the German translation for this sentence: {source}" in card and "Apache-2.0" in card
    assert f"提供这句话的德语翻译：{source}" in shell("tasks", "mini_translation_en_de", "--prompt", "zh")
    assert json.loads(shell("tasks", "mini_conversation_en", "--json"))["prompt"][1].startswith("Double")
    assert "bayling-bench fetch wmt22_zh_en" in shell("tasks", "wmt22_zh_en")


@pytest.mark.mirror
def test_data_is_fetched_checked_and_exported(shell, mirror, tmp_path, monkeypatch):
    assert f"{PHYSICS} files fetched" in shell("fetch", "gaokao_physics", "--mirror", mirror)
    monkeypatch.setenv(store.MIRROR_VARIABLE, "")
    assert f"0 files fetched (0.0 MB), {PHYSICS} were there" in shell("fetch", "gaokao_physics")
    assert f"{PHYSICS} of {PHYSICS} files are whole" in shell("fetch", "gaokao_physics", "--check")
    shell("fetch", "gaokao_physics", "--export", "carried")
    carried = tmp_path / "carried"
    exported = {path.relative_to(carried).as_posix() for path in carried.rglob("*.jsonl")}
    assert len(exported) == PHYSICS and exported <= {file.tail for file in catalogue.files()}
    assert "Not fetched" not in shell("tasks", "gaokao_physics", "--mirror", "carried")

    damaged = tmp_path / "cache" / sorted(exported)[0]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    error = shell.error("fetch", "gaokao_physics", "--check")
    assert f"1 of {PHYSICS} files" in error and "corrupt" in error and sorted(exported)[0] in error


def test_version_and_help(shell):
    assert shell("--version") == f"{__version__}\n"
    for verb in ("run", "score", "tasks", "fetch", "report"):
        assert verb in shell("--help") and "Example" in shell(verb, "--help")


def dry_run(shell: Shell, *arguments: object) -> dict[str, list[int]]:
    """Return items, requests, prompt tokens and generated tokens of each task."""
    row = re.compile(r"^(\w[\w ]*?) +([\d,]+) +([\d,]+) +([\d,]+) +([\d,]+)$", re.MULTILINE)
    rows = row.findall(shell(*arguments, "--dry-run"))
    return {name: [int(number.replace(",", "")) for number in numbers] for name, *numbers in rows}


def test_a_dry_run_of_a_server_guesses_tokens_and_sends_nothing(shell, server, tmp_path):
    arguments = ["run", "-m", "openai:echo", "--base-url", server.url, "--limit", 3, "--set", "max_tokens=10"]
    plan = dry_run(shell, *arguments, "-t", "mini_translation_en_de,mini_conversation_en")
    guess = sum(len(document["prompt"]) // 3 + 1 for document in first_documents(3))
    assert plan["mini_translation_en_de"] == [3, 3, guess, 30]
    assert plan["mini_conversation_en"][:2] == [3, 6] and plan["mini_conversation_en"][3] == 60
    assert plan["in all"][:2] == [6, 9] and plan["in all"][3] == 90
    assert server.requests == [] and list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_dry_run_of_a_gguf_file_counts_with_its_tokenizer(shell, smollm2):
    from transformers import AutoTokenizer

    asked = "mini_translation_en_de,mini_exam_zh_mc"
    plan = dry_run(shell, "run", "-m", smollm2, "--limit", 3, "-t", asked)
    tokenizer = AutoTokenizer.from_pretrained(str(smollm2.parent), gguf_file=smollm2.name)
    conversations = [[{"role": "user", "content": document["prompt"]}] for document in first_documents(3)]
    rendered = [
        tokenizer.apply_chat_template(each, tokenize=False, add_generation_prompt=True) for each in conversations
    ]
    tokens = sum(len(tokenizer(text)["input_ids"]) for text in rendered)
    assert plan["mini_translation_en_de"][:3] == [3, 3, tokens]
    assert plan["mini_exam_zh_mc"][:2] == [3, 12] and plan["mini_exam_zh_mc"][3] == 0


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(server, tmp_path):
    rest = threading.Event()
    arguments = map(str, run_of(server, "--limit", 6, "--concurrency", 1))
    command = [sys.executable, "-m", "bayling_bench.cli", *arguments]
    where = {"cwd": tmp_path, "env": cli_environment(), "text": True, "preexec_fn": heed_ctrl_c}
    server.faults = {first_documents(3)[2]["source"]: [waits_for(rest)]}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **where)
    deadline = time.monotonic() + 60
    while len(server.requests) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    rest.set()
    assert process.returncode == 130, err
    assert "the same command goes on from here" in err and "Traceback" not in err + out
    (journal,) = (tmp_path / "a run" / "responses").glob("*.jsonl")
    assert journal.read_bytes().count(b"\n") == 2

    again = subprocess.run(command, capture_output=True, timeout=60, **where)
    assert again.returncode == 0, again.stderr
    questions = server.questions()
    assert len(questions) == 7 and questions.count(questions[2]) == 2
