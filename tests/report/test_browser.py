"""The page in Debian's Chromium, from disk, as a reader opens it."""

from __future__ import annotations

import os
import shutil

import pytest

from bayling_bench.report import page as report

from .made_up import HOSTILE, TEXTS

pytestmark = pytest.mark.slow

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium():
    path = shutil.which("chromium")
    if path is None and os.environ.get("CI") == "true":
        pytest.fail("chromium is not installed; on Debian: apt-get install chromium")
    if path is None:
        pytest.skip("chromium is not installed; on Debian: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, tmp_path):
    """Open runs as a page; at the end, hold that it made no request, no dialog, no error and struck no flag."""
    opened = []

    def open_page(runs, fragment="", **context):
        out = tmp_path / "report.html"
        report.write(runs, out)
        page = chromium.new_context(**context).new_page()
        trouble = []
        page.on("console", lambda message: trouble.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: request.url.split("#")[0] == out.as_uri() or trouble.append(request.url))
        page.goto(out.as_uri() + fragment)
        opened.append((page, trouble))
        return page

    yield open_page
    for page, trouble in opened:
        assert page.evaluate("window.struck") is None
        page.context.close()
        assert trouble == []


def section(page, task):
    return page.locator(f"details.task[data-task='{task}']")


def unfold(page, task):
    """Open a task's section and wait for its items."""
    part = section(page, task)
    part.locator("> summary").click()
    part.locator("article").first.wait_for()
    return part


def test_opening_a_task_shows_its_items_page_by_page(visit, strong):
    part = unfold(visit([strong]), "wmt22_zh_en")
    assert part.get_by_role("status").inner_text() == "2,037 of 2,037 items"
    assert part.locator("article").count() == 20
    first = part.locator("article").first
    assert first.locator(".field", has_text="source").locator(".text").first.inner_text() == TEXTS["zh"][0]
    assert first.locator(".field", has_text="reference").locator(".text").inner_text() == TEXTS["en"][0]
    assert first.locator(".text[lang=zh]").first.inner_text() == TEXTS["zh"][0]
    assert first.get_by_text("BLEU").is_visible()
    prompt = first.locator("details", has_text="prompt as sent")
    prompt.locator("summary").click()
    assert prompt.get_by_text("### Instruction:").is_visible()
    part.get_by_role("button", name="next").first.click()
    assert part.locator("article h4").first.inner_text() == "Item 20"
    part.get_by_role("button", name="previous").first.click()
    assert part.locator("article h4").first.inner_text() == "Item 0"


def test_search_narrows_in_every_script_and_width(visit, strong):
    page = visit([strong])
    part = unfold(page, "wmt22_zh_en")
    box = part.get_by_role("searchbox")
    # 2037 items over 5 sentences: the third comes 407 times, the last two 407 + 407
    for query, found in ((TEXTS["zh"][2][:4], 407), ("MUSEUM opens", 407), ("ｍｕｓｅｕｍ", 407), ("nowhere", 0)):
        box.fill(query)
        part.get_by_text(f"{found} of 2,037 items").wait_for()
    box.fill("zh_en/2036")
    part.get_by_text("1 of 2,037 items").wait_for()
    assert part.locator("article h4").inner_text() == "Item 2036"


def test_filters_show_the_wrong_the_unparsed_the_flagged_and_the_unscored(visit, strong):
    page = visit([strong])
    lines = list(strong.items("sat_math"))
    part = unfold(page, "sat_math")
    wrong = sum(0 in line["scores"].values() for line in lines)
    unparsed = sum("unparsed" in line["flags"] for line in lines)
    for name, number in (("wrong", wrong), ("unparsed", unparsed)):
        part.get_by_role("button", name=f"{name} {number}").click()
        part.get_by_text(f"{number} of 45 items").wait_for()
    assert part.locator("article .chip.flag").count() == unparsed
    assert part.get_by_role("button", name="unscored 0").is_disabled()
    part = unfold(page, "wmt22_en_zh")
    part.get_by_role("button", name="unscored 3").click()
    assert part.locator("article h4").all_inner_texts() == ["Item 3", "Item 8", "Item 30"]
    assert part.get_by_text("unscored: prompt too long").count() == 2
    assert part.get_by_text("2100 of 2048 tokens").first.is_visible()


def test_several_runs_stand_side_by_side_and_can_be_told_apart(visit, strong, weak):
    page = visit([strong, weak], viewport={"width": 1280, "height": 800})
    part = unfold(page, "sat_math")
    entries = part.locator("article").first.locator(".entry")
    assert entries.locator("h4").all_inner_texts() == ["bayling-13b", "smollm2-135m-instruct"]
    left, right = (entries.nth(number).bounding_box() for number in range(2))
    assert left["y"] == right["y"]
    counts = [sum("unparsed" in line["flags"] for line in run.items("sat_math")) for run in (strong, weak)]
    for run, number in zip((strong, weak), counts, strict=True):
        part.get_by_role("combobox").select_option(f"in {run.name}")
        assert part.get_by_role("button", name=f"unparsed {number}").is_visible()


def test_conversations_show_each_turn(visit, strong):
    part = unfold(visit([strong]), "bayling80_en_multi")
    first = part.locator("article").first
    assert first.locator("h5").all_inner_texts() == ["category", "user 1", "answer 1", "user 2", "answer 2"]
    assert first.get_by_text("cut off at the token limit").is_visible()


def test_ranked_choices_show_their_log_likelihoods(visit, strong):
    part = unfold(visit([strong]), "sat_math_mc")
    ranking = next(strong.items("sat_math_mc"))["turns"][0]["logprobs"]
    shown = part.locator("article").first.locator(".field", has_text="log-likelihood").locator(".text").inner_text()
    assert shown == " · ".join(f"{letter} {value:.2f}" for letter, value in ranking.items())


def test_deep_links_open_the_item_and_follow_clicks(visit, strong):
    page = visit([strong], fragment="#task=wmt22_zh_en&item=1234")
    article = page.locator("article[data-index='1234']:focus")
    article.wait_for()
    assert 0 <= article.bounding_box()["y"] < 200
    page.locator("#scores").get_by_role("link", name="sat_math", exact=True).click()
    section(page, "sat_math").locator("article").first.wait_for()
    section(page, "sat_math").get_by_role("link", name="Item 7", exact=True).click()
    section(page, "sat_math").locator("article[data-index='7']:focus").wait_for()
    assert page.url.endswith("#task=sat_math&item=7")
    page.evaluate("location.hash = '#task=sat_math&item=99'")
    page.get_by_text("Item 99 is not in this file.").wait_for()


def test_everything_can_be_reached_by_keyboard(visit, strong):
    page = visit([strong])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the scores"

    def tab_to(condition):
        for _ in range(120):
            page.keyboard.press("Tab")
            if page.evaluate(f"(e => {condition})(document.activeElement)"):
                return
        pytest.fail(f"no Tab led to {condition}")

    tab_to("e.matches('details[data-task=sat_math] > summary')")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("Enter")
    part = section(page, "sat_math")
    part.locator("article").first.wait_for()
    tab_to("e.type === 'search'")
    page.keyboard.type("covers 9 km")
    part.get_by_text("1 of 45 items").wait_for()
    tab_to("e.dataset.filter === 'wrong'")
    page.keyboard.press("Space")
    assert part.locator("[data-filter=wrong]").get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize("several", [False, True], ids=["one run", "three runs"])
def test_a_phone_scrolls_no_page_sideways(visit, strong, weak, unfinished, several):
    runs = [strong, weak, unfinished] if several else [strong]
    page = visit(runs, viewport={"width": 390, "height": 844})
    for task in ("wmt22_en_zh", "gaokao_chinese", "bayling80_en_multi"):
        unfold(page, task)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_hostile_text_is_only_text(visit, hostile):
    page = visit([hostile], viewport={"width": 390, "height": 844})
    part = unfold(page, "mini_conversation")
    for text in HOSTILE[:7]:
        assert part.get_by_text(text, exact=True).first.is_visible()
    assert part.get_by_text(
        "left⟨U+202E⟩right⟨U+2066⟩⟨U+0000⟩⟨U+001B⟩[31m⟨U+D800⟩end⟨U+DFFF⟩⟨U+000D⟩"
    ).first.is_visible()
    assert page.locator("main a:not([href^='#'])").count() == 0
    assert page.locator("img, svg").count() == 0
    for details in page.locator("details:not([open]) > summary").all():
        if details.is_visible():
            details.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_million_characters_are_folded(visit, hostile):
    part = unfold(visit([hostile]), "wmt22_zh_en")
    answer = part.locator("article").first.locator(".text", has_text="window.struck")
    assert len(answer.inner_text()) < 2100
    part.get_by_role("button", name="show all (1,000,043 characters)").click()
    assert answer.evaluate("e => e.textContent.length") == 1_000_043
    assert part.get_by_text("BLEU nan").is_visible()


def test_without_scripts_the_tables_and_the_provenance_are_there(visit, strong):
    page = visit([strong], java_script_enabled=False)
    assert page.get_by_role("row", name="wmt22_zh_en 2,037 20.12").is_visible()
    section(page, "wmt22_zh_en").locator("> summary").click()
    assert section(page, "wmt22_zh_en").get_by_text("need JavaScript to be unpacked").is_visible()
    assert page.get_by_text("published:bayling-13b", exact=True).is_visible()
    page.locator("#scores").get_by_role("link", name="sat_math", exact=True).click()
    assert section(page, "sat_math").bounding_box()["y"] < 900


def test_landmarks_headers_and_captions(visit, strong, weak):
    page = visit([strong, weak])
    assert page.get_by_role("main").count() == page.get_by_role("banner").count() == 1
    assert page.get_by_role("navigation", name="Sections").count() == 1
    assert page.locator("table:not(:has(> caption))").count() == 0
    assert page.locator("th:not([scope])").count() == 0


def test_dark_and_print_colours(visit, strong):
    page = visit([strong], color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.get_by_role("navigation", name="Sections").is_visible()
