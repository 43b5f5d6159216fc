from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from bayling_bench.display.metrics import METRICS
from bayling_bench.errors import BenchError, RunError
from bayling_bench.record import check_writable
from bayling_bench.report import items, packing, page
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


def chunks(html, task):
    """Return what the packs of a page hold of a task."""
    packs = island(html)["items"][task]["packs"]
    return [packing.unpacked(Page(html).block("script", data_pack=str(place))[0])[task] for place in packs]


def island(html):
    return json.loads(Page(html).block("script", id="board")[0])


def test_the_page_fetches_nothing_and_runs_only_our_script(strong, weak):
    parsed = Page(page.render([strong, weak], items=3))
    assert not [tag for tag, _ in parsed.tags if tag in ("link", "img", "iframe", "object", "base", "form", "svg")]
    names = {name for _, attrs in parsed.tags for name in attrs}
    assert not {name for name in names if name.startswith("on")} | names & {"src", "srcset", "style", "action"}
    assert all(attrs["href"].startswith("#") for _, attrs in parsed.tags if "href" in attrs)


def test_the_policy_names_the_hashes_of_exactly_our_style_and_script(strong):
    parsed = Page(page.render([strong], items="none"))
    policy = next(attrs["content"] for _, attrs in parsed.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for kind, text in (("style", parsed.block("style")[0]), ("script", parsed.block("script", type="module")[0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert re.search(f"{kind}-src [^;]*'sha256-{re.escape(digest)}'", policy)


def test_scores_stand_in_tables_without_any_script(strong, weak):
    parsed = Page(page.render([strong, weak], items="none"))
    rows = [row for row in parsed.rows if row and row[0].startswith("bayling-13b")]
    cells = [" ".join(cell.split()) for row in rows for cell in row]
    assert any(cell.startswith("20.12") and "[19.4, 20.9]" in cell for cell in cells)  # 20.1234567 ± 0.74
    assert any("3 unscored" in cell and "12.3 % wrong language" in cell for cell in cells)


def best_of(board, task, metric):
    """Return the systems whose number in a column is marked as best."""
    return [
        cell["system"]
        for cell in board["cells"]
        if cell.get("best") and cell["task"] == task and cell["metric"] == metric
    ]


def test_the_best_is_among_finished_runs_of_one_n(strong, weak, unfinished):
    board = island(page.render([strong, weak, unfinished], items="none"))
    assert best_of(board, "wmt22_zh_en", "bleu") == ["run 1"]  # the unfinished run has the highest value
    assert best_of(board, "wmt22_zh_en", "ter") == ["run 1"]  # lower is better
    assert best_of(board, "wmt22_en_zh", "bleu") == []  # 42 items against 45
    assert best_of(board, "wmt22_en_ja", "bleu") == []  # only one finished run has it
    assert best_of(board, "sat_math", "unparsed") == []  # equal
    assert [system["finished"] for system in board["systems"]] == [True, True, False]
    assert not [cell for cell in board["cells"] if cell["system"] == "run 3" and "rank_low" in cell]
    assert any("stopped-model" in sentence["en"] for sentence in board["summary"] if "never ranked" in sentence["en"])


def test_cells_that_are_empty_say_why(strong, weak, unfinished):
    board = island(page.render([strong, weak, unfinished], items="none"))
    why = {(each["system"], each["task"]): each["why"] for each in board["absent"]}
    assert why["run 3", "sat_math"] == "not scored: the run is unfinished"
    assert why["run 2", "wmt22_en_ja"] == "left out: no outputs for it"
    assert why["run 3", "wmt22_en_ja"] == "not part of this run"
    assert why["run 1", "bayling80_en_multi"] == "needs a judge: bayling-bench judge RUN --protocol NAME"


def test_two_runs_are_tested_against_each_other_on_what_both_answered(strong, weak):
    board = island(page.render([strong, weak], items="none"))
    ranks = {
        cell["system"]: (cell["rank_low"], cell["rank_high"])
        for cell in board["cells"]
        if (cell["task"], cell["metric"]) == ("gaokao_chinese", "acc")
    }
    (pair,) = [each for each in board["pairs"] if (each["task"], each["metric"]) == ("gaokao_chinese", "acc")]
    assert (pair["first"], pair["second"]) == ("run 1", "run 2")
    apart = pair["p_holm"] < 0.05
    assert ranks == ({"run 1": (1, 1), "run 2": (2, 2)} if apart else {"run 1": (1, 2), "run 2": (1, 2)})
    assert not [each for each in board["pairs"] if each["task"] == "wmt22_en_zh"]  # unscored items in one of them


def test_items_come_back_as_they_were_scored(strong, weak):
    html = page.render([strong, weak])
    (chunk,) = chunks(html, "gaokao_chinese")
    assert [item[0] for item in chunk["items"]] == list(range(45))
    assert chunk["prompts"] == [{"before": "### Instruction:\n", "after": "\n### Response:\n"}] * 2
    for position, run in enumerate((strong, weak)):
        for place, record in enumerate(run.items("gaokao_chinese")):
            _, doc, references, users, entries = chunk["items"][place]
            assert doc == {name: value for name, value in record["doc"].items() if value}
            assert (references, users) == (record["references"], [record["turns"][0]["user"]])
            entry = entries[position]
            assert entry["turns"][0]["response"] == record["turns"][0]["response"]
            assert entry.get("flags", []) == record["flags"]
            assert chunk["columns"][position]["acc"][place] == record["scores"]["acc"]
    assert [entries[0] is None for *_, entries in chunks(html, "wmt22_en_ja")[0]["items"]] == [False] * 45
    assert "acc_mc" in chunks(html, "sat_math_mc")[0]["columns"][0]
    told = island(html)["items"]["wmt22_zh_en"]
    assert (told["total"], told["packed"], told["suite"]) == (2037, 2037, "wmt22")
    assert [part["system"] for part in told["parts"]] == ["run 1", "run 2"]


def test_the_question_around_each_source_is_kept_once(strong):
    (chunk,) = chunks(page.render([strong], items=5), "wmt22_zh_en")
    assert chunk["users"] == {"before": "Provide the translation for this sentence: ", "after": ""}
    assert [users for _, _, _, users, _ in chunk["items"]] == [0] * 5


def test_a_run_with_other_references_keeps_its_own(strong, tmp_path):
    parts = contents("other", {"wmt22_en_ja": 45}, 1.0)
    parts["items"]["wmt22_en_ja"][4]["references"] = ["another", "two"]
    other = write_run(tmp_path / "other", **parts)
    (chunk,) = chunks(page.render([strong, other], items=6), "wmt22_en_ja")
    assert chunk["items"][4][2] == ["玉ねぎの値段は一か月で二倍になった"]
    assert chunk["items"][4][4][1]["references"] == ["another", "two"]
    assert "references" not in chunk["items"][3][4][1]


def test_fewer_items_on_request(strong):
    few = page.render([strong], items=7)
    assert [item[0] for item in chunks(few, "wmt22_zh_en")[0]["items"]] == list(range(7))
    sample = chunks(page.render([strong], items="sample"), "wmt22_zh_en")[0]["items"]
    assert len({item[0] for item in sample}) == 100
    assert max(item[0] for item in sample) > 1000  # from the whole task, not its beginning
    none = page.render([strong], items="none")
    assert not Page(none).block("script", type="text/plain")
    assert island(none)["items"] == {}


def test_tasks_of_the_same_documents_share_them(tmp_path):
    parts = contents("both", {"wmt22_en_zh": 400, "wmt22_en_ja": 400}, 1.0)
    for task in parts["items"]:
        for index, line in enumerate(parts["items"][task]):
            line["doc"] = {"source": f"The {index}th sentence of a source that two directions share, long enough."}
    html = page.render([write_run(tmp_path / "both", **parts)])
    (docs,) = [block for block in Page(html).blocks if "data-docs" in block[1]]
    shared = packing.unpacked("".join(docs[2]))
    for task in parts["items"]:
        (chunk,) = chunks(html, task)
        assert chunk["docs"] == docs[1]["data-docs"]
        assert [item[1] for item in chunk["items"]] == [0] * 400
        assert shared == [line["doc"] for line in parts["items"][task]]


def test_tasks_that_ask_much_the_same_lie_in_one_pack(strong):
    items_of = island(page.render([strong], items=3))["items"]
    assert items_of["sat_math"]["packs"] == items_of["sat_math_mc"]["packs"]
    assert items_of["wmt22_en_zh"]["packs"] == items_of["interactive_translation_en_zh"]["packs"]
    assert items_of["wmt22_en_zh"]["packs"] != items_of["wmt22_en_ja"]["packs"]


def test_a_large_task_is_cut_into_several_packs(strong, monkeypatch):
    monkeypatch.setattr(items, "CHUNK", 4_000)
    html = page.render([strong], items=45)
    found = chunks(html, "gaokao_chinese")
    assert len(found) > 3
    assert [item[0] for chunk in found for item in chunk["items"]] == list(range(45))
    assert [score for chunk in found for score in chunk["columns"][0]["acc"]] == [
        record["scores"]["acc"] for record in strong.items("gaokao_chinese")
    ]


def test_the_same_runs_give_the_same_bytes(strong, weak):
    assert page.render([strong, weak], items=9) == page.render([strong, weak], items=9)


def test_settings_mark_where_runs_differ(strong, weak):
    parsed = Page(page.render([strong, weak], items="none"))
    assert parsed.cells("spec differs")[1:] == ["published:bayling-13b", "published:smollm2-135m-instruct"]
    assert parsed.cells("reference set")[1:] == ["A", "A"]
    assert parsed.cells("sacrebleu") == ["sacrebleu", "2.6.0", "2.6.0"]
    file = f"owner/repository/{'0a' * 20}/text/wmt22_zh_en.txt"
    assert parsed.cells(file) == [file, "MIT", "0a" * 32, "bayling-13b, smollm2-135m-instruct"]


def test_commands_that_repeat_the_runs_stand_in_the_page(strong):
    text = " ".join(Page(page.render([strong], items="none")).text)
    assert "bayling-bench run --model published:bayling-13b --tasks paper" in text


def test_runs_of_one_model_are_told_apart(strong, tmp_path):
    sizes = {"sat_math": 3}
    twins = [write_run(tmp_path / place / "x", **contents("twin", sizes, 1.0)) for place in ("a", "b")]
    board = island(page.render([*twins, write_run(tmp_path / "y", **contents("twin", sizes, 1.0))], items="none"))
    assert [system["label"] for system in board["systems"]] == ["twin (x) (1)", "twin (x) (2)", "twin (y)"]


def test_runs_of_other_data_stand_apart_with_the_reason(strong, tmp_path):
    parts = contents("old-labels", {"gaokao_chinese": 45}, 1.2)
    parts["run"]["options"]["label_state"] = "2023-06"
    html = page.render([strong, write_run(tmp_path / "old", **parts)], items="none")
    board = island(html)
    states = next(suite["states"] for suite in board["suites"] if suite["key"] == "gaokao")
    assert len(states) == 2
    assert all(state.endswith("first:45") for state in states)  # of 246: not comparable with the whole task
    assert best_of(board, "gaokao_chinese", "acc") == []
    assert "three labels have been corrected since" in " ".join(Page(html).text)


def test_fifty_runs_stand_side_by_side_untested(tmp_path):
    runs = [
        write_run(
            tmp_path / f"r{number}", **contents(f"model-{number}", {"sat_math": 5, "wmt22_zh_en": 4}, number / 50)
        )
        for number in range(1, 51)
    ]
    board = island(page.render(runs, items="none"))
    assert len(board["systems"]) == 50
    assert best_of(board, "sat_math", "acc") == ["run 50"]
    assert board["pairs"] == []


def test_no_path_of_this_machine_is_told(strong, tmp_path):
    assert str(tmp_path) not in page.render([strong], items="none")


def test_hostile_text_makes_no_element(hostile):
    html = page.render([hostile], title=HOSTILE[0])
    html.encode("utf-8")
    parsed = Page(html)
    assert len(parsed.block("script", type="module")) == len(parsed.block("style")) == 1
    assert {attrs.get("type") for tag, attrs, _ in parsed.blocks if tag == "script"} == {
        "module", "application/json", "text/plain",
    }  # fmt: skip
    assert not {tag for tag, _ in parsed.tags} & {"img", "svg"}
    assert all(attrs["href"].startswith("#") for _, attrs in parsed.tags if "href" in attrs)
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", html)
    for task in ("wmt22_zh_en", "mini_conversation"):
        told = json.dumps(chunks(html, task), ensure_ascii=False)
        assert not re.search("[\x00-\x1f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", told)
    assert HOSTILE[0] + "长" * 1_000_000 in json.dumps(chunks(html, "wmt22_zh_en"), ensure_ascii=False)
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
    (tmp_path / "file").touch()
    for out in (tmp_path / "taken", tmp_path / "file" / "report.html"):
        with pytest.raises(RunError, match=f"{out.name} could not be written"):
            page.write([strong], out, items="none")
        with pytest.raises(RunError, match=f"{out.name} could not be written"):
            check_writable(out)  # before anything is computed
    check_writable(tmp_path / "new" / "report.html")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_page_of_nothing_is_refused():
    with pytest.raises(BenchError, match="bayling-bench report RUN"):
        page.render([])


def test_every_metric_of_the_record_has_a_name_and_a_sentence():
    assert set(KINDS) <= set(METRICS)
    assert all(metric.explanation.endswith(".") for metric in METRICS.values())
