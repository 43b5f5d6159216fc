from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bayling_bench.display.metrics import METRICS
from bayling_bench.errors import RunError
from bayling_bench.report import page
from bayling_bench.scoring.kinds import KINDS

from .made_up import HOSTILE, contents, write_run

VOID = {"meta", "wbr", "br", "input"}


class Page(HTMLParser):
    """The tags, the text outside of scripts, each script's text and each table row's cells of an HTML page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.blocks, self.rows, self.stack = [], [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.stack += [] if tag in VOID else [tag]
        if tag in ("script", "style"):
            self.blocks.append((tag, dict(attrs), []))
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data):
        if self.stack and self.stack[-1] in ("script", "style"):
            self.blocks[-1][2].append(data)
            return
        self.text.append(data)
        if {"th", "td"} & set(self.stack):
            self.rows[-1][-1] += data

    def block(self, tag, **wanted):
        return [
            "".join(parts)
            for name, attrs, parts in self.blocks
            if name == tag and all(attrs.get(key.replace("_", "-")) == value for key, value in wanted.items())
        ]

    def cells(self, first):
        """Return the cells of the first row that starts with ``first``, without white space around."""
        rows = [[" ".join(cell.split()) for cell in row] for row in self.rows]
        return next(row for row in rows if row[0] == first)


def unpacked(html, task):
    chunks = Page(html).block("script", data_task=task)
    return [item for chunk in chunks for item in json.loads(zlib.decompress(base64.b64decode(chunk)))]


def test_the_page_fetches_nothing_and_runs_only_our_script(strong, weak):
    parsed = Page(page.render([strong, weak]))
    assert not [tag for tag, _ in parsed.tags if tag in ("link", "img", "iframe", "object", "base", "form", "svg")]
    names = {name for _, attrs in parsed.tags for name in attrs}
    assert not {name for name in names if name.startswith("on")} | names & {"src", "srcset", "style", "action"}
    assert all(attrs["href"].startswith("#") for _, attrs in parsed.tags if "href" in attrs)


def test_the_policy_names_the_hashes_of_exactly_our_style_and_script(strong):
    parsed = Page(page.render([strong], items="none"))
    policy = next(attrs["content"] for _, attrs in parsed.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for kind, text in (("style", parsed.block("style")[0]), ("script", parsed.block("script", type=None)[0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_scores_of_one_run(strong):
    parsed = Page(page.render([strong], items="none"))
    cells = parsed.cells("wmt22_zh_en")
    # 20.1234567 ± 0.74, and the first signature
    assert cells[1:3] == ["2,037", "20.12 note 1 [19.4, 20.9]"]
    assert parsed.cells("wmt22_en_zh")[1] == "42 of 45"
    assert "needs a judge: bayling-bench judge RUN --protocol NAME" in parsed.cells("bayling80_en_multi")
    text = " ".join(" ".join(parsed.text).split())
    assert "3 unscored (prompt too long 2, api error 1)" in text
    assert "12.3 % of outputs are in the wrong language" in text
    assert "published:bayling-13b has no outputs for it" in text
    assert "BLEU: nrefs:1|case:mixed|eff:no|tok:ja-mecab|smooth:exp|version:2.6.0; interval: bootstrap" in text
    assert "bayling-13b on 9 tasks of 6 suites" in text
    assert "2,397 items; 3 unscored." in text  # 2037 + 8 x 45


def test_signature_stands_on_the_cell_and_in_a_numbered_line(strong):
    html = page.render([strong], items="none")
    parsed = Page(html)
    titles = {attrs["title"] for tag, attrs in parsed.tags if tag == "td" and "title" in attrs}
    notes = [" ".join(note.split()) for note in re.findall(r"<li>([^<]+)</li>", html.split('class="notes"')[1])]
    assert titles == set(notes[: len(titles)])


def best_of(html, task, metric):
    """Return for each run whether its value of ``metric`` in the overview of ``task`` is marked as best."""
    section = html.split('<section id="items"')[0]
    body = next(part for part in section.split("<tbody>") if f'href="#task={task}"' in part)
    row = next(part for part in body.split("<tr") if f">{metric}</a>" in part)
    return ['class="value best"' in cell for cell in row.split("<td")[1:]]


def test_the_best_is_among_finished_runs_of_one_signature_and_n(strong, weak, unfinished):
    html = page.render([strong, weak, unfinished], items="none")
    assert best_of(html, "wmt22_zh_en", "BLEU") == [True, False, False]  # the unfinished run has the highest value
    assert best_of(html, "wmt22_zh_en", "TER") == [True, False, False]  # lower is better
    assert best_of(html, "wmt22_en_zh", "BLEU") == [False, False, False]  # 42 items against 45
    assert best_of(html, "wmt22_en_ja", "BLEU") == [False, False, False]  # only one finished run has it
    assert best_of(html, "sat_math", "unparsed\u00a0%") == [False, False, False]  # equal


def test_unfinished_and_absent_tasks_say_so(strong, weak, unfinished):
    parsed = Page(page.render([strong, weak, unfinished], items="none"))
    assert parsed.cells("sat_math")[3] == "not scored: the run is unfinished"
    assert parsed.cells("wmt22_en_ja")[2:] == ["left out: no outputs for it", "not part of this run"]
    assert any("stopped-model unfinished" in " ".join(cell.split()) for row in parsed.rows for cell in row)


def test_items_come_back_as_they_were_scored(strong, weak):
    html = page.render([strong, weak])
    items = unpacked(html, "gaokao_chinese")
    assert [item["index"] for item in items] == list(range(45))
    for position, run in enumerate((strong, weak)):
        for item, record in zip(items, run.items("gaokao_chinese"), strict=True):
            assert (item["doc"], item["references"]) == (record["doc"], record["references"])
            entry = item["runs"][position]
            assert entry == {key: record[key] for key in ("turns", "scores", "flags", "unscored")}
    assert [item["runs"][1] for item in unpacked(html, "wmt22_en_ja")] == [None] * 45
    assert "acc_mc" in unpacked(html, "sat_math_mc")[0]["runs"][0]["scores"]


def test_a_run_with_other_references_keeps_its_own(strong, tmp_path):
    parts = contents("other", {"wmt22_en_ja": 45}, 1.0)
    parts["items"]["wmt22_en_ja"][4]["references"] = ["another", "two"]
    other = write_run(tmp_path / "other", **parts)
    items = unpacked(page.render([strong, other]), "wmt22_en_ja")
    assert items[4]["references"] == [json.loads(json.dumps("玉ねぎの値段は一か月で二倍になった"))]
    assert items[4]["runs"][1]["references"] == ["another", "two"]
    assert "references" not in items[3]["runs"][1]


def test_fewer_items_on_request(strong):
    few = page.render([strong], items=7)
    assert [item["index"] for item in unpacked(few, "wmt22_zh_en")] == list(range(7))
    assert "The first 7 of 2,037 items are in this file." in few
    none = page.render([strong], items="none")
    assert not Page(none).block("script", type="text/plain")
    assert none.count("No items of this task are in this file.") == 9


def test_the_same_runs_give_the_same_bytes(strong, weak):
    assert page.render([strong, weak]) == page.render([strong, weak])


def test_settings_mark_where_runs_differ(strong, weak):
    parsed = Page(page.render([strong, weak], items="none"))
    assert parsed.cells("spec differs")[1:] == ["published:bayling-13b", "published:smollm2-135m-instruct"]
    assert parsed.cells("reference set")[1:] == ["A", "A"]
    assert parsed.cells("sacrebleu") == ["sacrebleu", "2.6.0", "2.6.0"]
    file = f"owner/repository/{'0a' * 20}/text/wmt22_zh_en.txt"
    assert parsed.cells(file) == [file, "MIT", "0a" * 32, "bayling-13b, smollm2-135m-instruct"]


def test_runs_of_one_model_are_told_apart(strong, tmp_path):
    sizes = {"sat_math": 3}
    twins = [write_run(tmp_path / place / "x", **contents("twin", sizes, 1.0)) for place in ("a", "b")]
    html = page.render([*twins, write_run(tmp_path / "y", **contents("twin", sizes, 1.0))], items="none")
    assert Page(html).cells("Task and metric")[1:] == ["twin (x) (1)", "twin (x) (2)", "twin (y)"]


def test_no_path_of_this_machine_is_told(strong, tmp_path):
    assert str(tmp_path) not in page.render([strong], items="none")


def test_hostile_text_makes_no_element(hostile):
    html = page.render([hostile], title=HOSTILE[0])
    html.encode("utf-8")
    parsed = Page(html)
    assert len(parsed.block("script", type=None)) == len(parsed.block("style")) == 1
    assert not {tag for tag, _ in parsed.tags} & {"img", "svg"}
    assert all(attrs["href"].startswith("#") for _, attrs in parsed.tags if "href" in attrs)
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", html)
    assert "show all (1" not in html  # long answers fold in the browser, see test_browser.py
    assert "49" not in " ".join(parsed.cells("command"))  # {{ 7 * 7 }}


def test_writing_replaces_the_old_page_whole_or_not_at_all(strong, tmp_path):
    out = tmp_path / "new folder" / "report.html"
    page.write([strong], out, items=3)
    before = out.read_bytes()
    assert before.decode("utf-8") == page.render([strong], items=3)
    (strong.folder / "items" / "wmt22_zh_en.jsonl").write_text('{"item": ', "utf-8")
    with pytest.raises(RunError, match=r"wmt22_zh_en.jsonl, line 1 is damaged .*Expecting value.*bayling-bench score"):
        page.write([strong], out)
    assert out.read_bytes() == before
    assert [path.name for path in out.parent.iterdir()] == ["report.html"]


def test_a_page_that_cannot_be_written_is_an_error_for_the_user(strong, tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(RunError, match="taken could not be written"):
        page.write([strong], tmp_path / "taken", items="none")


def test_every_metric_of_the_record_has_a_name_and_a_sentence():
    assert set(KINDS) <= set(METRICS)
    assert all(metric.explanation.endswith(".") for metric in METRICS.values())


def luminance(colour):
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_contrast_is_aa(scheme):
    css = (Path(page.__file__).parent / "assets" / "page.css").read_text("utf-8")
    colours = dict(re.findall(r"--([\w-]+): (#\w{6});", re.findall(r":root \{(.*?)\}", css, re.DOTALL)[scheme]))
    papers = [colours[name] for name in ("paper", "raised", "warn-paper")]
    for name in ("ink", "quiet", "accent", "good", "bad", "warn"):
        for paper in papers:
            light, dark = sorted((luminance(colours[name]), luminance(paper)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, paper)
