"""General instructions with answers that a program knows, by family and language; both can be withheld.

What is asked, is asked within one language: about a sentence, about a word, about a list of words.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from reference_model.errors import CorpusError
from reference_model.miniature import chinese, english, german
from reference_model.miniature.choice import Voice, drawn, fixed
from reference_model.miniature.citation import cite
from reference_model.miniature.lexicon import PEOPLE, table
from reference_model.miniature.render import SENTENCES, Rendering, references, render
from reference_model.miniature.rules import valid
from reference_model.miniature.sample import sample
from reference_model.miniature.split import in_test, share_of, split_of, trainable
from reference_model.miniature.tree import Phrase, Sentence
from reference_model.miniature.words import Word, spaced, unspaced
from reference_model.toml_files import parse_toml

GROUPS = {
    "person": PEOPLE, "animal": ("animal", "pet"), "food": ("fruit", "food", "dish"),
    "thing": ("furniture", "device", "object", "car", "bike", "clothing", "accessory", "instrument"),
}  # fmt: skip
CALLED = {
    "en": {"person": "a person", "animal": "an animal", "food": "a food", "thing": "a thing"},
    "zh": {"person": "人", "animal": "动物", "food": "食物", "thing": "东西"},
    "de": {"person": "ein Mensch", "animal": "ein Tier", "food": "ein Essen", "thing": "ein Ding"},
}
SOUGHT = {**CALLED, "de": {**CALLED["de"], "person": "einen Menschen"}}
YES = {"en": ("Yes.", "No."), "zh": ("是。", "不是。"), "de": ("Ja.", "Nein.")}
COUNTS = {
    "en": ("two", "three", "four", "five"), "zh": ("两", "三", "四", "五"), "de": ("zwei", "drei", "vier", "fünf"),
}  # fmt: skip


@dataclass(frozen=True)
class Task:
    """An instruction and its right answers, the first of which is learned."""

    family: str
    language: str
    prompt: str
    answers: tuple[str, ...]
    trees: tuple[Sentence, ...] = ()
    """Sentences that occur in it."""


@cache
def wordings() -> dict[str, dict[str, list[str]]]:
    """Return how the families are worded."""
    return parse_toml(Path(__file__).parent / "instructions.toml", CorpusError)


def _sentence(draw: random.Random, suits: Callable[[Sentence], bool]) -> Sentence:
    while True:
        tree = sample(draw)
        if not tree.link and suits(tree):
            return tree


def _spoken(tree: Sentence, language: str, draw: random.Random) -> Rendering:
    return render(tree, language, drawn(draw, 0.3))


def _text(words: list[Word], language: str) -> str:
    return unspaced(words, "。") if language == "zh" else spaced(words, ".")


Made = tuple[dict[str, str], tuple[str, ...], tuple[Sentence, ...]]
"""What fills the wording, the answers, the trees."""


def _who(draw: random.Random, language: str) -> Made:
    def suits(tree: Sentence) -> bool:
        subject = tree.main.subject
        return subject is not None and subject.kind != "who" and subject.relative is None

    tree = _sentence(draw, suits)
    said = _spoken(tree, language, draw)
    phrase = {"en": english.phrase, "de": german.phrase, "zh": chinese.phrase}[language]
    assert isinstance(tree.main.subject, Phrase)
    words = phrase(tree.main.subject, Voice(fixed(said.choices)))
    return {"sentence": said.text}, (_text(words, language),), (tree,)


def _where(draw: random.Random, language: str) -> Made:
    return _named(draw, language, "places", lambda tree: tree.main.place)


def _when(draw: random.Random, language: str) -> Made:
    return _named(draw, language, "times", lambda tree: tree.main.time)


def _named(draw: random.Random, language: str, name: str, field: Callable[[Sentence], str]) -> Made:
    """Ask for the words of one part of a sentence, which occurs in it once."""
    while True:
        tree = _sentence(draw, lambda tree: bool(field(tree)))
        said = _spoken(tree, language, draw)
        words = [Word(word.text) for word in said.words if word.what == f"{name}/{field(tree)}"]
        once = sum(word.what.startswith(f"{name}/") for word in said.words) == len(words)
        if words and once:
            return {"sentence": said.text}, (_text(words, language),), (tree,)


def _denied(draw: random.Random, language: str) -> Made:
    negative = draw.random() < 0.5
    tree = _sentence(draw, lambda tree: tree.main.negative == negative and not tree.main.question)
    return {"sentence": _spoken(tree, language, draw).text}, (YES[language][not negative],), (tree,)


def _changed(draw: random.Random, language: str, change: Callable[[Sentence], Sentence]) -> Made:
    """Ask for the sentence with a change; what was chosen in saying it stays chosen in the answer."""
    while True:
        tree = _sentence(draw, lambda tree: not tree.main.question)
        after = change(tree)
        if after != tree and valid(after):
            said = _spoken(tree, language, draw)
            answers = references(after, language, 6, {**said.choices, **_absent(after, language, said)})
            return {"sentence": said.text}, tuple(answers), (tree, after)


def _absent(tree: Sentence, language: str, said: Rendering) -> dict[str, int]:
    """Return the preferred choice for what the first sentence did not have to choose."""
    voice = Voice(fixed(said.choices))
    SENTENCES[language](tree, voice)
    return {what: choice for what, choice in voice.made.items() if what not in said.choices}


def _negated(tree: Sentence) -> Sentence:
    return replace(tree, main=replace(tree.main, negative=True))


def _asked(tree: Sentence) -> Sentence:
    return replace(tree, main=replace(tree.main, question="yesno"))


def _later(tree: Sentence) -> Sentence:
    if tree.main.tense == "future" or tree.main.modal:
        return tree
    return replace(tree, main=replace(tree.main, tense="future", time=""))


def _opposite(draw: random.Random, language: str) -> Made:
    adjective = draw.choice([one for one in table("adjectives").values() if one["opposite"]])
    word, answer = (cite("adjectives", one, language) for one in (adjective.id, adjective["opposite"]))
    return {"word": _bare(word)}, (_bare(answer),), ()


def _bare(word: str) -> str:
    return word[:-1] if word.endswith("的") else word


def _noun(draw: random.Random, group: str, language: str, without: tuple[str, ...] = ()) -> str:
    found = [noun.id for noun in table("nouns").values() if noun["kind"] in GROUPS[group]]
    return draw.choice([word for noun in found if (word := cite("nouns", noun, language)) not in without])


def _list(words: list[str], language: str) -> str:
    return ("、" if language == "zh" else ", ").join(words)


def _words(draw: random.Random, language: str, number: int) -> list[str]:
    kinds = {kind for group in GROUPS.values() for kind in group}
    words = {cite("nouns", noun.id, language): None for noun in table("nouns").values() if noun["kind"] in kinds}
    return draw.sample(list(words), number)


def _kind(draw: random.Random, language: str) -> Made:
    group = draw.choice(list(GROUPS))
    return {"word": _noun(draw, group, language)}, (CALLED[language][group],), ()


def _odd(draw: random.Random, language: str) -> Made:
    one, other = draw.sample(list(GROUPS), 2)
    words: list[str] = []
    for _ in range(3):
        words.append(_noun(draw, one, language, tuple(words)))
    odd = _noun(draw, other, language)
    words.insert(draw.randrange(4), odd)
    return {"words": _list(words, language)}, (odd,), ()


def _pick(draw: random.Random, language: str) -> Made:
    chosen = draw.sample(list(GROUPS), 3)
    words = [_noun(draw, group, language) for group in chosen]
    at = draw.randrange(3)
    return {"words": _list(words, language), "kind": SOUGHT[language][chosen[at]]}, (words[at],), ()


def _ordered(draw: random.Random, language: str, answer: Callable[[list[str]], str]) -> Made:
    words = _words(draw, language, draw.randint(2, 5))
    return {"words": _list(words, language)}, (answer(words),), ()


def _repeat(draw: random.Random, language: str) -> Made:
    word = _words(draw, language, 1)[0]
    return {"word": word}, (_list([word] * 3, language),), ()


def _again(draw: random.Random, language: str) -> Made:
    tree = sample(draw)
    text = _spoken(tree, language, draw).text
    return {"sentence": text}, (text,), (tree,)


FAMILIES: dict[str, Callable[[random.Random, str], Made]] = {
    "who": _who, "where": _where, "when": _when, "denied": _denied,
    "negate": lambda draw, language: _changed(draw, language, _negated),
    "question": lambda draw, language: _changed(draw, language, _asked),
    "future": lambda draw, language: _changed(draw, language, _later),
    "opposite": _opposite, "kind": _kind, "odd": _odd, "pick": _pick,
    "first": lambda draw, language: _ordered(draw, language, lambda words: words[0]),
    "last": lambda draw, language: _ordered(draw, language, lambda words: words[-1]),
    "reverse": lambda draw, language: _ordered(draw, language, lambda words: _list(words[::-1], language)),
    "count": lambda draw, language: _ordered(draw, language, lambda words: COUNTS[language][len(words) - 2]),
    "repeat": _repeat, "again": _again,
}  # fmt: skip


def instruct(draw: random.Random, family: str, language: str, *, test: bool) -> Task:
    """Return an instruction of a family in a language, for training or for the test, which share none."""
    while True:
        slots, answers, trees = FAMILIES[family](draw, language)
        prompt = draw.choice(wordings()[family][language]).format(**slots)
        if language == "de" and family == "pick" and prompt.startswith("Was davon ist"):
            prompt = prompt.replace("einen Menschen", "ein Mensch")
        if trees:
            wanted = all(map(in_test, trees)) if test else all(map(trainable, trees))
            wanted = wanted and not (test and any(split_of(tree) != "random" for tree in trees))
        else:
            wanted = (share_of(prompt) < 0.1) == test
        if wanted:
            return Task(family, language, prompt, answers, trees)
