"""The items: lists, filters, links, two systems side by side and what differs between them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from ..made_up import TEXTS
from .made_up_board import CHINESE

pytestmark = pytest.mark.slow


def opened(page):
    """Wait for the list of a task's items and return the place."""
    page.locator("#items-place .rows li").first.wait_for()
    return page.locator("#items-place")


def listed(place):
    return [int(text) for text in place.locator(".rows .index").all_inner_texts()]


def found(place, text):
    place.locator(".found", has_text=text).wait_for()


def test_a_task_lists_its_items_page_by_page(visit):
    page = visit("strong+weak", "#task=wmt22_zh_en")
    place = opened(page)
    assert place.get_by_role("status").inner_text() == "2,037 of 2,037 items"
    assert listed(place) == list(range(50))
    assert place.locator(".snippet").first.inner_text() == TEXTS["zh"][0]
    assert place.locator(".snippet").first.get_attribute("lang") == "zh"
    place.get_by_role("button", name="Next page").click()
    assert listed(place)[0] == 50
    place.get_by_role("button", name="Previous page").click()
    assert listed(place)[0] == 0


def test_search_narrows_in_every_script_and_width(visit):
    page = visit("strong", "#task=wmt22_zh_en")
    place = opened(page)
    box = place.get_by_role("searchbox")
    # 2037 items over 5 sentences: the third comes 407 times
    for query, number in ((TEXTS["zh"][2][:4], 407), ("MUSEUM opens", 407), ("ｍｕｓｅｕｍ", 407), ("nowhere", 0)):
        box.fill(query)
        found(place, f"{number} of 2,037 items")
    box.fill("zh_en/2036")
    found(place, "1 of 2,037 items")
    assert listed(place) == [2036]
    expect(page).to_have_url(re.compile("q=zh_en%2F2036"))


def test_filters_show_the_wrong_the_unparsed_the_flagged_and_the_unscored(visit, runs):
    page = visit("strong+weak", "#task=sat_math")
    place = opened(page)
    lines = [list(runs[name].items("sat_math")) for name in ("strong", "weak")]
    wrong = [line["index"] for line in lines[0] if line["scores"]["acc"] == 0]
    show = place.get_by_label("Show", exact=True)
    show.select_option("wrong")
    assert listed(place) == wrong
    show.select_option("unparsed")
    assert listed(place) == [line["index"] for line in lines[0] if "unparsed" in line["flags"]]
    place.get_by_label("beside", exact=True).select_option(label="smollm2-135m-instruct")
    place.get_by_label("Show", exact=True).select_option("flipped")
    pairs = zip(*lines, strict=True)
    assert listed(place) == [one["index"] for one, two in pairs if one["scores"]["acc"] != two["scores"]["acc"]]
    page.evaluate("location.hash = '#task=wmt22_en_zh'")
    place.locator("h3", has_text="en → zh").wait_for()
    place.get_by_label("Show", exact=True).select_option("unscored")
    assert listed(place) == [3, 8, 30]
    place.get_by_role("link", name="unscored").first.click()
    expect(place.get_by_text("unscored: prompt too long")).to_be_visible()
    expect(place.get_by_text("2100 of 2048 tokens")).to_be_visible()


def test_order_by_score_brings_the_lowest_first(visit, runs):
    page = visit("strong", "#task=wmt22_zh_en&by=chrf")
    place = opened(page)
    place.get_by_label("Order", exact=True).select_option("lowest")
    lines = sorted(runs["strong"].items("wmt22_zh_en"), key=lambda line: (round(line["scores"]["chrf"]), line["index"]))
    scores = [line["scores"]["chrf"] for line in lines]
    shown = [float(text) for text in place.locator(".rows .chip:not(.flag)").all_inner_texts()]
    assert shown == pytest.approx(scores[:50], abs=0.51)
    expect(page).to_have_url(re.compile("order=lowest"))


def test_deep_links_open_the_item_and_back_goes_back(visit):
    page = visit("strong", "#task=wmt22_zh_en&item=1234")
    article = page.locator("article[data-index='1234']:focus")
    article.wait_for()
    assert 0 <= article.bounding_box()["y"] < 500
    assert page.locator(".rows [aria-current=true] .index").inner_text() == "1234"
    page.get_by_role("link", name="Next", exact=True).click()
    page.locator("article[data-index='1235']:focus").wait_for()
    expect(page).to_have_url(re.compile("item=1235"))
    page.go_back()
    page.locator("article[data-index='1234']:focus").wait_for()
    page.get_by_role("link", name="Close").click()
    page.locator("article").wait_for(state="detached")
    page.evaluate("location.hash = '#task=sat_math&item=99'")
    page.get_by_text("Item 99 is not in this file.").wait_for()
    page.evaluate("location.hash = '#task=nothing'")
    page.get_by_text("No items of nothing are in this file.").wait_for()
    page.get_by_role("link", name="← All tasks").click()
    page.locator(".shelf").wait_for()


def test_an_item_shows_source_reference_answer_scores_and_the_prompt_as_sent(visit):
    page = visit("strong", "#task=wmt22_zh_en&item=0")
    article = page.locator("article")
    article.wait_for()
    assert article.locator(".field", has_text="source").locator(".text").first.inner_text() == TEXTS["zh"][0]
    reference = article.locator(".field", has_text="reference").first.locator(".text")
    assert reference.inner_text() == TEXTS["en"][0]
    assert reference.get_attribute("lang") == "en"
    expect(article.locator(".chip", has_text="BLEU")).to_be_visible()
    article.get_by_text("prompt as sent").click()
    expect(article.get_by_text("### Instruction:")).to_be_visible()


def test_conversations_show_each_turn_and_the_judge_s_evidence(visit):
    page = visit("board", "#task=bayling80_zh_multi&item=4")
    entry = page.locator("article .entry")
    entry.wait_for()
    assert entry.locator("h4").all_inner_texts() == ["user 1", "answer 1", "user 2", "answer 2", "verdicts"]
    expect(entry.get_by_text("cut off at the token limit")).to_be_visible()
    assert (
        entry.locator(".verdict").inner_text().split("\n")[0] == "lose 7.5 : 9.0 Alder-13B against Birch-7B · A judge"
    )
    entry.get_by_text("the judge's evidence").click()
    expect(entry.get_by_text("甲更完整。")).to_be_visible()
    page.get_by_label("Show", exact=True).select_option("lost")
    assert listed(page.locator("#items-place")) == [4]
    page.get_by_label("Show", exact=True).select_option("all")
    page.get_by_label("Category", exact=True).select_option("math")
    assert listed(page.locator("#items-place")) == [7]
    expect(page.get_by_text("2 of 80 items are in this file")).to_be_visible()


def test_ranked_choices_show_their_log_likelihoods(visit, runs):
    page = visit("strong", "#task=sat_math_mc&item=0")
    ranking = next(runs["strong"].items("sat_math_mc"))["turns"][0]["logprobs"]
    field = page.locator("article .field", has_text="log-likelihood").last
    shown = " · ".join(f"{letter} {value:.2f}" for letter, value in ranking.items()).replace("-", "−")
    assert field.locator(".text").inner_text() == shown


def test_two_systems_stand_side_by_side_with_differing_words_marked(visit):
    page = visit("board", "#task=wmt22_de_en&item=0&a=alder&b=birch")
    entries = page.locator("article .entry")
    entries.nth(1).wait_for()
    left, right = (entries.nth(number).bounding_box() for number in range(2))
    assert left["y"] == right["y"]
    assert left["x"] < right["x"]
    assert entries.nth(0).locator("del").all_inner_texts() == ["red"]
    assert entries.nth(1).locator("ins").all_inner_texts() == ["blue"]
    expect(page.get_by_text("Das rote Haus").first).to_be_visible()  # a document that several tasks share
    page.get_by_role("button", name="from the reference").click()
    assert entries.nth(0).locator("ins").all_inner_texts() == ["red"]
    assert entries.nth(1).locator("ins, del").count() == 0  # equals the reference
    page.get_by_role("button", name="off", exact=True).click()
    assert page.locator("article :is(ins, del)").count() == 0


def test_chinese_is_compared_by_characters(visit):
    page = visit("board", "#task=wmt22_en_zh&item=0&a=alder&b=birch")
    entries = page.locator("article .entry")
    entries.nth(1).wait_for()
    assert entries.nth(0).locator("del").all_inner_texts() == ["红"]
    assert entries.nth(1).locator("ins").all_inner_texts() == ["蓝"]
    assert entries.nth(0).locator(".text").first.inner_text() == CHINESE[0]


def test_a_missing_answer_is_said_to_be_missing(visit):
    page = visit("board", "#task=wmt22_de_en&item=1&a=alder&b=birch")
    page.locator("article .entry").nth(1).wait_for()
    expect(page.locator("article .entry").nth(1).get_by_text("no answer")).to_be_visible()


def test_a_million_characters_are_folded(visit):
    page = visit("hostile", "#task=wmt22_zh_en&item=0")
    answer = page.locator("article .text", has_text="window.struck")
    answer.wait_for()
    assert len(answer.inner_text()) < 3200
    page.get_by_role("button", name="show all (1,000,043 characters)").click()
    assert answer.evaluate("e => e.textContent.length") == 1_000_043
