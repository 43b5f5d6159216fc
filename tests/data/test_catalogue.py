"""The catalogue against the upstream files themselves, and its look-ups."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from bayling_bench.data import catalogue, store
from bayling_bench.errors import DataError

AGIEVAL = "ruixiangcui/AGIEval"
BAYLING = "ictnlp/BayLing"
WMT22 = "wmt-conference/wmt22-news-systems"


def test_it_holds_669_files_at_4_pins():
    """The numbers are those of the issue and of ``git ls-tree`` at the pinned commits."""
    by_pin: dict[tuple[str, str], int] = {}
    for file in catalogue.files():
        pin = (file.repo, file.commit[:8])
        by_pin[pin] = by_pin.get(pin, 0) + 1
    assert by_pin == {
        (BAYLING, "8f6ecb91"): 382,
        (AGIEVAL, "36809101"): 20,
        (AGIEVAL, "5c77d073"): 22,
        (WMT22, "20240a2e"): 245,
    }
    assert len({f.tail for f in catalogue.files()}) == 669


def test_every_entry_is_well_formed():
    for file in catalogue.files():
        assert re.fullmatch("[0-9a-f]{40}", file.commit)
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.bytes > 0
        assert not file.path.startswith("/") and ".." not in file.path.split("/")


@pytest.mark.parametrize(
    ("repo", "path", "licence", "work"),
    [  # as AGIEval's data/v1/LICENSE gives them, section by section
        (AGIEVAL, "data/v1/gaokao-physics.jsonl", "MIT", "AGIEval"),
        (AGIEVAL, "data/v1/sat-math.jsonl", "MIT", "AGIEval"),
        (AGIEVAL, "data/v1/lsat-ar.jsonl", "MIT", "From LSAT"),
        (AGIEVAL, "data/v1/aqua-rat.jsonl", "Apache-2.0", "Program Induction"),
        (AGIEVAL, "data/v1/logiqa-zh.jsonl", "CC-BY-NC-SA-4.0", "LogiQA"),
        (AGIEVAL, "data/v1/math.jsonl", "MIT", "MATH"),
        (AGIEVAL, "data/v1/jec-qa-kd.jsonl", "academic research only, no commercial use", "JEC-QA"),
        (BAYLING, "exp/general_tasks/bayling-13b/res.bayling-80.multiturn.en.jsonl", "GPL-3.0", "2306.10968"),
        (WMT22, "txt/sources/generaltest2022.zh-en.src.zh", "no licence file; research use with citation", "WMT22"),
    ],
)
def test_licence_and_citation_follow_the_longest_prefix(repo: str, path: str, licence: str, work: str):
    file = catalogue.find(repo, path, "5c77" if repo == AGIEVAL else None)
    assert file.licence == licence
    assert work in file.citation


def test_every_source_has_files_and_every_file_a_source():
    used = {file.source for file in catalogue.files()}
    assert used == set(catalogue.sources())


def test_url_is_the_raw_file_at_the_pin_with_its_path_quoted():
    file = catalogue.find(WMT22, "humaneval/DA+SQM/scores/header.SegLvl.csv")
    assert file.url == (
        "https://raw.githubusercontent.com/wmt-conference/wmt22-news-systems/"
        "20240a2e96a50e823ea8cdf37fd8af52547146e3/humaneval/DA%2BSQM/scores/header.SegLvl.csv"
    )


def test_find_names_near_paths_and_repositories():
    with pytest.raises(DataError, match=r"Did you mean .*data/v1/gaokao-physics\.jsonl"):
        catalogue.find(AGIEVAL, "data/v1/gaokao-fysics.jsonl")
    with pytest.raises(DataError, match="Did you mean ictnlp/BayLing"):
        catalogue.find("ictnlp/Bayling", "README.md")


def test_find_asks_for_a_commit_where_two_hold_the_path():
    path = "data/v1/gaokao-physics.jsonl"
    with pytest.raises(DataError, match="choose one: commit=5c77d073 or 36809101"):
        catalogue.find(AGIEVAL, path)
    june, head = catalogue.find(AGIEVAL, path, "36809101"), catalogue.find(AGIEVAL, path, "5c77")
    assert june.sha256 != head.sha256  # PROTOCOL: today's head corrects the label of item 3
    with pytest.raises(DataError, match="not pinned at commit 'abc'"):
        catalogue.find(AGIEVAL, path, "abc")


def test_match_is_a_shell_pattern_over_the_path():
    names = [f.path for f in catalogue.match(WMT22, "txt/references/generaltest2022.zh-en.ref.*")]
    assert names == [f"txt/references/generaltest2022.zh-en.ref.{x}.en" for x in "AB"]
    assert len(catalogue.match(AGIEVAL, "data/v1/gaokao-*.jsonl", "5c77")) == 9
    assert catalogue.match(BAYLING, "nothing/*") == []
    with pytest.raises(DataError, match="no repository"):
        catalogue.match("nobody/nothing", "*")


def test_importing_it_parses_nothing():
    probe = "import bayling_bench.data.catalogue as c; assert c._facts.cache_info().currsize == 0; print('ok')"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert done.stdout == "ok\n", done.stderr


@pytest.mark.mirror
def test_every_mirrored_file_verifies(mirror, tmp_path, monkeypatch):
    """284 of the 669 files are mirrored (``mirrored: true`` in the facts that the catalogue was made from)."""
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv(store.MIRROR_VARIABLE, str(mirror))
    mirrored = [f for f in catalogue.files() if (mirror / f.tail).is_file()]
    assert len(mirrored) == 284
    assert sum(len(store.read_bytes(f)) for f in mirrored) == sum(f.bytes for f in mirrored)
