"""A board's systems beside runs: what was printed, what our scorers make of it, and where each number stands."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

import pytest

from bayling_bench import leaderboard
from bayling_bench.audit import rows
from bayling_bench.commands import boards
from bayling_bench.data import store
from bayling_bench.ranking import kept
from bayling_bench.ranking.contest import Absent, Contest, Pair
from bayling_bench.ranking.contest import Standing as Place
from bayling_bench.report import exports, gathered, packed_items, page, payload
from bayling_bench.report.gathered import Standing

from .made_up import HOSTILE, contents, write_run
from .test_page import Page

BOARD = """
title = "Our lab <spring>"
figures = ["figures.csv"]
[systems.ours]
name = "Ours 7B"
outputs = "run:run"
[systems.theirs]
name = "Theirs"
outputs = "run:gone"
size_b = 13
[[rules]]
task = "(?P<task>wmt22_.+)"
metric = "(?P<metric>bleu)"
measure = "run_score"
decimals = 2
[[rules]]
task = "average"
measure = "cells_mean"
arguments = { cells = { tasks = "wmt22_.+", metric = "bleu" } }
decimals = 2
[[rankings]]
title = "Translation"
metric = "BLEU"
tasks = ["wmt22-zh-en", "wmt22-en-zh"]
task_pattern = "wmt22-(?P<direction>.+)"
systems = ["ours", "theirs"]
measure = "corpus_score"
arguments = { direction = "{direction}", score = "bleu" }
averages = [{ title = "mean of both" }]
"""
FIGURES = """group,task,system,metric,value,items,source
translation,wmt22_zh_en,ours,bleu,20.12,45,our paper
translation,wmt22_en_zh,ours,bleu,20.50,45,our paper
translation,average,ours,bleu,20.12,,our paper
translation,wmt22_zh_en,theirs,bleu,30.00,45,their paper
"""
SIZES = {"wmt22_zh_en": 45, "wmt22_en_zh": 45}


@pytest.fixture
def folder(tmp_path):
    """A board of one system that has a run folder, with a BLEU of 20.1234567 everywhere, and one that has not."""
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "board.toml").write_text(BOARD, "utf-8")
    (folder / "figures.csv").write_text(FIGURES, "utf-8")
    write_run(folder / "run", **contents("ours", SIZES, 1.0))
    return folder


def contest(task, average=False, places=(("run 1", 24.0, 1, 1), ("ours", 20.0, 2, 2))):
    """A contest as `ranking` makes it, of made-up numbers."""
    standings = tuple(
        Place(system, system, value, value - 1, value + 1, 45, best, worst, best, {"wrong language, %": 9.0})
        for system, value, best, worst in places
    )
    pair = Pair("run 1", "ours", 4.0, 3.0, 5.0, 0.001, 0.002, 0.004, 1.5)
    absent = (Absent("theirs", "Theirs", "gone", "bayling-bench run -o gone"),)
    return Contest("Translation", "BLEU", task, average, 2, standings, (pair,), absent)


@pytest.fixture
def found(folder, tmp_path):
    board = leaderboard.load(str(folder))
    run = write_run(tmp_path / "mine", **contents("mine-1.5b", {**SIZES, "sat_math": 5}, 1.2))
    contests = [contest("wmt22-zh-en"), contest("wmt22-en-zh"), contest("mean of both", average=True)]
    return gathered.gather([run], Standing(board=board, audited=rows.audit(board), contests=contests))


def cell_of(whole, system, task, metric="bleu"):
    (cell,) = [
        cell for cell in whole["cells"] if (cell["system"], cell["task"], cell["metric"]) == (system, task, metric)
    ]
    return cell


def test_systems_are_marked_as_run_reproduced_or_published(found):
    whole = payload.build(found, "title", "2026-11-26")
    shown = {system["key"]: (system["label"], system["kind"], system["size_b"]) for system in whole["systems"]}
    assert shown == {
        "run 1": ("mine-1.5b", "run", 1.5), "ours": ("Ours 7B", "reproduced", 7.0),
        "theirs": ("Theirs", "published", 13.0),
    }  # fmt: skip
    assert whole["board"]["name"] == "lab"


def test_a_published_figure_stands_beside_what_was_computed(found):
    whole = payload.build(found, "", "")
    # made-up runs are of 45 of 2,037 and 1,875 sentences: a run's numbers stand apart from whole tasks
    ours = [cell for cell in whole["cells"] if (cell["system"], cell["metric"]) == ("ours", "bleu")]
    zh_en, en_zh = (next(cell for cell in ours if cell["task"] == task) for task in ("wmt22_zh_en", "wmt22_en_zh"))
    assert (zh_en["source"], zh_en["value"], zh_en["published"], zh_en["verdict"]) == (
        "reproduced", 20.123457, 20.12, "equal",
    )  # fmt: skip
    assert (en_zh["verdict"], en_zh["published"]) == ("differs", 20.5) and en_zh["why"]
    theirs = cell_of(whole, "theirs", "wmt22_zh_en")
    assert (theirs["source"], theirs["value"], theirs["n"]) == ("published", 30.0, 45)
    assert "rank_low" not in theirs


def test_ranks_guards_and_tests_come_from_the_contests(found):
    whole = payload.build(found, "", "")
    zh_en = cell_of(whole, "ours", "wmt22_zh_en")
    assert (zh_en["rank_low"], zh_en["rank_high"], zh_en["cluster"], zh_en.get("best")) == (2, 2, 2, None)
    assert zh_en["guards"] == {"wrong_language": 9.0}
    (mean,) = [task for task, about in whole["tasks"].items() if about["mean"]]
    assert whole["tasks"][mean]["name"] == {"en": "mean of both", "zh": "两个方向平均"}
    average = cell_of(whole, "ours", mean)
    assert (average["published"], average["rank_low"]) == (20.12, 2)
    pairs = [pair for pair in whole["pairs"] if pair["task"] == "wmt22_zh_en"]
    assert [(pair["first"], pair["second"], pair["p_holm"]) for pair in pairs] == [("run 1", "ours", 0.004)]
    assert {"system": "theirs", "task": "wmt22_en_zh", "metric": "bleu", "state": "", "why": "gone", "command": "bayling-bench run -o gone"} in whole["absent"]  # fmt: skip  # noqa: E501


def test_the_first_paragraph_says_who_leads_and_what_to_beware_of(found):
    said = payload.build(found, "", "")["summary"]
    told = {
        about: " ".join(each["en"] for each in said if each["about"] == about) for about in ("lead", "careful", "audit")
    }
    assert "mine-1.5b leads (24.00), significantly better than the other one tested (Holm-corrected)" in told["lead"]
    assert "Ours 7B wrong language (9.0 % in " in told["careful"]
    assert "of 4 published figures 2 come out equal, 1 are explained" in told["audit"] and "1 differ" in told["audit"]
    assert all(re.search("[\u4e00-\u9fff]", each["zh"]) for each in said)


def test_a_run_of_fewer_items_stands_beside_the_boards_numbers_not_in_their_place(found):
    whole = payload.build(found, "", "")  # 45 of 2,037 sentences were asked of the run
    (wmt22,) = [suite for suite in whole["suites"] if suite["key"] == "wmt22"]
    assert wmt22["states"] == ["", "first:45"]
    careful = " ".join(each["en"] for each in whole["summary"] if each["about"] == "careful")
    assert "Shown apart, as of other data or asked in another form: first 45 items" in careful


def test_the_summary_writes_a_number_as_the_table_does(folder):
    board = leaderboard.load(str(folder))
    value = 343.34 / 4  # GPT-4's mean COMET of the paper: 85.835 and a bit, so that it could be rounded either way
    shown = gathered.gather([], Standing(board=board, contests=[
        contest("wmt22-zh-en", places=(("ours", value, None, None), ("theirs", value, None, None))),
    ]))  # fmt: skip
    whole = payload.build(shown, "", "")
    text = next(each["en"] for each in whole["summary"] if each["about"] == "lead")
    assert f"Ours 7B and Theirs have the best value ({cell_of(whole, 'ours', 'wmt22_zh_en')['value']:.2f})" in text


def test_a_published_figure_of_zero_is_kept(folder):
    figures = folder / "figures.csv"
    figures.write_text(FIGURES.replace("30.00", "0.00"), "utf-8")
    board = leaderboard.load(str(folder))
    whole = payload.build(gathered.gather([], Standing(board=board, audited=rows.audit(board))), "", "")
    assert cell_of(whole, "theirs", "wmt22_zh_en")["published"] == 0.0


def test_rankings_tell_no_path_of_this_machine(folder, monkeypatch, tmp_path):
    run = tmp_path / "mine"
    gone = Absent("run 1", "run mine", f"the end of {run}", f"bayling-bench run --resume {run}")
    monkeypatch.setattr(kept, "contests", lambda *_: [replace(contest("wmt22-zh-en"), absent=(gone,))])
    (told,) = boards.of_board(leaderboard.load(str(folder)), [run]).contests[0].absent
    assert (told.why, told.command) == ("the end of mine", "bayling-bench run --resume mine")


def test_systems_that_are_not_told_apart_are_said_to_be_level(folder):
    board = leaderboard.load(str(folder))
    level = contest("wmt22-zh-en", places=(("ours", 24.0, 1, 2), ("theirs", 23.0, 1, 2)))
    shown = gathered.gather([], Standing(board=board, audited=rows.audit(board), contests=[level]))
    whole = payload.build(shown, "", "")
    assert any("Theirs is ahead (23.00), but not told apart from Ours 7B" in each["en"] for each in whole["summary"])
    assert cell_of(whole, "ours", "wmt22_zh_en")["best"] and cell_of(whole, "theirs", "wmt22_zh_en")["best"]


def test_the_page_of_a_board_holds_audit_rankings_and_provenance(folder):
    board = leaderboard.load(str(folder))
    standing = Standing(board=board, audited=rows.audit(board), contests=[contest("wmt22-zh-en")])
    html = page.html(page.prepare(page.Asked(standing=standing, items="none", title=HOSTILE[0])))
    parsed = Page(html)
    text = " ".join(" ".join(parsed.text).split())
    assert {attrs.get("id") for _, attrs in parsed.tags} >= {"leaderboard", "rankings", "audit", "provenance"}
    assert "Our lab <spring>" in text and "<spring>" not in html
    assert parsed.cells("wmt22_zh_en, Ours 7B")[1:3] == ["20.12", "20.12"]
    assert "9.0 % wrong language" in text and "run 1 − ours" in text
    assert "bayling-bench report --board lab" in text
    chinese = {attrs["data-zh"] for _, attrs in parsed.tags if "data-zh" in attrs}
    assert chinese >= {"论文数值", "复现数值", "一致", "不一致", "wmt22-zh-en：全部系统对", "p（Holm 校正）"}
    assert any(each.startswith("核对：4 个已发表数值中，2 个一致") for each in chinese)


def test_exports_hold_every_number_and_are_safe(found):
    lines = list(csv.DictReader(io.StringIO(exports.to_csv(found))))
    assert [line["value"] for line in lines] == [str(row["value"]) for row in json.loads(exports.to_json(found))]
    (line,) = [line for line in lines if (line["system"], line["task"]) == ("theirs", "wmt22_zh_en")]
    assert (line["name"], line["kind"], line["source"], line["value"]) == ("Theirs", "published", "published", "30.0")
    text = exports.to_markdown(found)
    assert "| Ours 7B (reproduced) |" in text and "**" in text and "rank 2" in text
    latex = exports.to_latex(found)
    assert latex.count("\\begin{tabular}") == latex.count("\\end{tabular}") > 1
    assert "en $\\rightarrow$ zh" in latex


def test_latex_prints_hostile_names_as_they_are(tmp_path):
    name = "50% of_A & {B} $x$ #1 \\input{secret} ~^ " + HOSTILE[0]
    run = write_run(tmp_path / "x", **contents(name, {"sat_math": 5, "gaokao_chinese": 5}, 1.0))
    text = exports.to_latex(gathered.gather([run]))
    assert "50\\% of\\_A \\& \\{B\\} \\$x\\$ \\#1 \\textbackslash{}input\\{secret\\}" in text
    assert "\\input" not in text


def test_what_was_computed_of_a_board_is_kept_until_something_changes(folder, monkeypatch, tmp_path):
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "cache"))
    board = leaderboard.load(str(folder))
    first = kept.audited(board)
    monkeypatch.setattr(kept.auditing, "audit", lambda _: pytest.fail("computed again"))
    again = kept.audited(board)
    assert [(row.figure, row.verdict, row.reproduced, row.interval) for row in again] == [
        (row.figure, row.verdict, row.reproduced, row.interval) for row in first
    ]
    (folder / "figures.csv").write_text(FIGURES.replace("20.50", "20.51"), "utf-8")
    monkeypatch.setattr(kept.auditing, "audit", lambda _: [])
    assert kept.audited(leaderboard.load(str(folder))) == []


def test_contests_come_back_from_disk_as_they_were(folder, monkeypatch, tmp_path):
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "cache"))
    made = [contest("wmt22-zh-en"), contest("mean of both", average=True)]
    monkeypatch.setattr(kept.ranked, "rank", lambda *_: made)
    asked = kept.Asked(board=str(folder))
    assert kept.contests(asked) == made
    monkeypatch.setattr(kept.ranked, "rank", lambda *_: pytest.fail("computed again"))
    assert kept.contests(asked) == made


def test_items_beside_a_board_are_packed_once(found, monkeypatch, tmp_path):
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv(store.MIRROR_VARIABLE, "")
    first = packed_items.pack(found, [tmp_path / "mine"], 2)
    assert first.tasks["wmt22_zh_en"].parts[0]["system"] == "run 1"
    assert first.say().startswith("6 of 95 items of 3 tasks, 0.0 MB")
    monkeypatch.setattr(packed_items, "_computed", lambda *_: pytest.fail("packed again"))
    assert packed_items.pack(found, [tmp_path / "mine"], 2) == first
    (tmp_path / "mine" / "items" / "sat_math.jsonl").write_text("", "utf-8")
    monkeypatch.setattr(packed_items, "_computed", lambda *_: packed_items.PackedItems())
    assert packed_items.pack(found, [tmp_path / "mine"], 2) == packed_items.PackedItems()
