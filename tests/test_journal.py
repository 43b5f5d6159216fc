"""The journal: what was finished survives, what was torn is cut off, and nobody is served another's answers."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayling_bench.evaluate import Keys
from bayling_bench.journal import Entry, Failure, Journal


def entry(key: str = "k", **changes) -> Entry:
    return Entry(**{"key": key, "task": "t", "item": 0, "turn": 0, "prompt": "p", "response": "r", **changes})


def test_an_appended_entry_is_on_disk_before_the_file_is_closed(tmp_path: Path):
    Journal(tmp_path).append(entry(response="早上好"))
    assert Journal(tmp_path).get("k") == entry(response="早上好")


@given(st.text(st.characters()))
def test_any_text_survives_the_round_trip_lone_surrogates_included(text: str):
    line = entry(response=text, prompt=text).to_line()
    assert line.count(b"\n") == 1
    assert Entry.from_line(line) == entry(response=text, prompt=text)


def test_log_likelihoods_and_failures_come_back_as_they_were(tmp_path: Path):
    journal = Journal(tmp_path)
    journal.append(entry("a", response=(-1.25, True)))
    journal.append(entry("b", response=None, error=Failure("api_error", "HTTP 500", retry=True)))
    again = Journal(tmp_path)
    assert again.get("a") == entry("a", response=(-1.25, True))
    assert again.get("b") == entry("b", response=None, error=Failure("api_error", "HTTP 500", retry=True))


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_last_line_is_ignored_and_cut_off_before_the_next_append(tmp_path: Path, cut: int):
    whole, torn = entry("a").to_line(), entry("b").to_line()
    (tmp_path / "t.0.jsonl").write_bytes(whole + torn[:cut])
    journal = Journal(tmp_path)
    assert journal.get("a") and not journal.get("b")
    journal.append(entry("c"))
    assert (tmp_path / "t.0.jsonl").read_bytes() == whole + entry("c").to_line()


def test_a_damaged_line_is_named_and_costs_only_itself(tmp_path: Path):
    (tmp_path / "t.0.jsonl").write_bytes(entry("a").to_line() + b"\x00\x00garbage\n" + entry("b").to_line())
    journal = Journal(tmp_path)
    assert journal.get("a") and journal.get("b")
    assert journal.damaged == [f"{tmp_path / 't.0.jsonl'}:2"]


def test_journals_of_all_processes_are_read_and_a_response_wins_over_a_failure(tmp_path: Path):
    Journal(tmp_path, rank=0).append(entry(response=None, error=Failure("api_error")))
    Journal(tmp_path, rank=1).append(entry(response="done"))
    Journal(tmp_path, rank=2).append(entry(response=None, error=Failure("api_error")))
    found = Journal(tmp_path).get("k")
    assert found is not None and found.response == "done"


def test_a_full_disk_is_a_clear_error_and_leaves_only_whole_lines_behind(tmp_path: Path):
    script = f"""
import resource, signal, sys
sys.path.insert(0, {str(Path(__file__).parent.parent)!r})
from pathlib import Path
from bayling_bench.journal import Entry, Journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (250, 250))
journal = Journal(Path({str(tmp_path)!r}))
for number in range(9):
    journal.append(Entry(key=str(number), task="t", item=number, turn=0, prompt="p", response="r"))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert re.search(r"RunError: .*could not be written.*bayling-bench run --resume", done.stderr)
    again = Journal(tmp_path)
    assert 0 < len(again.entries()) < 9
    again.append(entry("next"))
    assert Journal(tmp_path).damaged == []


class _Task:
    VERSION = 1.0

    class config:
        task = "wmt22_zh_en"


BASE = {
    "identity": {"model": {"name": "a", "revision": "r1", "fingerprint": "sha256:1"}, "template": "t1"},
    "generation": {"wmt22_zh_en": {"do_sample": False, "max_gen_toks": 8}},
    "seed": 1,
}
DOC = {"index": 0, "prompt": "x", "target": "B"}


def key(doc: dict = DOC, turn: int = 0, prompt: str = "p", **changes) -> str:
    keys = Keys(**{**BASE, **changes})
    return keys.request(keys.document(_Task, doc), turn, prompt)


@pytest.mark.parametrize(
    ("what", "other"),
    [
        ("model", {"identity": {"model": {**BASE["identity"]["model"], "name": "b"}, "template": "t1"}}),
        ("revision", {"identity": {"model": {**BASE["identity"]["model"], "revision": "r2"}, "template": "t1"}}),
        (
            "weights",
            {"identity": {"model": {**BASE["identity"]["model"], "fingerprint": "sha256:2"}, "template": "t1"}},
        ),
        ("template", {"identity": {"model": BASE["identity"]["model"], "template": "t2"}}),
        ("setting", {"generation": {"wmt22_zh_en": {"do_sample": False, "max_gen_toks": 9}}}),
        ("data state", {"doc": {**DOC, "target": "C"}}),
        ("prompt", {"prompt": "q"}),
        ("turn", {"turn": 1}),
    ],
)
def test_the_key_differs_where_an_answer_could(what: str, other: dict):
    assert key(**other) != key(), what


def test_the_seed_counts_only_where_something_is_sampled():
    sampled = {"wmt22_zh_en": {"do_sample": True, "temperature": 0.7}}
    assert key(seed=2) == key()
    assert key(seed=2, generation=sampled) != key(seed=1, generation=sampled)
