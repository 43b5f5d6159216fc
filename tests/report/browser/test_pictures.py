"""The pictures: drawn under the strict policy, told in words and as a table, redrawn when systems come and go."""

from __future__ import annotations

import pytest

from .made_up_board import CATEGORIES, OUTCOMES, VALUES

pytestmark = pytest.mark.slow


def figure(page, key):
    return page.locator(f"figure[data-picture={key}]")


def drawn(page, key):
    """Scroll to a picture, wait for it and return its chart."""
    chart = figure(page, key).locator(".chart")
    chart.evaluate("place => place.scrollIntoView()")
    figure(page, key).locator(".chart[data-drawn]").wait_for(timeout=30_000)
    return chart


def as_table(page, key):
    """Return the numbers of a picture as its table has them, by row."""
    figure(page, key).get_by_text("The numbers as a table").click()
    lines = figure(page, key).locator("table tr").all()
    return [line.locator("th, td").all_inner_texts() for line in lines]


def test_directions_have_a_point_an_interval_words_and_a_table(visit):
    page = visit("board")
    chart = drawn(page, "directions")
    assert chart.locator(".point").count() == 8  # two directions, four systems
    assert chart.locator(".errorbar").count() >= 4
    assert "Cedar is best in zh → en (83.00), Cedar is best in de → en (87.25)" in chart.get_attribute("aria-label")
    assert as_table(page, "directions")[1:] == [
        ["zh → en", "78.00 [76.5, 79.3]", "79.00 [77.5, 80.3]", "83.00", "9.00"],
        ["de → en", "83.00 [81.5, 84.3]", "79.50 [78.0, 80.8]", "87.25", "6.00"],
    ]
    page.get_by_text("Systems: 4 of 4").click()
    page.locator(".menu label", has_text="Cedar").get_by_role("checkbox").uncheck()
    drawn(page, "directions")
    assert chart.locator(".point").count() == 6
    assert "Cedar" not in figure(page, "directions").inner_text()
    assert "Cedar" not in page.locator(".keys").inner_text()
    page.get_by_label("Measure").first.select_option(label="TER")
    drawn(page, "directions")
    assert "Birch-7B is best in zh → en (60.00)" in chart.get_attribute("aria-label")


def test_exams_are_a_table_shaded_by_value_that_opens_items(visit):
    page = visit("board")
    heat = figure(page, "exams").locator("table.heat")
    assert heat.locator("thead th").all_inner_texts() == ["physics", "history", "English"]
    shades = {cell.inner_text(): cell.get_attribute("class").split()[-1] for cell in heat.locator("td.num").all()}
    assert shades["21.5"] == "h0"
    assert shades["69.3"] == "h9"
    assert heat.get_by_role("link", name="24.5").get_attribute("href") == "#task=gaokao_physics&a=birch"
    page.get_by_role("button", name="strict rule").click()
    assert figure(page, "exams").locator("td.num").all_inner_texts() == ["31.5", "35.0", "14.5", "30.0"]


def test_a_judge_s_verdicts_categories_and_calibration(visit):
    page = visit("board")
    chart = drawn(page, "outcomes")
    assert chart.locator(".point").count() == 6
    shown = {text for text in chart.locator(".bartext").all_text_contents()}
    assert shown == {str(number) for numbers in OUTCOMES.values() for number in numbers}
    win, tie, lose = (sum(numbers[place] for numbers in OUTCOMES.values()) for place in range(3))
    assert f"Alder-13B – Birch-7B: {win} won, {tie} tied, {lose} lost" in chart.get_attribute("aria-label")
    radar = drawn(page, "categories")
    assert radar.locator(".angularaxistick").count() >= len(CATEGORIES)
    assert "Alder-13B is strongest in writing (9.0) and weakest in generic (5.0)." in radar.get_attribute("aria-label")
    assert as_table(page, "categories")[1] == ["generic", "5.00 (n 10)", "5.00 (n 10)"]
    calibration = drawn(page, "calibration")
    assert "Agreement 71.3 % over 80 items" in calibration.get_attribute("aria-label")
    assert as_table(page, "calibration")[2] == ["category: coding", "57.1 [25.0, 84.0]", "7", "0.20", "—"]


def test_scores_against_size_leave_out_whose_size_is_unknown(visit):
    page = visit("board")
    chart = drawn(page, "sizes")
    assert set(chart.locator(".textpoint").all_text_contents()) == {"Alder-13B", "Birch-7B", "Drift-70B"}
    assert as_table(page, "sizes")[3] == ["Drift-70B", "70", f"{VALUES['wmt22/mean', 'comet', '']['drift']:.2f}"]


def test_pictures_speak_chinese_and_darken(visit):
    page = visit("board", color_scheme="dark", locale="zh-CN")
    chart = drawn(page, "outcomes")
    assert figure(page, "outcomes").locator("h3").inner_text() == "BayLing-80：胜、平、负"
    assert chart.get_by_text("英语，两轮").count() >= 1
    assert chart.locator(".main-svg").first.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(21, 24, 27)"


def test_hostile_names_are_only_text_in_pictures(visit):
    page = visit("hostile+strong")
    for chart in page.locator(".chart").all():
        chart.evaluate("place => place.scrollIntoView()")
        page.locator(".chart[data-drawn]").first.wait_for(timeout=30_000)
    assert page.locator("#pictures a[href]:not([href^='#'])").count() == 0
    assert page.locator("#pictures img, #pictures image").count() == 0
