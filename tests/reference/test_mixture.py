"""Mixtures: the same bytes by the same seed, a card that adds up, test sentences refused, nothing half-written."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from reference_model.contamination import TestSentences, digest
from reference_model.conversation import from_json
from reference_model.errors import CorpusError
from reference_model.mixture import build, read_mixture

from .made_up_texts import made_up_pairs, write_lines

MIXTURE = """
seed = 7
test_sentences = ["tests"]
[interactive]
changes = [1, 2]
instructions = ["en", "de"]
[[source]]
name = "pairs"
format = "lines"
files = ["a.en", "a.zh"]
languages = ["en", "zh"]
weight = 1.5
both = true
[[source]]
name = "talk"
format = "alpaca"
files = ["talk.jsonl"]
languages = ["en"]
"""
TEST_SENTENCE = "The committee postponed the vote until Thursday evening."


@pytest.fixture
def mixture(tmp_path: Path) -> Path:
    pairs = [
        *made_up_pairs(100),
        (TEST_SENTENCE.upper().replace(" ", "  "), "委员会推迟了投票。"),
        ("only this side", ""),
    ]
    write_lines(tmp_path / "a.en", (source for source, _ in pairs))
    write_lines(tmp_path / "a.zh", (target for _, target in pairs))
    talks = [{"instruction": f"Count to {n}.", "output": " ".join(map(str, range(n)))} for n in range(3, 20)]
    talks += [
        {"instruction": f"Please translate: {TEST_SENTENCE}", "output": "…"},
        {"instruction": "", "output": "an answer to nothing"},
        {"instruction": "Smile, please.", "output": "Here: \ud83d"},
    ]
    write_lines(tmp_path / "talk.jsonl", map(json.dumps, talks))
    write_lines((tmp_path / "tests").mkdir() or tmp_path / "tests" / "newstest.en", [TEST_SENTENCE, "Thank you."])
    (tmp_path / "mix.toml").write_text(MIXTURE, encoding="utf-8")
    return tmp_path / "mix.toml"


def read(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "conversations.jsonl").read_text(encoding="utf-8").splitlines()]


def test_the_card_says_what_is_in_the_folder(mixture, tmp_path):
    card = build(read_mixture(mixture), tmp_path / "out")
    records = read(tmp_path / "out")
    assert card == json.loads((tmp_path / "out" / "card.json").read_text(encoding="utf-8"))
    assert card["conversations"] == len(records)
    assert card["sha256"] == hashlib.sha256((tmp_path / "out" / "conversations.jsonl").read_bytes()).hexdigest()
    pairs, talk = (source["counts"] for source in card["sources"])
    assert pairs["read"] == 102 and pairs["left out: test sentences"] == 1 and pairs["left out: empty"] == 1
    assert talk["read"] == 20 and talk["conversations"] == 17
    assert talk["left out: test sentences"] == 1 and talk["left out: not turn by turn"] == 1
    assert talk["left out: half a character"] == 1
    assert pairs["conversations"] == sum(record["source"] == "pairs" for record in records)
    assert 120 < pairs["conversations"] < 180  # 100 pairs, 1.5 times each on average
    assert sum(count for what, count in pairs.items() if what.startswith("asked: ")) == sum(
        len(record.get("targets", [])) for record in records
    )
    lengths = sorted(sum(len(message["content"]) for message in record["messages"]) for record in records)
    assert card["characters"]["most"] == lengths[-1] and card["characters"]["all"] == sum(lengths)
    assert card["languages"] == ["en", "zh"]
    assert card["sources"][0]["sha256"]["a.en"] == hashlib.sha256((tmp_path / "a.en").read_bytes()).hexdigest()


def test_no_test_sentence_is_left_and_both_directions_occur(mixture, tmp_path):
    build(read_mixture(mixture), tmp_path / "out")
    text = (tmp_path / "out" / "conversations.jsonl").read_text(encoding="utf-8")
    assert "COMMITTEE" not in text and "committee" not in text
    first = [record["messages"][0]["content"] for record in read(tmp_path / "out") if record["source"] == "pairs"]
    chinese = sum("小狗" in text or "。" in text for text in first)
    assert 0.3 < chinese / len(first) < 0.7
    for record in read(tmp_path / "out"):
        assert from_json(record["messages"])


def test_the_same_mixture_gives_the_same_bytes_and_another_seed_others(mixture, tmp_path):
    hashes = [build(read_mixture(mixture), tmp_path / name)["sha256"] for name in ("one", "two")]
    mixture.write_text(MIXTURE.replace("seed = 7", "seed = 8"), encoding="utf-8")
    assert hashes[0] == hashes[1] != build(read_mixture(mixture), tmp_path / "three")["sha256"]


def test_hashes_serve_instead_of_the_sentences(mixture, tmp_path):
    TestSentences.read([tmp_path / "tests"]).write(tmp_path / "tests.hashes")
    assert TEST_SENTENCE not in (tmp_path / "tests.hashes").read_text(encoding="utf-8")
    by_text = build(read_mixture(mixture), tmp_path / "one")
    mixture.write_text(MIXTURE.replace('["tests"]', '["tests.hashes"]'), encoding="utf-8")
    by_hash = build(read_mixture(mixture), tmp_path / "two")
    assert by_text["sha256"] == by_hash["sha256"]
    assert by_text["test_sentences"]["checked against"] == by_hash["test_sentences"]["checked against"] == 1


def test_case_spacing_and_width_do_not_hide_a_sentence_and_short_ones_prove_nothing():
    assert digest("The  COMMITTEE postponed, the vote!") == digest("the committee postponed the vote")
    assert digest("ＡＢＣ委员会推迟了投票。") == digest("abc委员会推迟了投票")
    assert digest("Thank you very.") is None and digest("谢谢你。") is None
    assert digest("委员会推迟了投票") is not None


@pytest.mark.mirror
def test_wmt22_sentences_are_found(mirror):
    texts = next((mirror / "wmt-conference" / "wmt22-news-systems").iterdir()) / "txt"
    tests = TestSentences.read([texts / "references"])
    sentence = (texts / "references" / "generaltest2022.de-en.ref.A.en").read_text(encoding="utf-8").split("\n")[10]
    assert len(tests) > 2000 and tests.hold([f"Translate this into Chinese: {sentence}"])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("weight", "wieght", "source 1: unknown key `wieght`. Did you mean weight"),
        ('format = "lines"', 'format = "line"', "'line' is unknown. Did you mean lines"),
        ('languages = ["en", "zh"]', 'languages = ["en"]', "sentence pairs need languages"),
        ('name = "talk"', 'name = "pairs"', "'pairs' occurs twice"),
        ('test_sentences = ["tests"]\n', "", "`test_sentences` is missing"),
        ('["tests"]', '["none"]', "none: cannot be read"),
        ("weight = 1.5", 'weight = "x"', "`weight` = 'x' is not a number"),
        ("seed = 7", "seed = ", "cannot be read as TOML"),
        ("talk.jsonl", "empty.jsonl", "'talk' gave no conversation: its files are empty"),
        ("[[source]]", "[[sources]]", "has no \\[\\[source"),
    ],
)
def test_a_mixture_that_cannot_be_is_refused_and_leaves_nothing(mixture, tmp_path, old, new, words):
    (tmp_path / "empty.jsonl").touch()
    mixture.write_text(MIXTURE.replace(old, new), encoding="utf-8")
    with pytest.raises(CorpusError, match=words):
        build(read_mixture(mixture), tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


def test_a_folder_that_is_there_is_not_touched(mixture, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(CorpusError, match="exists already"):
        build(read_mixture(mixture), tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_glossaries_are_read_and_need_a_translation(mixture, tmp_path):
    from reference_model.mixture import read_glossary

    write_lines(tmp_path / "terms.tsv", ["river\tFluss\tBach", "", "house\tHaus"])
    assert read_glossary(tmp_path / "terms.tsv") == {"river": ("Fluss", "Bach"), "house": ("Haus",)}
    write_lines(tmp_path / "terms.tsv", ["river"])
    with pytest.raises(CorpusError, match=r"terms.tsv:1: a term and its translation"):
        read_glossary(tmp_path / "terms.tsv")
