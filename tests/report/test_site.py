"""A folder of records becomes a static site: relative links, every run with a page, nothing lost in silence."""

from __future__ import annotations

import json

import pytest

from bayling_bench.errors import BenchError
from bayling_bench.report import site

from .made_up import contents, write_run
from .test_board import BOARD, FIGURES
from .test_page import Page, island

SIZES = {"sat_math": 6, "wmt22_zh_en": 4}


def refuse(board):
    raise AssertionError(f"no board is here, and {board} was asked for")


def made(folder, standing_of=refuse):
    return site.write(folder, 2, standing_of, lambda *_: None)


def test_runs_at_any_depth_are_found_and_unreadable_ones_named(tmp_path):
    write_run(tmp_path / "a", **contents("alpha", SIZES, 1.0))
    write_run(tmp_path / "deep" / "er" / "javascript:alert(1)", **contents("beta", SIZES, 0.5))
    write_run(tmp_path / "half", **contents("gamma", SIZES, 2.0), done=False)
    for name, settings in (("future", '{"schema": 9, "bayling_bench": "7.0"}'), ("torn", '{"schema":')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(settings, "utf-8")
    damaged = write_run(tmp_path / "scores", **contents("delta", SIZES, 1.0))
    (damaged.folder / "scores.json").write_text('{"tasks":', "utf-8")
    found = made(tmp_path)
    assert found.pages == 3
    notes = " ".join(found.notes)
    for part in ("record schema 9 of BayLing Bench 7.0", "pip install bayling-bench==7.0", "run.json is damaged", "scores.json is damaged"):  # fmt: skip  # noqa: E501
        assert part in notes
    html = (tmp_path / "index.html").read_text("utf-8")
    links = [attrs["href"] for tag, attrs in Page(html).tags if tag == "a" and not attrs["href"].startswith("#")]
    assert links == ["a/report.html", "deep/er/javascript%3Aalert%281%29/report.html", "half/report.html"]
    assert all((tmp_path / link).is_file() for link in ("a/report.html", "half/report.html"))
    board = island(html)
    assert [(system["label"], system["finished"]) for system in board["systems"]] == [
        ("alpha", True), ("beta", True), ("gamma", False),
    ]  # fmt: skip
    assert {cell["system"] for cell in board["cells"] if cell.get("best") or "rank_low" in cell} == {"run 1", "run 2"}
    assert str(tmp_path) not in html


def test_a_page_is_made_again_only_when_its_run_changed(tmp_path):
    run = write_run(tmp_path / "a", **contents("alpha", SIZES, 1.0))
    page = run.folder / "report.html"
    made(tmp_path)
    page.write_text(page.read_text("utf-8") + "<!-- as it was -->", "utf-8")
    made(tmp_path)
    assert page.read_text("utf-8").endswith("<!-- as it was -->")
    scores = json.loads((run.folder / "scores.json").read_text("utf-8"))
    (run.folder / "scores.json").write_text(json.dumps(scores), "utf-8")
    stat = page.stat()
    import os

    os.utime(run.folder / "scores.json", (stat.st_atime + 5, stat.st_mtime + 5))
    made(tmp_path)
    assert not page.read_text("utf-8").endswith("<!-- as it was -->")


def test_a_page_is_made_again_for_other_items(tmp_path):
    run = write_run(tmp_path / "a", **contents("alpha", SIZES, 1.0))
    made(tmp_path)
    assert island((run.folder / "report.html").read_text("utf-8"))["items"]["sat_math"]["packed"] == 2
    site.write(tmp_path, "none", refuse, lambda *_: None)
    assert not island((run.folder / "report.html").read_text("utf-8"))["items"]


def test_boards_get_a_page_too(tmp_path):
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "board.toml").write_text(BOARD, "utf-8")
    (folder / "figures.csv").write_text(FIGURES, "utf-8")
    from bayling_bench.audit import rows
    from bayling_bench.report.gathered import Standing

    found = made(tmp_path, lambda board: Standing(board=board, audited=rows.audit(board)))
    assert found.pages == 1
    assert 'href="lab/report.html"' in found.index.read_text("utf-8")
    assert "Our lab" in (folder / "report.html").read_text("utf-8")


def test_a_folder_of_nothing_says_how_to_make_a_run(tmp_path):
    with pytest.raises(BenchError, match=r"holds no run record and no board\. `bayling-bench run -o "):
        made(tmp_path)
    with pytest.raises(BenchError, match="there is no such folder"):
        made(tmp_path / "gone")
