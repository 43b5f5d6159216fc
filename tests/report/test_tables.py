from __future__ import annotations

import csv
import io
import json

import pandas as pd
import pytest

from bayling_bench.report import exports, gathered, tables

from .made_up import contents, write_run


def markdown_rows(text):
    """Return the cells of Markdown table lines, split as GitHub splits them: at bars without a backslash."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").replace("\\|", "\0").split("|")] for line in lines]


def test_frame_is_long_with_numbers_at_full_precision(strong, weak):
    frame = tables.frame([strong, weak])
    assert list(frame.columns[:6]) == ["run", "suite", "task", "metric", "value", "low"]
    row = frame[(frame.run == "bayling-13b") & (frame.task == "wmt22_zh_en") & (frame.metric == "bleu")].iloc[0]
    assert row.value == 20.1234567
    assert row.n == 2037
    assert row.signature.startswith("nrefs:1|")
    assert frame.dtypes["n"] == pd.Int64Dtype()
    assert frame[frame.task == "wmt22_en_zh"].groupby("run").unscored.first().to_dict() == {
        "bayling-13b": 3,
        "smollm2-135m-instruct": 0,
    }


def test_every_task_of_every_run_keeps_a_row(strong, weak, unfinished):
    frame = tables.frame([strong, weak, unfinished])
    assert set(frame.groupby("run").task.nunique()) == {9}
    absent = frame[frame.metric.isna()].set_index(["run", "task"])
    assert absent.value.isna().all()
    assert absent.note["smollm2-135m-instruct", "wmt22_en_ja"] == "left out: no outputs for it"
    assert absent.note["bayling-13b", "bayling80_en_multi"].startswith("needs a judge")
    assert absent.note["stopped-model", "sat_math"] == "not scored: the run is unfinished"
    assert absent.note["stopped-model", "wmt22_en_zh"] == "not part of this run"
    assert not frame[frame.run == "stopped-model"].finished.any()


def test_csv_and_json_say_the_same(strong, unfinished):
    runs = [strong, unfinished]
    from_json = json.loads(tables.to_json(runs))
    from_csv = list(csv.DictReader(io.StringIO(tables.to_csv(runs))))
    assert [row["task"] for row in from_csv] == [row["task"] for row in from_json]
    assert float(from_csv[0]["value"]) == from_json[0]["value"] == 20.1234567
    assert list(from_json[0]) == list(from_csv[0]) == [*tables.COLUMNS, *tables.STATE]


def test_markdown_has_a_row_a_task(strong):
    text = tables.to_markdown([strong])
    rows = {row[0]: row for row in markdown_rows(text)}
    assert rows["wmt22_zh_en"][1] == "20.12 [19.4, 20.9]"  # the rounding of 20.1234567 and 20.1234567 ± 0.74
    assert rows["sat_math"][3] == "48.12 (n 36)"  # of 45: a metric of other items than the task's says so
    assert "3 unscored (prompt too long 2, api error 1)" in rows["wmt22_en_zh"][-1]
    assert "12.3 % of outputs are in the wrong language" in rows["wmt22_en_zh"][-1]
    assert rows["bayling80_en_multi"][-1].startswith("needs a judge")
    assert "- BLEU: nrefs:1\\|case:mixed\\|eff:no\\|tok:ja-mecab" in text
    assert "— " not in " ".join(rows["wmt22_zh_en"])


def test_markdown_of_several_runs_has_a_column_a_run(strong, unfinished):
    text = tables.to_markdown([strong, unfinished])
    head, _, row, *_ = markdown_rows(text)
    assert head[1:3] == ["BLEU bayling-13b", "BLEU stopped-model"]
    assert row[1:3] == ["20.12 [19.4, 20.9]", "30.19 [29.4, 30.9]"]
    assert text.startswith("Unfinished: stopped-model\n")


@pytest.mark.parametrize("form", [tables.to_markdown, tables.to_csv, tables.to_json])
def test_hostile_names_leave_tables_whole(hostile, form):
    form([hostile]).encode("utf-8")


def test_a_spreadsheet_runs_no_name(tmp_path):
    run = write_run(tmp_path / "x", **contents('=HYPERLINK("http://example.org")', {"sat_math": 5}, 1.0))
    for text in (tables.to_csv([run]), exports.to_csv(gathered.gather([run]))):
        lines = list(csv.DictReader(io.StringIO(text)))
        assert {line.get("name", line["run" if "run" in line else "system"]) for line in lines} == {
            '\'=HYPERLINK("http://example.org")'
        }


def test_hostile_names_cannot_make_markdown_act(hostile):
    text = tables.to_markdown([hostile])
    widths = {len(row) for row in markdown_rows(text) if row[0] == "wmt22_zh_en"}
    heads = {len(row) for row in markdown_rows(text) if row[0] == "task"}
    assert widths <= heads
    assert "<" not in text.replace("\\<", "")
