"""The leaderboard: order, choices, rules, export."""

from __future__ import annotations

import csv
import io
import re

import pytest
from playwright.sync_api import expect

from .made_up_board import SYSTEMS, VALUES

pytestmark = pytest.mark.slow

MEAN = VALUES["wmt22/mean", "comet", ""]


def rows(page):
    return page.locator("#board-table tbody tr th .name").all_inner_texts()


def column(page, name):
    """Return what the cells under a heading show, from top to bottom."""
    names = page.locator("#board-table thead tr:last-child th button").all_inner_texts()
    cells = page.locator(f"#board-table tbody td:nth-of-type({names.index(name)}) .value")
    return cells.all_inner_texts()


def labels(keys):
    return [SYSTEMS[key][0] for key in keys]


def test_sorting_by_a_column_moves_rows_and_tells_it(visit):
    page = visit("board")
    ranked = sorted(MEAN, key=lambda key: -MEAN[key])
    assert rows(page) == labels(ranked)  # the fullest column leads, the best first
    assert column(page, "mean of 2") == ["85.84", "80.50", "79.25", "7.50"]
    head = page.locator("th[aria-sort]")
    assert head.get_attribute("aria-sort") == "descending"
    assert head.get_by_role("button").inner_text() == "mean of 2"
    page.get_by_role("button", name="mean of 2").click()
    assert rows(page) == labels(reversed(ranked))
    assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"
    page.get_by_role("button", name="System", exact=True).press("Enter")
    assert rows(page) == ["Alder-13B", "Birch-7B", "Cedar", "Drift-70B"]
    assert page.locator("th[aria-sort]").inner_text() == "System"
    assert page.evaluate("document.activeElement.textContent") == "System"


def test_absent_values_stay_last_whichever_way_is_up(visit):
    page = visit("board", "#suite=gaokao")
    for order in (["Alder-13B", "Birch-7B"], ["Birch-7B", "Alder-13B"]):
        page.get_by_role("button", name="English", exact=True).last.click()
        assert rows(page) == [*order, "Cedar", "Drift-70B"]
    empty = page.locator("tr[data-system=cedar] td.absent").first
    assert empty.get_attribute("title") == "no outputs\nnone"


def test_unfinished_runs_are_shown_and_never_ranked(visit):
    page = visit("strong+weak+stopped")
    page.get_by_role("button", name="zh → en").click()
    assert rows(page)[-1] == "stopped-model"  # although its value is the highest
    row = page.locator("#board-table tr", has_text="stopped-model")
    expect(row.get_by_text("unfinished", exact=True)).to_be_visible()
    assert row.locator("td.best").count() == 0


def test_a_suite_opens_into_its_tasks_and_a_number_into_its_items(visit):
    page = visit("board")
    opener = page.get_by_role("button", name="Tasks of Translation, WMT22")
    assert opener.get_attribute("aria-expanded") == "false"
    opener.click()
    assert page.get_by_role("button", name="Tasks of Translation, WMT22").get_attribute("aria-expanded") == "true"
    assert column(page, "de → en") == ["87.25", "83.00", "79.50", "6.00"]
    page.locator("tr[data-system=alder]").get_by_role("link", name="83.00").click()
    page.locator("#items .rows li").first.wait_for()
    assert page.locator("#items-place h3").first.inner_text() == "Translation, WMT22 · de → en"
    assert page.get_by_label("System", exact=True).input_value() == "alder"


def test_a_cell_tells_interval_n_ranks_the_best_and_what_to_beware_of(visit):
    page = visit("board", "#suite=wmt22")
    alder = page.locator("tr[data-system=alder] td").first
    assert alder.locator(".fine span").all_inner_texts() == ["[79.0, 81.8]", "n 1,234"]
    assert alder.locator(".rank").inner_text().split() == ["rank", "2–4"]
    assert alder.locator("svg.bar line").count() == 1
    best = page.locator("tr[data-system=cedar] td").first
    assert "best value" in best.inner_text()
    assert int(best.locator(".value").evaluate("e => getComputedStyle(e).fontWeight")) >= 700
    assert best.locator(".value").evaluate("e => getComputedStyle(e).fontStyle") == "italic"  # the paper's figure
    birch = page.locator("tr[data-system=birch] td").nth(2)
    assert birch.locator(".warning").all_inner_texts() == ["12.3% wrong language", "3 unscored"]


def test_numbers_of_a_column_line_up_at_the_decimal_point(visit):
    page = visit("board", "#suite=wmt22")
    ends = page.locator("#board-table tbody td:nth-of-type(1) .value").evaluate_all(
        "cells => cells.map((cell) => Math.round(cell.getBoundingClientRect().right * 2))"
    )
    assert len(ends) == 4
    assert len(set(ends)) == 1


def test_suite_language_and_systems_narrow_the_table(visit):
    page = visit("board")
    page.get_by_label("Suite", exact=True).select_option("wmt22")
    expect(page).to_have_url(re.compile("#suite=wmt22$"))
    heads = page.locator("#board-table thead tr:last-child th button")
    assert heads.all_inner_texts() == ["System", "mean of 2", "zh → en", "de → en"]
    page.get_by_label("Language", exact=True).select_option("de")
    assert heads.all_inner_texts() == ["System", "de → en"]
    page.get_by_text("Systems: 4 of 4").click()
    page.locator(".menu label", has_text="Cedar").get_by_role("checkbox").uncheck()
    assert "Cedar" not in rows(page)
    assert page.locator(".menu.systems").get_attribute("open") is not None  # the menu stays for the next choice
    page.get_by_role("button", name="only reproduced").click()
    assert sorted(rows(page)) == ["Alder-13B", "Birch-7B"]
    page.keyboard.press("Escape")
    assert page.locator(".menu.systems").get_attribute("open") is None


def test_the_rule_of_exams_switches_numbers_and_labels(visit):
    page = visit("board", "#suite=gaokao")
    assert column(page, "physics") == ["24.50", "21.50", "—", "—"] or column(page, "physics")[:2] == ["21.50", "24.50"]
    assert page.locator("th.suite .under").inner_text() == "accuracy (paper rule), labels:2023-06"
    page.get_by_role("button", name="strict rule").click()
    assert sorted(column(page, "physics")) == ["14.50", "31.50", "—", "—"]
    assert page.locator("th.suite .under").inner_text() == "accuracy (strict), labels:head"


def test_a_measure_may_be_chosen_and_lower_may_be_better(visit):
    page = visit("board", "#suite=wmt22")
    page.get_by_label("Measure").first.select_option(label="TER")
    assert rows(page)[:2] == ["Birch-7B", "Alder-13B"]
    assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"


def exported(page, form):
    if page.locator(".export[open]").count() == 0:
        page.locator(".export > summary").click()
    page.get_by_role("button", name=form, exact=True).click()
    return page.get_by_label("The table as text").input_value()


def test_what_is_shown_is_exported_as_csv_latex_and_markdown(visit):
    page = visit("board", "#suite=wmt22")
    lines = list(csv.DictReader(io.StringIO(exported(page, "CSV"))))
    name = "Translation, WMT22, zh → en, COMET"
    assert [line["System"] for line in lines] == [
        f"{SYSTEMS[key][0]} ({SYSTEMS[key][1]})" for key in ("cedar", "alder", "birch", "drift")
    ]
    assert [float(line[name]) for line in lines] == [83.0, 78.0, 79.0, 9.0]
    assert [line[f"{name} low"] for line in lines] == ["", "76.5", "77.5", ""]
    latex = exported(page, "LaTeX")
    assert latex.startswith("\\begin{tabular}{lrrr}\n\\toprule\n")
    assert "Translation, WMT22, zh $\\rightarrow$ en, COMET & " in latex
    assert "Cedar (published) & \\textbf{85.84} & \\textbf{83.00} & \\textbf{87.25} \\\\" in latex
    head, rule, first, *_ = exported(page, "Markdown").splitlines()
    assert head.startswith("| System | Translation, WMT22, mean of 2, COMET |")
    assert rule == "| --- | ---: | ---: | ---: |"
    assert first == "| Cedar (published) | **85.84** | **83.00** | **87.25** |"


def test_an_export_can_be_saved_and_copied(visit):
    page = visit("board", "#suite=wmt22", permissions=["clipboard-read", "clipboard-write"])
    text = exported(page, "CSV")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "leaderboard.csv"
    assert download.value.path().read_text("utf-8") == text
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == text


def test_no_name_becomes_a_formula_or_a_command(visit):
    page = visit("hostile+strong")
    rows_ = list(csv.reader(io.StringIO(exported(page, "CSV"))))
    assert len({len(row) for row in rows_}) == 1
    assert not [cell for row in rows_ for cell in row if cell[:1] in ("=", "+", "@")]
    body = exported(page, "LaTeX").split("\\midrule")[1]
    assert "{{ 7" not in body
    assert "\\{\\{ 7 * 7 \\}\\}" in body
