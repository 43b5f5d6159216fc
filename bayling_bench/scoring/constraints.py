"""Scores of lexically constrained translation: are the given strings in the output, and does it only parrot them?

A constraint is satisfied if the output contains it exactly, case included (the rule that reproduces the counts of the
BayLing paper's outputs). Constraints are often fragments ("Is", "餐可能"), so an output that only recites them
satisfies them all: the echo rate and BLEU stand beside every satisfaction rate.

Among the released outputs 0.1 % (gpt-3.5-turbo, zh-en) to 20.4 % (Vicuna-13B, en-zh, Chinese prompt) are echoes,
BayLing-13B 1.2 to 2.2 %; of the 3,912 references one looks like an echo.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# The instruction is "Make sure to include these words: …" or "确保包含这些词：…". Models repeat it in part, reworded
# ("with the inclusion of the words", "请确保包括以下词语"), or report on it ("the words … have been included").
_ADJECTIVE = r"(?:these|following|included|requested|required|given|specified|mentioned)"
_NOUN = r"(?:key)?(?:words?|phrases?|terms?)\b"
_INSTRUCTION = re.compile(
    rf"\b(?:inclu(?:de[sd]?|ding)|contain(?:s|ed|ing)?|us(?:e[sd]?|ing)|with)\s+(?:all\s+)?(?:of\s+)?(?:the\s+)?"
    rf"{_ADJECTIVE}\s+{_NOUN}"
    rf"|\binclusion of (?:the|these)\s+{_NOUN}|\bthese words:|\bi (?:have )?included the {_NOUN}"
    rf"|\b(?:words?|phrases?)\b[^.\n]{{0,80}}\b(?:have|has) been included"
    r"|(?:包含|包括|含有|使用|加入|用到|提到)[^，。；！？\n]{0,6}?(?:这些|這些|这几个|以下|下列|如下|下面|上述|所有)"
    r"[^，。；！？\n]{0,3}?(?:单词|词|詞|短语|关键字)"
    r"|(?:以下|这些|下列)(?:单词|词)[^，。；\n]{0,4}(?:包含|包括)|(?:包含|包括)词[:：]",
    re.IGNORECASE,
)

_SEPARATOR = r"\s*[,，、;；]\s*"
_EDGE = r"""[.。!！?？:：;；\n"'“”‘’「」()（）\[\]【】]"""


def satisfied(hypothesis: str, constraints: Sequence[str]) -> list[bool]:
    """Return for each constraint whether the hypothesis contains it exactly, case included."""
    return [constraint in hypothesis for constraint in constraints]


def echoes(hypothesis: str, constraints: Sequence[str]) -> bool:
    """Return whether the output repeats the instruction to include words, or the list of constraints as a list.

    A list is all constraints in the given order with commas between: three or more anywhere, two only as a sentence
    of their own, because a translation may well join two by a comma; of a single one no copying can be told.
    """
    return bool(_INSTRUCTION.search(hypothesis)) or _has_list(hypothesis, constraints)


def micro(satisfactions: Sequence[Sequence[bool]]) -> float:
    """Return satisfied constraints over all constraints of all items (0 to 1); ValueError if there are none."""
    return _mean([flag for flags in satisfactions for flag in flags])


def macro(satisfactions: Sequence[Sequence[bool]]) -> float:
    """Return the mean over items of each item's satisfied share (0 to 1); ValueError without items or constraints."""
    return _mean([_mean(flags) for flags in satisfactions])


def whole_item(satisfactions: Sequence[Sequence[bool]]) -> float:
    """Return the share of items whose constraints are all satisfied (0 to 1); ValueError if there are no items."""
    return _mean([all(flags) for flags in satisfactions])


def _mean(values: Sequence[float]) -> float:
    if not values:
        raise ValueError("no constraints to take a share of: report the items as unscored instead")
    return sum(values) / len(values)


def _has_list(hypothesis: str, constraints: Sequence[str]) -> bool:
    if len(constraints) < 2:
        return False
    joined = _SEPARATOR.join(re.escape(constraint) for constraint in constraints)
    pattern = joined if len(constraints) > 2 else rf"(?:^|{_EDGE})\s*{joined}\s*(?:$|{_EDGE})"
    return bool(re.search(pattern, hypothesis, re.IGNORECASE))
