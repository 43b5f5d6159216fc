"""Training data of the miniature language: a folder as ``bayling-model data`` writes it, with its tokenizer.

Tokens are shared out over the kinds of conversations exactly enough to compare arms: a share is drawn in portions, each
of which ends with the conversation that reaches its part.
"""

from __future__ import annotations

import json
import math
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

from reference_model.conversation import load_template, segments, to_json
from reference_model.errors import CorpusError
from reference_model.files import partial, sha256
from reference_model.miniature.choice import drawn
from reference_model.miniature.citation import cite
from reference_model.miniature.conversations import KINDS, SCORED, Share, converse, phrases
from reference_model.miniature.instructions import CALLED, COUNTS, SOUGHT, YES, wordings
from reference_model.miniature.lexicon import FOLDER, LANGUAGES, NUMBERS
from reference_model.miniature.render import render
from reference_model.miniature.sample import sample
from reference_model.miniature.split import HELD_OUT_STRUCTURES, PAIR_SHARE, TEST_SHARE
from reference_model.miniature.tokenizer import build as build_tokenizer
from reference_model.mixture import CARD, CONVERSATIONS

VOCABULARY = 3136
TEMPLATE = "lean"
"""The form of conversations; settings that train on this data name it too."""
SAMPLED = 15000
"""Trees from whose words the pieces of the tokenizer were taken."""
PORTION = 50_000
"""Tokens that one process draws at a time."""
LEARNED = ("who", "where", "negate", "question", "opposite", "first", "repeat", "again")
"""Families of general instructions in the data by default, and in the test documents."""
DIRECTIONS = (*SCORED, *SCORED, "en-de")
"""German is learned last, for its genders and cases."""
SHARES = (
    Share(kind="translation", tokens=0.04, directions=DIRECTIONS),
    Share(kind="interactive", tokens=0.88, directions=DIRECTIONS),
    Share(kind="constrained", tokens=0.05, directions=DIRECTIONS),
    Share(kind="instructions", tokens=0.03, families=LEARNED),
)


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


@dataclass(frozen=True)
class _Portion:
    """A part of a share that one process draws by itself."""

    number: int
    """Of the share."""
    share: Share
    tokens: float
    seed: str
    longest: int


@dataclass(frozen=True)
class _Made:
    """A conversation as a line of the file, and what it adds to the counts of the card."""

    line: str
    counts: dict[str, int]


def write(
    plan: Plan, out: Path, advance: Callable[[str], None] = lambda _: None, *, processes: int = 1
) -> dict[str, Any]:
    """Write the folder ``out`` and return its card; ``advance`` is told the kind after each conversation.

    The same plan gives the same bytes, whatever the number of processes. CorpusError when ``out`` exists already.
    """
    if out.exists():
        raise CorpusError(f"{out} exists already. Name another folder, or remove it to build the data again.")
    portions = list(_portions(plan))
    counts = {number: Counter() for number in range(len(plan.shares))}
    with partial(out) as folder:
        with (folder / CONVERSATIONS).open("w", encoding="utf-8", newline="\n") as file:
            for portion, found in zip(portions, _made(portions, min(processes, len(portions))), strict=True):
                for one in found:
                    file.write(one.line + "\n")
                    counts[portion.number].update(one.counts)
                    advance(portion.share.kind)
        tokenizer().save_pretrained(folder / "tokenizer")
        card = _card(plan, counts, sha256(folder / CONVERSATIONS))
        text = json.dumps(card, ensure_ascii=False, indent=1)
        (folder / CARD).write_text(f"{text}\n", encoding="utf-8")
    return json.loads(text)


def _portions(plan: Plan) -> Iterator[_Portion]:
    whole = sum(share.tokens for share in plan.shares)
    for number, share in enumerate(plan.shares):
        wanted = plan.tokens * share.tokens / whole
        for index in range(math.ceil(wanted / PORTION)):
            seed = f"{plan.seed}/{number}/{share}/{index}"
            yield _Portion(number, share, min(PORTION, wanted - index * PORTION), seed, plan.longest)


def _made(portions: Sequence[_Portion], processes: int) -> Iterator[list[_Made]]:
    """Yield the conversations of each portion, in the order of the portions."""
    if processes <= 1:
        yield from map(_draw, portions)
        return
    # A forked copy of a process that holds threads may hang, so workers start afresh.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_follow_parent) as pool:
        yield from pool.map(_draw, portions)


def _follow_parent() -> None:
    """Leave Ctrl-C to the parent, and end with it, however it ends: a pool's workers would outlive a kill."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _draw(portion: _Portion) -> list[_Made]:
    template, made = load_template(TEMPLATE), tokenizer()
    draw = random.Random(portion.seed)
    found, tokens = [], 0
    while tokens < portion.tokens:
        turns = converse(draw, portion.share)
        if portion.longest and max(_sizes([turn.content for turn in turns], made)) > portion.longest:
            continue
        text = "".join(part for part, _ in segments(turns, template))
        (size,) = _sizes([text], made)
        tokens += size
        record = {"messages": to_json(turns), "source": f"miniature {portion.share.kind}"}
        counts = {
            "tokens": size, "conversations": 1, "answers": len(turns) // 2,
            "characters": sum(len(message.content) for message in turns),
        }  # fmt: skip
        found.append(_Made(json.dumps(record, ensure_ascii=False), counts))
    return found


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
    for number in NUMBERS:  # no sentence begins with one before somebody asks for it
        yield from (cite("numbers", number, language).capitalize() for language in ("en", "de"))
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
