"""Baselines: what they answer to conversations, what they read, and how they are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bayling_bench.errors import ModelError
from bayling_bench.models import baseline, conversations, nearest, words
from bayling_bench.models.spec import parse

SOURCE = {"source": "The cat sleeps.", "source_language": "en", "target_language": "de"}


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


KNOWN = [
    [user("Translate into German: The dog sleeps."), assistant("Der Hund schläft.")],
    [user("Translate into German: The cat eats."), assistant("Die Katze frisst.")],
    [user("把这句话翻译成英文：猫在睡觉。"), assistant("The cat sleeps.")],
    [
        user("Translate into German: The bird sings."), assistant("Der Vogel singt."),
        user("Negate the sentence."), assistant("Der Vogel singt nicht."),
    ],
]  # fmt: skip


def test_a_copy_is_the_source_then_the_last_answer():
    request = user("Translate into German: The cat sleeps.")
    assert baseline.copied([request], SOURCE) == "The cat sleeps."
    assert (
        baseline.copied([request, assistant("Die Katze schläft."), user("Negate it.")], SOURCE) == "Die Katze schläft."
    )
    assert baseline.copied([user("Count the words.")], {}) == "Count the words."


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (["Translate into German: The cat eats fish."], "Die Katze frisst."),
        (["翻译成英文：猫在睡觉吗？"], "The cat sleeps."),
        (
            ["Translate into German: The bird sings.", "Der Vogel singt.", "Negate this sentence."],
            "Der Vogel singt nicht.",
        ),
        (["1", "2", "3", "4", "5"], ""),
    ],
)
def test_the_nearest_request_of_as_many_turns_gives_the_answer(asked: list[str], answer: str):
    messages = [(user, assistant)[place % 2](text) for place, text in enumerate(asked)]
    assert nearest.Nearest(KNOWN).answer(messages, {}) == answer


def test_a_request_of_which_no_word_is_known_gets_the_first_answer():
    assert nearest.Nearest(KNOWN).answer([user("xyzzy")], {}) == "Der Hund schläft."


GRAMMAR = {
    "cat": ("Katze", "猫"), "dog": ("Hund", "狗"), "teacher": ("Lehrer", "老师"), "bird": ("Vogel", "鸟"),
    "sleeps": ("schläft", "睡觉"), "sings": ("singt", "唱歌"), "eats": ("isst", "吃饭"),
}  # fmt: skip


def pairs(source: int, target: int) -> list[tuple[str, str]]:
    """Every sentence of four subjects and three verbs, as a request in one language and its answer in another."""

    def said(noun: str, verb: str, language: int) -> str:
        one, other = ((word, *GRAMMAR[word])[language] for word in (noun, verb))
        return (f"The {one} {other}.", f"Der {one} {other}.", f"{one}{other}。")[language]

    requests = ("Translate: {}", "Übersetze: {}", "请翻译：{}")
    return [
        (requests[source].format(said(noun, verb, source)), said(noun, verb, target))
        for noun in ("cat", "dog", "teacher", "bird")
        for verb in ("sleeps", "sings", "eats")
    ]


@pytest.mark.parametrize(
    ("source", "target", "text", "told"),
    [
        (0, 1, "Sleeps the teacher.", "Schläft der Lehrer."),
        (0, 2, "Bird eats.", "鸟吃饭。"),
        (2, 0, "老师唱歌。", "Teacher sings."),
        (1, 0, "Der Vogel bellt.", "The bird bellt."),
    ],
)
def test_words_are_translated_one_by_one_in_the_order_of_the_source(source: int, target: int, text: str, told: str):
    dictionary = words.Dictionary(pairs(source, target), joined="" if target == 2 else " ")
    assert dictionary.translate(text).replace("Der ", "der ").replace("  ", " ") == told


@pytest.mark.parametrize(
    ("text", "language"),
    [("Der Hund schläft.", "de"), ("The dog sleeps.", "en"), ("狗在睡觉。", "zh"), ("Anna!", None), ("", None)],
)
def test_languages_are_told_by_their_frequent_words(text: str, language: str | None):
    assert words.language_of(text) == language


def test_conversations_without_an_answer_in_the_language_give_the_words_as_they_are():
    assert words.Words(KNOWN[2:3]).answer([user("x")], SOURCE) == "The cat sleeps."
    assert words.Words([]).answer([user("Count.")], {}) == ""


def test_baselines_are_named_and_say_what_they_read(tmp_path: Path):
    assert parse("baseline:copy").label == "copy" and parse("baseline:copy").data is None
    assert parse(f"baseline:nearest@{tmp_path}").label == "nearest"
    assert parse(f"baseline:words@{tmp_path}").data == tmp_path


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("baseline:neerest", "no such baseline. Did you mean nearest"),
        ("baseline:words", "name their folder, for example --model baseline:words@"),
        ("baseline:copy@data", "reads no data. Leave out @data"),
    ],
)
def test_a_baseline_that_cannot_be_is_refused(text: str, says: str):
    with pytest.raises(ModelError, match=says):
        parse(text)


def test_training_conversations_that_cannot_be_read_are_named(tmp_path: Path):
    with pytest.raises(ModelError, match=r"holds no conversations\.jsonl.*bayling-model"):
        conversations.read(tmp_path)
    lines = [json.dumps({"messages": KNOWN[0], "source": "made up"}), '{"messages": [{"role": "user"}]}']
    (tmp_path / conversations.NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(ModelError, match="line 2: is no conversation"):
        conversations.read(tmp_path)
    (tmp_path / conversations.NAME).write_text(lines[0] + "\n", encoding="utf-8")
    assert conversations.read(tmp_path) == KNOWN[:1]
