"""The published verdicts through the whole of ``judge``: a server that answers with GPT-4's reviews of 2023.

Expected values: tests/expected/reproduced_from_outputs.json, computed from the published reviews by other hands.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from chat_server import ChatServer, running
from conftest import Cli, cli_environment
from judge_runs import command
from judge_server import SNAPSHOT, Hostile, PublishedJudge, judged_by

from bayling_bench.data import store
from bayling_bench.errors import RunError
from bayling_bench.judge import calibrate, calibrations, results

pytestmark = [pytest.mark.slow, pytest.mark.mirror]
EXPECTED = json.loads((Path(__file__).parent.parent / "expected" / "reproduced_from_outputs.json").read_text("utf-8"))
SYSTEMS = {"gpt-3.5-turbo": "gpt-3.5-turbo", "vicuna": "vicuna-13b-1.1"}


@pytest.fixture(scope="module")
def published(mirror: Path) -> PublishedJudge:
    store.set_mirror(str(mirror))
    return PublishedJudge()


@pytest.fixture
def server(monkeypatch, tmp_path, mirror: Path, published: PublishedJudge):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(calibrations.FOLDER_VARIABLE, str(tmp_path / "calibrations"))
    with running(monkeypatch) as started:
        started.always = judged_by(published)
        yield started


def test_the_eight_files_come_back_to_the_last_count_and_score_sum(server: ChatServer, monkeypatch):
    against = [part for system in SYSTEMS.values() for part in ("--against", f"published:{system}")]
    options = ("-j", "openai:gpt-4", "--base-url", server.url, "-p", "bayling_2023", "-o", "out")
    assert command(monkeypatch, "judge", "published:bayling-13b", *against, *options) == 0
    found = {each["system2"]["name"]: each for each in results.read_all(Path("out"))}
    compared = 0
    for row in EXPECTED["judge"]:
        _, opponent, turns, language, _ = _parts(row["file"])
        ours = found[SYSTEMS[opponent]]["by"]["task"][f"bayling80_{language}_{turns.removesuffix('turn')}"]
        assert {name: ours[name] for name in ("win", "tie", "lose")} == {
            name: row[name] for name in ("win", "tie", "lose")
        }
        assert (ours["items"], ours["judged"], ours["failures"]) == (80, 80, {})
        assert (ours["sum1"], ours["sum2"]) == (row["sum_bayling"], row["sum_opponent"])
        assert round(ours["ratio_pct"]["value"], 2) == row["ratio_pct"]
        compared += 1
    assert compared == 8 and len(server.requests) == 640
    # The paper's claim of 89 %, under its two readings.
    overall = found["gpt-3.5-turbo"]["overall"]
    assert round(overall["mean_ratio_of_tasks_pct"]["value"], 2) == 89.21
    assert round(overall["ratio_pct"]["value"], 2) == 89.23
    (ranking,) = results.rankings(list(found.values()))
    assert [each["name"] for each in ranking["systems"]] == ["gpt-3.5-turbo", "bayling-13b", "vicuna-13b-1.1"]


def _parts(file: str) -> tuple[str, str, str, str, str]:
    system, _, rest = file.partition(".vs.")
    opponent, turns, language, ending = rest.rsplit(".", 3)
    return system, opponent, turns, language, ending


def test_a_run_folder_of_the_published_answers_gives_32_wins_11_ties_and_37_losses(server, cli: Cli, tmp_path):
    made = cli("run", "-m", "published:bayling-13b", "-t", "bayling80_en_multi", "-o", tmp_path / "run", "--no-report")
    assert made.returncode == 0, made.stderr
    judge = ("-j", "openai:gpt-4", "--base-url", server.url, "-p", "bayling_2023")
    done = cli("judge", tmp_path / "run", "--against", "published:gpt-3.5-turbo", *judge)
    assert done.returncode == 0, done.stderr
    (found,) = results.read_all(tmp_path / "run")
    assert [found["overall"][name] for name in ("win", "tie", "lose")] == [32, 11, 37]
    assert (found["overall"]["sum1"], found["overall"]["sum2"]) == (643.0, 700.5)
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert f"judged by {SNAPSHOT}" in page and "needs a judge" not in page


def test_a_hostile_server_and_a_kill_change_no_published_count(server, published, tmp_path):
    server.always = hostile = Hostile(judged_by(published, seconds=0.05), hang_s=2.0)
    command = [
        sys.executable,
        "-m",
        "bayling_bench.cli",
        "judge",
        "published:bayling-13b",
        "-o",
        "out",
        "--timeout",
        "1",
    ]
    command += [
        "--against",
        "published:gpt-3.5-turbo",
        "-t",
        "bayling80_en_multi,bayling80_zh_multi",
        "-j",
        "openai:gpt-4",
    ]
    command += ["--base-url", server.url, "-p", "bayling_2023", "--concurrency", "8"]
    process = subprocess.Popen(command, cwd=tmp_path, env=cli_environment())
    deadline = time.monotonic() + 60
    while len(hostile.answered) < 60:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = [line for path in tmp_path.rglob("bayling80_*.jsonl") for line in path.read_bytes().split(b"\n")[:-1]]
    assert 30 <= len([line for line in kept if b'"text"' in line]) < 160
    assert subprocess.run(command, cwd=tmp_path, env=cli_environment(), check=False).returncode == 0
    (found,) = results.read_all(tmp_path / "out")
    tasks = found["by"]["task"]
    assert [tasks["bayling80_en_multi"][name] for name in ("win", "tie", "lose", "sum1", "sum2")] == [
        32,
        11,
        37,
        643,
        700.5,
    ]
    assert [tasks["bayling80_zh_multi"][name] for name in ("win", "tie", "lose", "sum1", "sum2")] == [
        28,
        8,
        44,
        590.5,
        671.5,
    ]
    # Answered twice is at most what was under way at the kill.
    assert sum(hostile.answered.values()) <= 160 + 8 and sum(hostile.broken.values()) > 30


def test_a_judge_that_repeats_the_published_verdicts_in_both_orders_is_calibrated_at_one(server, monkeypatch, capfd):
    options = ("-j", "openai:gpt-4", "--base-url", server.url, "--samples-per-order", 1, "--limit", 20)
    assert command(monkeypatch, "judge", "--calibrate", *options) == 0
    (record,) = calibrations.read_all()
    assert record["pairs"] == 2 * 4 * 20 and record["judge"]["snapshot"] == SNAPSHOT
    overall = record["overall"]
    assert (overall["n"], overall["agreement_pct"]["value"], overall["kappa"]) == (160, 100, pytest.approx(1))
    assert overall["spearman_of_scores"] == pytest.approx(1) and record["position"]["changed_by_order_pct"] == 0
    assert set(record["by"]["language"]) == {"en", "zh"} and set(record["by"]["opponent"]) == set(SYSTEMS.values())
    assert "calibration record: " in capfd.readouterr().out
    # It stands beside the results of this judge and protocol, and of no other.
    judged = (
        "judge",
        "published:bayling-13b",
        "--against",
        "published:vicuna-13b-1.1",
        "-o",
        "out",
        "-t",
        "bayling80_en_single",
    )
    assert command(monkeypatch, *judged, *options[:4], "--limit", 2) == 0
    assert results.read_all(Path("out"))[0]["calibration"]["written"] == record["written"]
    assert command(monkeypatch, *judged, *options[:4], "--limit", 2, "-p", "bayling_2023") == 0
    assert [each["calibration"] is None for each in results.read_all(Path("out"))] == [False, True]


def test_a_judge_that_always_says_the_first_is_better_is_shown_to_be_worthless(server, monkeypatch):
    server.always = judged_by(lambda _: "Score of the Assistant 1: 9\nScore of the Assistant 2: 7")
    options = ("-j", "openai:gpt-4", "--base-url", server.url, "-p", "bayling_2023", "--limit", 10)
    assert command(monkeypatch, "judge", "--calibrate", *options) == 0
    (record,) = calibrations.read_all()
    assert record["overall"]["kappa"] == pytest.approx(0) and record["table"]["lose"] == {"win": 0, "tie": 0, "lose": 0}
    assert record["overall"]["agreement_pct"]["value"] == pytest.approx(100 * record["table"]["win"]["win"] / 80)
    assert not record["position"]["measured"]


def test_a_calibration_is_found_wherever_it_was_written_and_never_shrinks(server, monkeypatch, capfd):
    options = ("-j", "openai:gpt-4", "--base-url", server.url, "-p", "bayling_2023")
    assert command(monkeypatch, "judge", "--calibrate", *options, "-o", "mine", "--limit", 3) == 0
    (record,) = calibrations.read_all()
    assert record == calibrations.read_all(Path("mine"))[0] and record["pairs"] == 2 * 4 * 3
    # Elsewhere there are fewer pairs: the fuller record stays.
    assert command(monkeypatch, "judge", "--calibrate", *options, "-o", "other", "--limit", 1) == 2
    assert "tells of 24 pairs and is not replaced by a record of 8" in " ".join(capfd.readouterr().err.split())
    assert calibrations.read_all() == [record]


def test_a_calibration_record_holds_one_judge():
    found = {"judge": {"snapshot": "one"}}, []
    with pytest.raises(RunError, match="were judged by one and by other"):
        calibrate.record([found, ({"judge": {"snapshot": "other"}}, [])])
