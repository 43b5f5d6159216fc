"""What is trained on and what is held out: trees, pairs of words, and pairs of structures.

A tree belongs to the test by a hash of it, so that any generator of data knows it without a list. Some pairs of a noun
with a verb or an adjective, and some pairs of structures, occur in no training tree at all.
"""

from __future__ import annotations

import hashlib
from functools import cache
from itertools import product

from reference_model.miniature.tree import Clause, Phrase, Sentence, concepts, walk

TEST_SHARE, PAIR_SHARE = 0.1, 0.03
SPLITS = ("random", "held_out_pair", "held_out_structure")
HELD_OUT_STRUCTURES = (
    ("that", "modal"), ("because", "negative"), ("although", "future"), ("but", "than"), ("if", "exist"),
    ("joined", "modal"), ("recipient", "negative"), ("relative", "modal"), ("what", "progressive"),
    ("where", "future"), ("object relative", "recipient"), ("yesno", "manner"),
)  # fmt: skip
"""Structures that are each trained on, and never in one sentence."""


def share_of(text: str) -> float:
    """Return a number in [0, 1) that depends on a text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def structures(tree: Sentence) -> frozenset[str]:
    """Return the structures that a tree has."""
    found = {tree.link} - {""}
    for part in walk(tree):
        if isinstance(part, Clause):
            found |= {"modal" if part.modal else part.tense, part.question, part.verb}
            found |= {name for name in ("negative", "recipient", "than", "manner", "place") if getattr(part, name)}
        elif isinstance(part, Phrase):
            found |= {"joined"} if part.other is not None else set()
            if part.relative is not None:
                found |= {"relative", "subject relative" if part.relative.subject is None else "object relative"}
    return frozenset(found - {""})


@cache
def _held_out(noun: str, other: str) -> bool:
    return share_of(f"{noun} {other}") < PAIR_SHARE


def holds_pair(tree: Sentence) -> bool:
    """Return whether a pair of words that is held out occurs in a tree."""
    found = concepts(tree)
    return any(_held_out(noun, other) for noun, other in product(found["nouns"], found["verbs"] | found["adjectives"]))


def holds_structure(tree: Sentence) -> bool:
    """Return whether a pair of structures that is held out occurs in a tree."""
    found = structures(tree)
    return any(one in found and other in found for one, other in HELD_OUT_STRUCTURES)


def in_test(tree: Sentence) -> bool:
    """Return whether a tree without anything held out is one of the test."""
    return share_of(repr(tree)) < TEST_SHARE


def trainable(tree: Sentence) -> bool:
    """Return whether a tree may be trained on."""
    return not (holds_structure(tree) or holds_pair(tree) or in_test(tree))


def split_of(tree: Sentence) -> str:
    """Return the split of the test that a tree belongs to; an empty string for one that may be trained on.

    A tree with a pair of words *and* one of structures held out belongs to none: ``both``.
    """
    pair, structure = holds_pair(tree), holds_structure(tree)
    if pair and structure:
        return "both"
    if pair or structure:
        return SPLITS[1] if pair else SPLITS[2]
    return SPLITS[0] if in_test(tree) else ""
