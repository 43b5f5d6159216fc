"""Readers: every form gives the same pairs and talks, and what is not as it was said to be is refused by line."""

from __future__ import annotations

import gzip
import json
import tracemalloc

import pytest

from reference_model.conversation import Message
from reference_model.corpus import Pair, read_pairs, read_talks
from reference_model.errors import CorpusError

PAIRS = [Pair("老房子在河边。", "The old house stands near the river."), Pair("他喜欢茶。", "He likes tea.")]
TMX = """<?xml version="1.0" encoding="UTF-8"?><tmx version="1.4"><header/><body>{}</body></tmx>"""


def unit(source: str, target: str) -> str:
    return (
        f'<tu><tuv xml:lang="zh-CN"><seg>{source}</seg></tuv><tuv xml:lang="DE"><seg>x</seg></tuv>'
        f'<tuv xml:lang="en"><seg>{target.replace("old", "<hi>old</hi>")}</seg></tuv></tu>'
    )


def written(tmp_path, form: str):
    if form == "lines":
        texts = {"a.zh": "\n".join(p.source for p in PAIRS) + "\n", "a.en": "\r\n".join(p.target for p in PAIRS)}
    elif form == "tsv":
        texts = {"a.tsv": "".join(f"{p.source}\t{p.target}\n" for p in PAIRS)}
    elif form == "tmx":
        texts = {
            "a.tmx": TMX.format(
                "".join(unit(p.source, p.target) for p in PAIRS)
                + unit("只有中文", "").split('<tuv xml:lang="en')[0]
                + "</tu>"
            )
        }
    else:
        keys = [("zh", "en"), ("source", "target"), ("src", "tgt")]
        records = [
            {k: v for k, v in zip(ks, (p.source, p.target), strict=True)} for ks, p in zip(keys, PAIRS, strict=False)
        ]
        texts = {"a.jsonl": json.dumps({"translation": records[0]}) + "\n\n" + json.dumps(records[1]) + "\n"}
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text.encode())
    return [tmp_path / name for name in texts]


@pytest.mark.parametrize("form", ["lines", "tsv", "tmx", "jsonl"])
def test_every_form_gives_the_same_pairs(form, tmp_path):
    assert list(read_pairs(form, written(tmp_path, form), ("zh", "en"))) == PAIRS


def test_packed_files_and_byte_order_marks_are_read(tmp_path):
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress("\ufeffeins\tone\n".encode()))
    assert list(read_pairs("tsv", [tmp_path / "a.tsv.gz"], ("de", "en"))) == [Pair("eins", "one")]


def test_formatting_codes_of_a_translation_memory_are_not_text(tmp_path):
    """TMX 1.4b, content markup: `bpt`, `ept`, `ph`, `it` hold codes of the original file, `hi` and `sub` hold text."""
    coded = '<bpt i="1">&lt;b&gt;</bpt>old<ept i="1">&lt;/b&gt;</ept> <hi>house</hi><ph>\\n</ph>'
    (tmp_path / "a.tmx").write_text(TMX.format(unit("老房子", "x").replace(">x<", f">The {coded}.<")), encoding="utf-8")
    texts = list(read_pairs("tmx", [tmp_path / "a.tmx"], ("zh", "en")))
    assert texts == [Pair("老房子", "The old house.")]


def test_a_translation_memory_of_any_size_passes_through(tmp_path):
    peaks = []
    for count in (2000, 8000):
        (tmp_path / "a.tmx").write_text(TMX.format(unit("房子", "house") * count), encoding="utf-8")
        tracemalloc.start()
        assert sum(1 for _ in read_pairs("tmx", [tmp_path / "a.tmx"], ("zh", "en"))) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def test_entities_neither_grow_nor_read_files(tmp_path):
    declared = '<!DOCTYPE tmx [<!ENTITY a0 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa">'
    declared += "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(8)) + "]>"
    for entities, text in ((declared, "&a8;"), ('<!DOCTYPE tmx [<!ENTITY f SYSTEM "file:///etc/passwd">]>', "&f;")):
        (tmp_path / "a.tmx").write_text(entities + f"<tmx>{unit('x', text)}</tmx>", encoding="utf-8")
        with pytest.raises(CorpusError, match="not well-formed TMX"):
            list(read_pairs("tmx", [tmp_path / "a.tmx"], ("zh", "en")))


def test_only_a_line_feed_ends_a_line(tmp_path):
    (tmp_path / "a.de").write_text("eins\u2028zwei\x0bdrei\n", encoding="utf-8")
    (tmp_path / "a.en").write_text("one two three\n", encoding="utf-8")
    assert len(list(read_pairs("lines", [tmp_path / "a.de", tmp_path / "a.en"], ("de", "en")))) == 1


@pytest.mark.parametrize(
    ("form", "files", "words"),
    [
        ("lines", {"a.zh": b"a\nb\nc\n", "a.en": b"a\nb\n"}, "has 3 lines and .*a.en has 2"),
        ("lines", {"a.zh": b"a\n\xff\xfeb\n", "a.en": b"a\nb\n"}, "a.zh:2: byte 0xff is not UTF-8"),
        ("tsv", {"a.tsv": b"a\tb\nno tab\n"}, "a.tsv:2: no tab"),
        ("tmx", {"a.tmx": b"<tmx><tu>"}, "not well-formed"),
        ("tmx", {"a.tmx": TMX.format(unit("x", "y")).replace("zh-CN", "fr").encode()}, "no text in zh; found: de, en"),
        ("jsonl", {"a.jsonl": b'{"zh": "x"}\n'}, "a.jsonl:1: no texts under zh and en"),
        ("jsonl", {"a.jsonl": b'{"zh": "x", "en": "y"}\n{"zh": '}, "a.jsonl:2: is not JSON"),
        ("tsv", {"a.tsv.gz": b"plain text"}, "not a whole gzip file"),
        ("tmx", {"a.tmx.gz": b"plain text"}, "not a whole gzip file"),
        ("tsv", {"a.tsv.gz": gzip.compress(b"one\teins\n")[:12] + b"\xff" * 30}, "not a whole gzip file"),
        ("jsonl", {"a.jsonl": b"[" * 100_000}, "a.jsonl:1: is JSON of too many levels"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(form, files, words, tmp_path):
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(CorpusError, match=words):
        list(read_pairs(form, [tmp_path / name for name in files], ("zh", "en")))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CorpusError, match=r"none\.tsv: cannot be read"):
        list(read_pairs("tsv", [tmp_path / "none.tsv"], ("zh", "en")))


TALK = (Message(role="user", content="Add:\n2 and 3"), Message(role="assistant", content="5"))


@pytest.mark.parametrize("as_list", [True, False])
@pytest.mark.parametrize(
    ("form", "record"),
    [
        ("alpaca", {"instruction": "Add:", "input": "2 and 3", "output": "5"}),
        ("sharegpt", {"id": "1", "conversations": [
            {"from": "gpt", "value": "cut off before"}, {"from": "human", "value": "Add:\n2 and 3"},
            {"from": "gpt", "value": "5"}, {"from": "human", "value": "and never answered"}]}),
        ("messages", {"messages": [
            {"role": "user", "content": "Add:\n2 and 3"}, {"role": "assistant", "content": "5"}]}),
    ],
)  # fmt: skip
def test_both_common_forms_of_instructions_are_read(form, record, as_list, tmp_path):
    text = json.dumps([record, record], indent=1) if as_list else f"{json.dumps(record)}\n{json.dumps(record)}\n"
    for mark in ("", "\ufeff"):  # some editors put a byte order mark before everything
        (tmp_path / "a.json").write_text(mark + text, encoding="utf-8")
        assert list(read_talks(form, [tmp_path / "a.json"])) == [TALK, TALK]


@pytest.mark.parametrize(
    ("form", "text", "words"),
    [
        ("alpaca", '[{"prompt": "x"}]', "record 1: an Alpaca record"),
        ("alpaca", '["x"]', "record 1: is not a record"),
        ("sharegpt", '{"conversations": [{"from": "robot", "value": "x"}]}', "a.json:1: a turn must say"),
        ("sharegpt", '{"turns": []}', "under conversations"),
        ("messages", '{"messages": [{"role": "usr", "content": "x"}]}', "'usr' is unknown. Did you mean user"),
    ],
)
def test_other_records_are_refused(form, text, words, tmp_path):
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=words):
        list(read_talks(form, [tmp_path / "a.json"]))
