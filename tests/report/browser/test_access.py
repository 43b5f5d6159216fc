"""For everybody: two languages, light and dark, keyboard, screen readers, phones, paper, no script, hostile text."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from ..made_up import HOSTILE

pytestmark = pytest.mark.slow

AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
VIEWS = {
    "a board": ("board", ""),
    "two systems side by side": ("board", "#task=wmt22_de_en&item=0&a=alder&b=birch"),
    "runs": ("strong+weak+stopped", "#suite=wmt22"),
}


def background(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_the_interface_speaks_english_and_chinese_and_remembers(visit):
    page = visit("board")
    assert page.locator("#leaderboard h2").inner_text() == "Leaderboard"
    page.get_by_role("button", name="中文").click()
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    assert page.locator("#leaderboard h2").inner_text() == "排行榜"
    assert page.locator(".lead").inner_text() == "4 个已发表系统，5 项任务。"
    expect(page.get_by_role("button", name="系统", exact=True)).to_be_visible()
    expect(page.get_by_role("navigation", name="章节")).to_be_visible()
    page.reload()
    page.locator("html.scripted").wait_for()
    assert page.locator("#leaderboard h2").inner_text() == "排行榜"
    page.get_by_role("button", name="English", exact=True).click()
    assert page.locator(".lead").inner_text() == "4 published systems on 5 tasks."


def test_the_browser_s_language_or_the_link_decides_at_first(visit):
    assert visit("board", locale="zh-CN").locator("#leaderboard h2").inner_text() == "排行榜"
    assert visit("board", "#lang=zh").locator("#leaderboard h2").inner_text() == "排行榜"


def test_light_and_dark_follow_the_system_until_chosen(visit):
    page = visit("board", color_scheme="dark")
    assert background(page) == "rgb(21, 24, 27)"
    page.get_by_label("Theme").select_option("light")
    assert background(page) == "rgb(255, 255, 255)"
    page.reload()
    page.locator("html.scripted").wait_for()
    assert background(page) == "rgb(255, 255, 255)"
    page.get_by_label("Theme").select_option("auto")
    assert background(page) == "rgb(21, 24, 27)"


def test_everything_can_be_reached_by_keyboard(visit):
    page = visit("board")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the leaderboard"

    def tab_to(condition):
        for _ in range(120):
            page.keyboard.press("Tab")
            if page.evaluate(f"(e => {condition})(document.activeElement)"):
                return
        pytest.fail(f"no Tab led to {condition}")

    page.keyboard.press("Enter")
    tab_to("e.matches('.systems > summary')")
    page.keyboard.press("Enter")
    tab_to("e.dataset.system === 'cedar'")
    page.keyboard.press("Space")
    assert page.locator("#board-table tbody tr").count() == 3
    assert page.evaluate("document.activeElement.dataset.system") == "cedar"  # redrawn, but where it was
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.matches('.systems > summary')")
    tab_to("e.matches('.open')")
    page.keyboard.press("Enter")
    tab_to("e.textContent === 'de → en'")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort]").inner_text() == "de → en"
    tab_to("e.matches('td a[href*=wmt22_de_en]')")
    page.keyboard.press("Enter")
    page.locator("#items .rows li").first.wait_for()
    tab_to("e.matches('.rows a')")
    page.keyboard.press("Enter")
    page.locator("article[data-index='0']:focus").wait_for()
    page.keyboard.press("j")
    page.locator("article[data-index='1']:focus").wait_for()
    page.keyboard.press("k")
    page.locator("article[data-index='0']:focus").wait_for()


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_violation_of_level_aa(visit, view):
    from axe_playwright_python.sync_playwright import Axe

    axe = Axe()
    name, fragment = VIEWS[view]
    page = visit(name, fragment)
    if "item=" in fragment:
        page.locator("article").wait_for()
    # the shade at the edge of what scrolls is a gradient, before which axe would judge no contrast
    page.evaluate("document.styleSheets[0].insertRule('.scroll { background: none !important }')")
    page.evaluate("document.querySelectorAll('details:not(.menu)').forEach((each) => { each.open = true; })")
    for width, scheme in ((1440, "light"), (390, "dark")):  # colours hang on the scheme alone, sizes on the width
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        found = axe.run(page, options={"runOnly": {"type": "tag", "values": AA}}).response
        trouble = [(each["id"], [node["target"] for node in each["nodes"]]) for each in found["violations"]]
        assert trouble == [], (width, scheme)
        assert "color-contrast" in {each["id"] for each in found["passes"]}


def test_landmarks_headers_and_captions(visit):
    page = visit("strong+weak", "#task=wmt22_zh_en&item=3")
    page.locator("article").wait_for()
    assert page.get_by_role("main").count() == page.get_by_role("banner").count() == 1
    assert page.get_by_role("navigation", name="Sections").count() == 1
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.locator("table:not(:has(> caption))").count() == 0
    assert page.locator("th:not([scope])").count() == 0


@pytest.mark.parametrize("name", ["strong", "strong+weak+stopped", "board"])
def test_a_phone_scrolls_no_page_sideways(visit, name):
    page = visit(name, viewport={"width": 390, "height": 844})
    tasks = ["wmt22_de_en"] if name == "board" else ["gaokao_chinese", "bayling80_en_multi"]
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for index, task in enumerate(tasks):  # another item each: that of the task before is not taken for this one's
        page.evaluate("asked => { location.hash = asked; }", f"#task={task}&item={index}")
        page.locator(f"article[data-index='{index}']").wait_for()
        expect(page.locator(".bench .list")).to_be_hidden()  # one thing at a time on a small screen
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.locator(".export > summary").click()
    box = page.locator(".export > div").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


def test_printing_is_black_on_white_without_controls(visit):
    page = visit("board", "#task=wmt22_de_en&item=0", color_scheme="dark")
    page.locator("article").wait_for()
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page>") + pdf.count(b"/Type /Page ") >= 1
    page.emulate_media(media="print", color_scheme="dark")
    assert background(page) == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 31, 36)"
    for hidden in ("#board-controls", "#switches", ".bench .list", ".top nav"):
        expect(page.locator(hidden).first).to_be_hidden()
    expect(page.locator("#board-table table")).to_be_visible()
    expect(page.locator("article")).to_be_visible()


def test_without_scripts_the_tables_and_the_provenance_are_there(visit):
    page = visit("strong+weak", java_script_enabled=False)
    row = page.locator(".static", has_text="Translation, WMT22, BLEU").get_by_role("row", name="bayling-13b").first
    expect(row).to_be_visible()
    expect(page.locator(".static .cell .value", has_text="20.12").first).to_be_visible()
    expect(page.get_by_text("need JavaScript to be unpacked")).to_be_visible()
    expect(page.get_by_text("published:bayling-13b", exact=True).first).to_be_visible()
    assert page.locator("#board-controls").inner_text() == ""


def test_without_scripts_a_board_has_its_judge_s_figures(visit):
    page = visit("board", java_script_enabled=False)
    expect(page.get_by_role("row", name="A judge Alder-13B – Birch-7B English, two turns 31 8 41 80")).to_be_visible()
    assert "85.84" in page.locator(".static .best .value").all_inner_texts()


def test_hostile_text_is_only_text(visit):
    page = visit("hostile", "#task=mini_conversation", viewport={"width": 390, "height": 844})
    place = page.locator("#items-place")
    place.locator(".rows li").first.wait_for()
    for index, text in enumerate(HOSTILE[:7]):
        page.evaluate("index => { location.hash = `#task=mini_conversation&item=${index}`; }", index)
        page.locator(f"article[data-index='{index}']").wait_for()
        expect(place.locator("article").get_by_text(text, exact=True).first).to_be_visible()
    page.evaluate("location.hash = '#task=mini_conversation&item=7'")
    shown = "left⟨U+202E⟩right⟨U+2066⟩⟨U+0000⟩⟨U+001B⟩[31m⟨U+D800⟩end⟨U+DFFF⟩⟨U+000D⟩"
    place.locator("article").get_by_text(shown).first.wait_for()
    assert page.locator("main a:not([href^='#'])").count() == 0
    assert page.locator("img, image, iframe, object").count() == 0
    for details in page.locator("details:not([open]) > summary").all():
        if details.is_visible():
            details.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
