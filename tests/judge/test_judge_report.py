"""The report of a judged run: who judged, what came of it, what failed, and how far the judge is to be trusted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from chat_server import running
from judge_runs import TASK, command, make_run, words
from judge_server import SNAPSHOT, by_length, judged_by

from bayling_bench import record
from bayling_bench.judge import calibrations, results
from bayling_bench.report import page


@pytest.fixture
def judged(monkeypatch, tmp_path: Path):
    """A run of long answers that was judged against a run of short ones and one of mixed ones."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(calibrations.FOLDER_VARIABLE, str(tmp_path / "calibrations"))
    make_run(tmp_path / "long", "<b>long</b>", words("long", 9))
    make_run(tmp_path / "short", "short", words("short", 3))
    make_run(tmp_path / "mixed", "mixed", lambda place, turn: words("mixed", 3 * place)(place, turn))
    with running(monkeypatch) as server:
        server.always = judged_by(by_length)
        options = ("--against", "short", "--against", "mixed", "-j", "openai:gpt-4", "--base-url", server.url)
        assert command(monkeypatch, "judge", "long", *options, "--max-failed", 1) == 0
    return record.load("long")


def test_a_judged_run_shows_its_judgings_with_failures_biases_cost_and_signature(judged):
    text = Path("long/report.html").read_text("utf-8")
    assert text == page.render([judged])
    assert '<a href="#judge"' in text and f"&lt;b&gt;long&lt;/b&gt; against mixed, judged by {SNAPSHOT}" in text
    assert "<b>long" not in text
    for part in (
        "position: the first place is worth 0.00", "length: rank correlation", "two samples of one order differ in 0",
        "no price is known", f"judge:{SNAPSHOT}|protocol:balanced.1", "calibration: none of this judge",
        f"Strengths by {SNAPSHOT}, balanced", "do not exist", "judgements/gpt-4-balanced-vs-short-",
    ):  # fmt: skip
        assert part in text, part
    assert f"judged by {SNAPSHOT}, balanced against mixed; judged by {SNAPSHOT}, balanced against short" in text


def test_a_run_that_nobody_judged_has_no_such_section(judged):
    text = page.render([record.load("short")])
    assert 'id="judge"' not in text and "judged by" not in text


def test_a_calibration_stands_beside_every_result_of_its_judge_and_of_no_other(judged):
    found = results.read_all(Path("long"))[0]
    agreement = {
        "n": 80, "agreement_pct": {"value": 71.25, "low": 60.0, "high": 81.0}, "kappa": 0.512,
        "spearman_of_scores": 0.6, "spearman_of_differences": 0.7,
    }  # fmt: skip
    made = {
        "kind": "calibration", "written": "2026-11-26T00:00:00+00:00", "judge": found["judge"], "against": "GPT-4",
        "protocol": {"name": "balanced", "sha256": found["protocol"]["sha256"]}, "overall": agreement,
        "published_order": agreement, "by": {"language": {"en": agreement}},
        "position": {"measured": True, "changed_by_order_pct": 12.5}, "pairs": 80, "failures": {},
    }  # fmt: skip
    folder = Path("calibrations")
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps(made), "utf-8")
    (folder / "b.json").write_text("damaged", "utf-8")
    (folder / "c.json").write_text('{"kind": "calibration", "written": "2027"}', "utf-8")
    text = page.render([record.load("long")])
    line = "agrees with GPT-4 of 2023 on 71.2 [60.0, 81.0] % of 80 published pairs, kappa 0.51; same verdict in both"
    assert text.count(line) == 2 and "Calibration beside GPT-4" in text
    # A newer one counts, also over the one that the results hold.
    newer = made | {"written": "2026-11-27T00:00:00+00:00", "overall": agreement | {"n": 77}}
    (folder / "d.json").write_text(json.dumps(newer), "utf-8")
    assert calibrations.newest(found | {"calibration": made}) == newer
    (folder / "d.json").unlink()
    (folder / "a.json").write_text(json.dumps(made | {"judge": found["judge"] | {"snapshot": "other"}}), "utf-8")
    assert "published pairs, kappa" not in page.render([record.load("long")])


def test_a_judging_that_was_stopped_says_so(judged):
    (path,) = Path("long/judgements").glob("*vs-short*.json")
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"complete": False}), "utf-8")
    assert "This judging is unfinished" in page.render([record.load("long")])


def test_several_runs_side_by_side_name_the_task_that_was_judged(judged):
    text = page.render([judged, record.load("short")])
    assert TASK in text and text.count("judged by") > 2
