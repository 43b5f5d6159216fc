"""The test documents: JSON lines that the harness's tasks read, and that a test holds equal to what this writes.

``translation_{zh_en,en_zh,de_en,en_de}.jsonl``: id, split, prompt, source, references. ``interactive.jsonl``: id,
split, direction, edit, turns, references of each turn. ``constrained.jsonl``: id, direction, prompt, source, required,
references, default (whether the preferred rendering has the words anyway). ``instructions.jsonl``: id, language,
family, prompt, references. References are right renderings, the preferred one first, and then those nearest to it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from reference_model.miniature.choice import drawn
from reference_model.miniature.conversations import (
    CHANGES,
    SCORED,
    VARIED,
    State,
    ask,
    changes,
    other_words,
    quoted,
    usual_words,
)
from reference_model.miniature.dataset import LEARNED
from reference_model.miniature.instructions import instruct
from reference_model.miniature.lexicon import LANGUAGES
from reference_model.miniature.render import references, render
from reference_model.miniature.sample import sample
from reference_model.miniature.split import SPLITS, split_of
from reference_model.miniature.tree import Sentence

SEED = "test documents 1"
TRANSLATIONS, CHANGED, REQUIRED, USUAL, ASKED = 110, 2, 50, 15, 10
"""Documents: of each direction and split; of each direction, split and kind of change; of each direction (two); of
each family and language."""
TRIED = 60
"""Instructions drawn to find different ones; small families have fewer than are asked for."""
MOST = 5
"""References of a document."""


def documents() -> dict[str, list[dict[str, Any]]]:
    """Return the documents of each file."""
    made = {f"translation_{one.replace('-', '_')}": list(_translations(one)) for one in SCORED}
    return {
        **made, "interactive": [document for _, document in interactive()], "constrained": list(_constrained()),
        "instructions": list(_instructions()),
    }  # fmt: skip


def write(folder: Path) -> dict[str, int]:
    """Write the files into a folder, over those that are there; return how many documents each has."""
    folder.mkdir(parents=True, exist_ok=True)
    found = documents()
    for name, records in found.items():
        text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8", newline="\n")
    return {name: len(records) for name, records in found.items()}


def _tree(draw: random.Random, suits: Callable[[Sentence], bool]) -> Sentence:
    while True:
        tree = sample(draw)
        if suits(tree):
            return tree


def _translations(direction: str) -> Iterator[dict[str, Any]]:
    source, target = direction.split("-")
    draw = random.Random(f"{SEED}/{direction}")
    for split in SPLITS:
        for number in range(TRANSLATIONS):
            tree = _tree(draw, lambda tree: split_of(tree) == split)  # noqa: B023
            sentence = render(tree, source, drawn(draw, VARIED)).text
            yield {
                "id": f"{direction}/{split}/{number}", "split": split,
                "prompt": ask("translate", draw.choice(LANGUAGES), draw, target=target, sentence=sentence),
                "source": sentence, "references": references(tree, target, MOST),
            }  # fmt: skip


def interactive(seed: str = SEED, number: int = CHANGED) -> Iterator[tuple[Sentence, dict[str, Any]]]:
    """Yield documents of two turns with the sentence before the change: ``number`` for each direction, split and kind.

    With another ``seed`` they are not the test's, and settings can be chosen by them.
    """
    for direction in SCORED:
        draw = random.Random(f"{seed}/interactive/{direction}")
        for split in SPLITS:
            for kind in dict.fromkeys(CHANGES):
                for index in range(number):
                    tree, document = _changed(draw, direction, split, kind)
                    yield tree, {"id": f"{direction}/{split}/{kind}/{index}", **document}


def _changed(draw: random.Random, direction: str, split: str, kind: str) -> tuple[Sentence, dict[str, Any]]:
    """Return a sentence that belongs to the split, before the change and after it, and the document of it."""
    source, target = direction.split("-")
    while True:
        tree = _tree(draw, lambda tree: split_of(tree) == split)
        original = render(tree, source, drawn(draw, VARIED))
        state = State(tree, source, target, original, render(tree, target), {})
        for change in changes(state, draw, LANGUAGES, (kind,)):
            if split_of(change.state.tree) != split:
                continue
            request = ask("translate", draw.choice(LANGUAGES), draw, target=target, sentence=original.text)
            right = references(change.state.tree, change.language, MOST, change.state.chosen)
            return tree, {
                "split": split, "direction": direction, "edit": kind, "turns": [request, change.request],
                "references": [references(tree, target, MOST), list(dict.fromkeys([change.answer, *right]))[:MOST]],
            }  # fmt: skip


def _constrained() -> Iterator[dict[str, Any]]:
    for direction in SCORED:
        draw = random.Random(f"{SEED}/constrained/{direction}")
        for default, number in ((False, REQUIRED), (True, USUAL)):
            for index in range(number):
                name = "usual" if default else "other"
                yield {"id": f"{direction}/{name}/{index}", **_required(draw, direction, default=default)}


def _required(draw: random.Random, direction: str, *, default: bool) -> dict[str, Any]:
    source, target = direction.split("-")
    while True:
        tree = _tree(draw, lambda tree: split_of(tree) == "random")
        number = 1 if draw.random() < 0.7 else 2
        if default:
            chosen, words = {}, usual_words(tree, target, draw, number)
        else:
            chosen, words = other_words(tree, target, draw, number)
        right = [text for text in references(tree, target, 4 * MOST, chosen) if all(word in text for word in words)]
        plain = references(tree, target, 1)[0]
        if words and right and (default or all(word not in plain for word in words)):
            break
    sentence = render(tree, source, drawn(draw, VARIED)).text
    language = draw.choice(LANGUAGES)
    return {
        "direction": direction,
        "prompt": ask(
            "constrained", language, draw, target=target, sentence=sentence, words=quoted(words, language)
        ),
        "source": sentence, "required": words, "references": right[:MOST], "default": default,
    }  # fmt: skip


def _instructions() -> Iterator[dict[str, Any]]:
    for language in LANGUAGES:
        for family in LEARNED:
            draw = random.Random(f"{SEED}/{language}/{family}")
            drawn_ones = (instruct(draw, family, language, test=True) for _ in range(TRIED))
            different = {task.prompt: task for task in drawn_ones}
            for number, task in enumerate(islice(different.values(), ASKED)):
                yield {
                    "id": f"{language}/{family}/{number}", "language": language, "family": family,
                    "prompt": task.prompt, "references": list(task.answers),
                }  # fmt: skip
