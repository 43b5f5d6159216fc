"""The miniature language's data: conversations, training folder, and the test documents that are committed."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import bayling_bench
from reference_model import cli, conversation
from reference_model.conversation import load_template, render
from reference_model.errors import CorpusError
from reference_model.miniature import dataset, documents, tokenizer
from reference_model.miniature.conversations import DIRECTIONS, KINDS, Share, converse
from reference_model.miniature.dataset import Plan, write
from reference_model.miniature.instructions import FAMILIES, instruct
from reference_model.miniature.lexicon import LANGUAGES
from reference_model.miniature.split import SPLITS

COMMITTED = Path(bayling_bench.__file__).parent / "data" / "miniature"
TRANSLATIONS = ("translation_zh_en", "translation_en_zh", "translation_de_en", "translation_en_de")
FILES = (*TRANSLATIONS, "interactive", "constrained", "instructions")
HAN = re.compile(r"[\u4e00-\u9fff]")


def read(name: str) -> list[dict]:
    return [json.loads(line) for line in (COMMITTED / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("miniature") / "data"
    write(Plan(tokens=40_000), out)
    return out


@pytest.fixture(scope="module")
def conversations(data) -> list[dict]:
    return [json.loads(line) for line in (data / "conversations.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_folder_says_what_it_holds_and_the_shares_are_kept(data, conversations):
    card = json.loads((data / "card.json").read_text(encoding="utf-8"))
    assert card["conversations"] == len(conversations)
    counted = [(share["kind"], share["counts"]["tokens"]) for share in card["shares"]]
    assert {kind for kind, _ in counted} == set(KINDS) and sum(tokens for _, tokens in counted) == card["tokens"]
    for share, (kind, tokens) in zip(dataset.SHARES, counted, strict=True):
        assert kind == share.kind and tokens == pytest.approx(40_000 * share.tokens, abs=150)
    assert card["held out"]["structures"]


def test_every_conversation_is_tokenized_without_unknowns_and_comes_back(conversations):
    template, made = load_template(dataset.TEMPLATE), dataset.tokenizer()
    vocabulary = made.get_vocab()
    spelled = {vocabulary[f"<0x{byte:02X}>"] for byte in range(256)} | {made.unk_token_id}
    assert len(made) <= dataset.VOCABULARY
    for record in conversations:
        messages = conversation.from_json(record["messages"])
        rendered = render(messages, template, made)
        assert not spelled & set(rendered.ids), record
        text = "".join(part for part, _ in conversation.segments(messages, template))
        assert made.decode(rendered.ids) == text


def test_any_other_text_comes_back_too():
    made = dataset.tokenizer()
    for text in ("Übung macht den Meister.", "龘靐齉 ☃\n\ttab  two", "x▁y", "1234 € 한국어"):
        if "▁" not in text:  # the sign for a space is the one sign that stands for another
            assert made.decode(made(text)["input_ids"]) == text


@pytest.mark.parametrize(
    ("request_", "pieces"),
    [
        ("Say 警察 instead of 律师.", ["Say▁", "警察", "▁instead▁of▁", "律师", "."]),
        ("Replace last week with yesterday.", ["Replace", "▁last▁week", "▁with", "▁yesterday", "."]),
        ("把 doctor 换成 boy。", ["把", "▁doctor", "▁换成", "▁boy", "。"]),
        ("Bitte ins Englische übersetzen: 男孩跑步。", ["Bitte▁ins▁Englische▁übersetzen:▁", "男孩", "跑步", "。"]),
    ],
)
def test_what_a_request_says_round_its_words_is_one_piece(request_, pieces):
    made = dataset.tokenizer()
    ids = made(request_, add_special_tokens=False)["input_ids"]
    assert made.convert_ids_to_tokens(ids) == pieces
    assert made.decode(ids) == request_


def test_it_is_the_same_again_and_another_with_another_seed(data, tmp_path):
    write(Plan(tokens=40_000), tmp_path / "again")
    write(Plan(tokens=40_000, seed=2), tmp_path / "other")
    again, other = (tmp_path / name / "conversations.jsonl" for name in ("again", "other"))
    assert again.read_bytes() == (data / "conversations.jsonl").read_bytes() != other.read_bytes()


def test_two_processes_draw_what_one_draws(monkeypatch, tmp_path):
    monkeypatch.setattr(dataset, "PORTION", 900)
    cards = [write(Plan(tokens=8_000), tmp_path / str(number), processes=number) for number in (1, 2)]
    one, two = ((tmp_path / str(number) / "conversations.jsonl").read_bytes() for number in (1, 2))
    assert one == two and cards[0] == cards[1]
    assert len(set(one.splitlines())) > 0.9 * len(one.splitlines())  # no portion repeats another


def test_drawing_processes_end_with_a_killed_parent(tmp_path):
    command = ["miniature", "-o", str(tmp_path / "data"), "--tokens", "40000000", "--processes", "2"]
    parent = subprocess.Popen(
        [sys.executable, "-m", "reference_model.cli", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        workers = _soon(lambda: [child for child in _children(parent.pid) if "spawn_main" in _command(child)])
    finally:
        parent.kill()
        parent.wait()
    assert _soon(lambda: not any("spawn_main" in _command(worker) for worker in workers))


def _soon(found: Callable[[], Any]) -> Any:
    """Return what a function gives within a minute, once it gives something."""
    end = time.monotonic() + 60
    while not (value := found()) and time.monotonic() < end:
        time.sleep(0.1)
    return value


def _children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _command(process: int) -> str:
    """Return the command of a process; nothing when it has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_share_keeps_to_its_languages_and_families(kind):
    draw = random.Random(1)
    share = Share(
        kind=kind, tokens=1, languages=("zh",), directions=("en-zh", "zh-en"), families=("opposite", "reverse")
    )  # fmt: skip
    for _ in range(40):
        for message in converse(draw, share):
            if message.role == "user":
                assert HAN.search(message.content), message.content
    assert set(DIRECTIONS) >= set(share.directions)


def test_shares_that_cannot_be_are_refused():
    with pytest.raises(CorpusError, match=r"languages \['fr'\] are unknown"):
        Share(kind="translation", tokens=1, languages=("fr",))
    with pytest.raises(CorpusError, match="must be one of translation"):
        Share(kind="translate", tokens=1)
    with pytest.raises(CorpusError, match="at least 1000"):
        Plan(tokens=10)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("family", ["who", "question", "reverse", "opposite"])
def test_instructions_of_training_and_test_share_none(family, language):
    draw = random.Random(5)
    trained, tested = ({instruct(draw, family, language, test=test).prompt for _ in range(8)} for test in (False, True))
    assert not trained & tested


def listed(prompt: str) -> list[str]:
    """Return the words of a list as a reader finds them: before or after a colon, between commas."""
    return re.split(r", |、", re.split(r"[:：] ?", prompt)[-1].rstrip("?？"))


COUNTED = {2: ("two", "zwei", "两"), 3: ("three", "drei", "三"), 4: ("four", "vier", "四"), 5: ("five", "fünf", "五")}
READ = {
    "first": lambda words: words[0],
    "last": lambda words: words[-1],
    "reverse": lambda words: words[::-1],
    "count": lambda words: COUNTED[len(words)],
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("family", READ)
def test_answers_are_what_a_reader_finds(family, language):
    draw = random.Random(2)
    for _ in range(20):
        task = instruct(draw, family, language, test=False)
        wanted = READ[family](listed(task.prompt))
        (answer,) = task.answers
        if family == "count":
            assert answer in wanted
        else:
            assert listed(answer) == ([wanted] if isinstance(wanted, str) else wanted)


def test_every_family_has_wordings_and_answers_in_each_language():
    draw = random.Random(9)
    for family in FAMILIES:
        for language in LANGUAGES:
            task = instruct(draw, family, language, test=False)
            assert bool(HAN.search(task.prompt + task.answers[0])) == (language == "zh") and "{" not in task.prompt


def test_opposites_and_kinds_are_those_of_the_world():
    draw, found = random.Random(2), {}
    for family in ("opposite", "kind"):
        for language in LANGUAGES:
            for _ in range(900):
                made, answers, _ = FAMILIES[family](draw, language)
                found[family, made["word"]] = answers
    assert found["opposite", "big"] == ("small",) and found["opposite", "billig"] == ("teuer",)
    assert found["opposite", "难看"] == ("漂亮",) and found["opposite", "neu"] == ("alt",)
    assert found["kind", "apple"] == ("a food",) and found["kind", "Pferd"] == ("ein Tier",)
    assert found["kind", "老师"] == ("人",) and found["kind", "桌子"] == ("东西",)


@pytest.mark.slow
def test_the_committed_pieces_are_those_of_the_language():
    found = tokenizer.pieces(dataset.texts())
    assert json.loads(tokenizer.PIECES.read_text(encoding="utf-8")) == found
    assert set(found) <= set(dataset.tokenizer().get_vocab())  # none is cut off


@pytest.mark.slow
def test_the_committed_documents_are_what_the_generator_writes(tmp_path):
    counts = documents.write(tmp_path)
    assert set(counts) == set(FILES)
    for name in FILES:
        assert (tmp_path / f"{name}.jsonl").read_bytes() == (COMMITTED / f"{name}.jsonl").read_bytes(), name


@pytest.mark.parametrize("name", TRANSLATIONS)
def test_there_are_at_least_300_sentences_a_direction(name):
    records = read(name)
    counts = Counter(record["split"] for record in records)
    assert len(records) >= 300 and set(counts) == set(SPLITS) and min(counts.values()) >= 100
    assert len({record["id"] for record in records}) == len(records)
    source, target = name.split("_")[1:]
    for record in records:
        assert record["source"] in record["prompt"] and len(set(record["references"])) == len(record["references"])
        assert bool(HAN.search(record["source"])) == (source == "zh")
        assert all(bool(HAN.search(text)) == (target == "zh") for text in record["references"])


def test_second_turns_and_required_words_are_as_they_should_be():
    for record in read("interactive"):
        assert len(record["turns"]) == len(record["references"]) == 2
        assert record["references"][0] != record["references"][1]
    for record in read("constrained"):
        assert all(word in text for word in record["required"] for text in record["references"])
        assert all(word in record["prompt"] for word in record["required"])
    assert Counter(record["default"] for record in read("constrained"))[False] >= 200
    asked = Counter((record["language"], record["family"]) for record in read("instructions"))
    assert set(asked) == {(language, family) for language in LANGUAGES for family in dataset.LEARNED}


SENTENCE = re.compile(r"[:：?？。] ?")


def test_no_sentence_of_the_test_is_trained_on(conversations):
    """By text, whatever the trees and whatever the wording of the request: neither sources nor answers, in any turn."""
    requests, answers = (
        {turn["content"] for record in conversations for turn in record["messages"] if turn["role"] == role}
        for role in ("user", "assistant")
    )
    translated = {request[at.end() :] for request in requests for at in SENTENCE.finditer(request)}
    assert len(answers & translated) > 10  # those that were translated back: sentences are found in requests
    asked = [record for name in (*TRANSLATIONS, "constrained") for record in read(name)]
    sources = {record["source"] for record in asked} | {
        SENTENCE.split(record["turns"][0], maxsplit=1)[-1] for record in read("interactive")
    }
    wanted = {text for record in asked for text in record["references"]}
    wanted |= {text for record in read("interactive") for texts in record["references"] for text in texts}
    assert len(sources) > 1500 and not (sources | wanted) & (answers | translated)
    assert not requests & {record["prompt"] for record in read("instructions")}


def test_the_command(tmp_path):
    run = CliRunner().invoke(cli.app, ["miniature", "-o", str(tmp_path / "data"), "--tokens", "2000"])
    assert run.exit_code == 0 and "bayling-model train tiny --data" in run.output
    assert (tmp_path / "data" / "tokenizer" / "tokenizer.json").is_file()
    for arguments, words in (
        (["miniature"], "Name what to make"),
        (["miniature", "-o", str(tmp_path / "data")], "exists already"),
    ):
        run = CliRunner().invoke(cli.app, arguments)
        assert isinstance(run.exception, CorpusError) and words in str(run.exception)
