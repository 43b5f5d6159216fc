"""Training data of the miniature language: a folder as ``bayling-model data`` writes it, with its tokenizer.

Tokens are shared out over the kinds of conversations exactly enough to compare arms: each share ends with the
conversation that reaches its part.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from reference_model.conversation import Message, load_template, segments, to_json
from reference_model.errors import CorpusError
from reference_model.files import partial, sha256
from reference_model.miniature.choice import drawn
from reference_model.miniature.conversations import KINDS, Share, converse, phrases
from reference_model.miniature.instructions import CALLED, COUNTS, SOUGHT, YES, wordings
from reference_model.miniature.lexicon import FOLDER, LANGUAGES
from reference_model.miniature.render import render
from reference_model.miniature.sample import sample
from reference_model.miniature.split import HELD_OUT_STRUCTURES, PAIR_SHARE, TEST_SHARE
from reference_model.miniature.tokenizer import build as build_tokenizer
from reference_model.mixture import CARD, CONVERSATIONS

VOCABULARY = 2944
TEMPLATE = "lean"
"""The form of conversations; settings that train on this data name it too."""
SAMPLED = 15000
"""Trees from whose words the pieces of the tokenizer were taken."""
LEARNED = ("who", "where", "negate", "question", "opposite", "first", "repeat", "again")
"""Families of general instructions in the data by default, and in the test documents."""
SHARES = (
    Share(kind="translation", tokens=0.15), Share(kind="interactive", tokens=0.70),
    Share(kind="constrained", tokens=0.10), Share(kind="instructions", tokens=0.05, families=LEARNED),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to write."""

    tokens: int
    """Tokens of all conversations, with the marks of the template."""
    seed: int = 1
    shares: tuple[Share, ...] = SHARES
    longest: int = 0
    """Tokens of the longest message; conversations with a longer one are drawn again. 0 for any length."""

    def __post_init__(self) -> None:
        if self.tokens < 1000:
            raise CorpusError(f"tokens = {self.tokens} are too few: at least 1000, for example --tokens 3000000.")
        if not self.shares:
            raise CorpusError(f"shares must not be empty; kinds: {', '.join(KINDS)}.")


def write(plan: Plan, out: Path, advance: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Write the folder ``out`` and return its card; ``advance`` is told the kind after each conversation.

    The same plan gives the same bytes. CorpusError when ``out`` exists already.
    """
    if out.exists():
        raise CorpusError(f"{out} exists already. Name another folder, or remove it to build the data again.")
    made = tokenizer()
    counts = {share: Counter() for share in range(len(plan.shares))}
    with partial(out) as folder:
        with (folder / CONVERSATIONS).open("w", encoding="utf-8", newline="\n") as file:
            for number, turns in _conversations(plan, made, counts):
                kind = plan.shares[number].kind
                record = {"messages": to_json(turns), "source": f"miniature {kind}"}
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
                advance(kind)
        made.save_pretrained(folder / "tokenizer")
        card = _card(plan, counts, sha256(folder / CONVERSATIONS))
        text = json.dumps(card, ensure_ascii=False, indent=1)
        (folder / CARD).write_text(f"{text}\n", encoding="utf-8")
    return json.loads(text)


def _conversations(plan: Plan, made: Any, counts: dict[int, Counter]) -> Iterator[tuple[int, list[Message]]]:
    whole = sum(share.tokens for share in plan.shares)
    template = load_template(TEMPLATE)
    for number, share in enumerate(plan.shares):
        draw = random.Random(f"{plan.seed}/{number}/{share}")
        counted, wanted = counts[number], plan.tokens * share.tokens / whole
        while counted["tokens"] < wanted:
            turns = converse(draw, share)
            if plan.longest and max(_sizes([turn.content for turn in turns], made)) > plan.longest:
                continue
            text = "".join(part for part, _ in segments(turns, template))
            counted["tokens"] += len(made(text, add_special_tokens=False)["input_ids"])
            counted["conversations"] += 1
            counted["answers"] += len(turns) // 2
            counted["characters"] += sum(len(message.content) for message in turns)
            yield number, turns


def _sizes(texts: list[str], made: Any) -> list[int]:
    return [len(ids) for ids in made(texts, add_special_tokens=False)["input_ids"]]


@cache
def tokenizer() -> Any:
    """Return the tokenizer of the miniature language, the same for all data."""
    from reference_model import conversation

    template = load_template(TEMPLATE)
    made = build_tokenizer(template, VOCABULARY)
    conversation.install(template, made)
    return made


def texts() -> Iterator[str]:
    """Yield texts in which every word of the language occurs."""
    draw = random.Random(0)
    for _ in range(SAMPLED):
        tree = sample(draw)
        for language in LANGUAGES:
            yield render(tree, language, drawn(draw, 0.4)).text
    yield from _strings([phrases(), wordings(), CALLED, SOUGHT, YES, COUNTS])


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, Sequence):
        for one in value:
            yield from _strings(one)


def _card(plan: Plan, counts: dict[int, Counter], digest: str) -> dict[str, Any]:
    return {
        "version": 1,
        "conversations": sum(counted["conversations"] for counted in counts.values()),
        "tokens": sum(counted["tokens"] for counted in counts.values()),
        "sha256": digest,
        "seed": plan.seed,
        "languages": sorted(LANGUAGES),
        "shares": [
            {**asdict(share), "counts": dict(sorted(counts[number].items()))}
            for number, share in enumerate(plan.shares)
        ],
        "lexicon": {path.name: sha256(path) for path in sorted(FOLDER.glob("*.csv"))},
        "held out": {
            "share of trees": TEST_SHARE, "share of word pairs": PAIR_SHARE,
            "structures": [list(pair) for pair in HELD_OUT_STRUCTURES],
        },
    }  # fmt: skip
