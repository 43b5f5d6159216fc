from __future__ import annotations

import re

import pytest

from bayling_bench.report import inlined

PAPERS = ("paper", "raised", "warn-paper", "accent-paper", "gone-paper", "new-paper")
TEXTS = ("ink", "quiet", "accent", "good", "bad", "warn")
STEPS = 10  # of the heat map


def colours(theme):
    """Return the style sheet's pairs of colours by name, in the light (0) or the dark theme (1)."""
    found = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", inlined.style())
    return {name: pair[theme] for name, *pair in found}


def channels(colour):
    return [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]


def luminance(colour):
    """Relative luminance, WCAG 2.2."""
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels(colour)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_has_the_contrast_of_level_aa_on_every_paper(theme):
    found = colours(theme)
    for text in TEXTS:
        for paper in PAPERS:
            if text in ("quiet", "warn", "good", "bad") and paper in ("gone-paper", "new-paper"):
                continue  # only answers stand on these, in ink
            assert contrast(found[text], found[paper]) >= 4.5, (text, paper)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_marks_of_systems_and_edges_of_controls_stand_out(theme):
    found = colours(theme)
    marks = [f"c{number}" for number in range(1, 13)]
    assert len({found[mark] for mark in marks}) == 12
    for mark in (*marks, "edge"):
        assert contrast(found[mark], found["paper"]) >= 3, mark


def test_every_colour_that_is_used_is_defined():
    style, script = inlined.style(), inlined.script()
    used = set(re.findall(r"var\(--([\w-]+)\)", style)) - {"sans", "mono", "top"}
    used |= set(re.findall(r'colour\("([\w-]+)"\)', script))
    assert used <= set(colours(0)), used - set(colours(0))


def test_the_script_neither_parses_html_nor_evaluates_text_nor_asks_the_network():
    script = inlined.script()
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function",
                      "fetch(", "XMLHttpRequest", "import(", "WebSocket", "</script"):  # fmt: skip
        assert forbidden not in script, forbidden


def test_every_string_that_the_page_asks_for_is_there_in_both_languages():
    from bayling_bench.report import strings

    templates = "".join(inlined.files("bayling_bench.report").joinpath(f"templates/{name}.html.j2").read_text("utf-8")
                        for name in ("page", "summary", "provenance", "parts"))  # fmt: skip
    asked = set(re.findall(r'\bt\("([\w.-]+)"', inlined.script())) | set(
        re.findall(r'data-t(?:-label)?="([\w.-]+)"', templates)
    )
    words = strings.load()
    assert len(asked) > 100
    assert {key for key in asked if key not in words["en"] or key not in words["zh"]} == set()
    holes = {key: set(re.findall(r"\{\w+\}", words["en"][key])) for key in words["en"] if key in words["zh"]}
    assert {key for key, names in holes.items() if names != set(re.findall(r"\{\w+\}", words["zh"][key]))} == set()


def test_every_script_is_joined_once():
    folder = inlined.files("bayling_bench.report") / "assets" / "scripts"
    there = sorted(path.name.removesuffix(".js") for path in folder.iterdir())
    assert sorted(inlined.SCRIPTS) == there
