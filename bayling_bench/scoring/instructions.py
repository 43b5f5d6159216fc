"""Instructions that a rule can verify: was the answer to a turn of a conversation what the turn asked for?

The idea of verifiable instructions is IFEval's (Zhou et al. 2023, arXiv 2311.07911); rules and code are ours.
A check is a mapping that names a rule and gives its arguments; a turn has a list of them:

    [{"rule": "max_words", "n": 12}, {"rule": "ends_with", "text": "fair winds!"}]

Rules of ``RULES`` read the answer alone, those of ``CONTEXT_RULES`` compare it with the answer of the turn before.
An empty answer fails every check, so that silence never earns the credit of "no commas".
"""

from __future__ import annotations

import ast
import json
import re
import unicodedata
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bayling_bench.errors import did_you_mean

_WRAPPING = " \t\n\r\"'“”„‘’«»「」《》*_`$"
_FENCE = re.compile(r"^```[A-Za-z]*\n(.*?)\n?```$", re.DOTALL)
_LIST_MARK = re.compile(r"^(?:[-*•]|[0-9]{1,3}[.)、．])\s*")
_NUMBERED = re.compile(r"^([0-9]{1,3})[.)、．]\s*\S")
_NUMBER = re.compile(r"^[+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?$")
_SENTENCE_END = re.compile(r"[.!?](?=[\s\"'”’»)*]|$)|[。！？]")
_HAN = re.compile(r"[\u3400-\u9fff]")
_OTHER_WORD = re.compile(r"[^\W\d_\u3400-\u9fff]+")
_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏ]")

# Frequent words that only one of the two languages has ("am", "die", "hat", "in", "was" are words of both).
_FREQUENT = {
    "en": "the a and is are to of with for it its this that you he she they we i my your his our their have has had "
    "not from by were be can on at if but or",
    "de": "der das und ist sind nicht mit für ein eine einen einem einer ich er sie wir ihr zu von dem auf im "
    "wird werden haben mein meine sein seine aber oder wenn bei nach aus sich auch des",
}
_FUNCTION_WORDS = {language: frozenset(words.split()) for language, words in _FREQUENT.items()}


def check(rule: Mapping[str, Any], response: str, *, earlier: Sequence[str] = ()) -> bool:
    """Return whether ``response`` keeps one rule.

    ``earlier`` holds the same model's answers of the turns before, oldest first; context rules need at least one.
    Raises ``ValueError`` for a rule that does not exist and for a context rule on a first turn.
    """
    arguments = dict(rule)
    name = str(arguments.pop("rule", ""))
    if name not in RULES and name not in CONTEXT_RULES:
        raise ValueError(f"no rule is called {name!r}.{did_you_mean(name, [*RULES, *CONTEXT_RULES])}")
    if name in CONTEXT_RULES and not earlier:
        raise ValueError(f"rule {name!r} compares with the turn before, but no earlier answer was given")
    if not response.strip():
        return False
    if name in CONTEXT_RULES:
        return CONTEXT_RULES[name](response, earlier[-1], **arguments)
    return RULES[name](response, **arguments)


def score(checks: Sequence[Mapping[str, Any]], response: str, *, earlier: Sequence[str] = ()) -> list[bool]:
    """Return one verdict a check, in order; the turn is followed as a whole when all of them are true."""
    return [check(rule, response, earlier=earlier) for rule in checks]


def _normal(text: str) -> str:
    """Full-width digits and punctuation become half-width: "，" is not another answer than ","."""
    return unicodedata.normalize("NFKC", text)


def _bare(text: str) -> str:
    """Strip what surrounds an answer without being part of it: space, quotes, Markdown emphasis."""
    return _normal(text).strip(_WRAPPING)


def _bare_answer(text: str) -> str:
    return _bare(_bare(text).rstrip(".。!！")).casefold()


def _lines(response: str) -> list[str]:
    return [line.strip() for line in response.splitlines() if line.strip()]


def _unfenced(response: str) -> str:
    fenced = _FENCE.match(response.strip())
    return fenced.group(1) if fenced else response.strip()


def _has(response: str, text: str, *, ignore_case: bool, whole_word: bool) -> bool:
    if ignore_case:
        response, text = response.casefold(), text.casefold()
    if not whole_word:
        return text in response
    return re.search(rf"(?<!\w){re.escape(text)}(?!\w)", response) is not None


def _contains(response: str, text: str, *, ignore_case: bool = False, whole_word: bool = False) -> bool:
    return _has(response, text, ignore_case=ignore_case, whole_word=whole_word)


def _contains_all(response: str, texts: list[str], *, ignore_case: bool = False, whole_word: bool = False) -> bool:
    return all(_has(response, text, ignore_case=ignore_case, whole_word=whole_word) for text in texts)


def _contains_any(response: str, texts: list[str], *, ignore_case: bool = False, whole_word: bool = False) -> bool:
    return any(_has(response, text, ignore_case=ignore_case, whole_word=whole_word) for text in texts)


def _not_contains(response: str, texts: list[str], *, ignore_case: bool = False, whole_word: bool = False) -> bool:
    return not _contains_any(response, texts, ignore_case=ignore_case, whole_word=whole_word)


def _starts_with(response: str, text: str) -> bool:
    return _bare(response).startswith(_normal(text))


def _ends_with(response: str, text: str) -> bool:
    return _bare(response).endswith(_normal(text))


def _answer_is(response: str, texts: list[str]) -> bool:
    """The whole answer is one of ``texts``, whatever its case, quotes and full stop."""
    return _bare_answer(response) in {_bare_answer(text) for text in texts}


def _equals_number(response: str, value: float) -> bool:
    """The whole answer is this number, in digits; thousands may be parted by commas."""
    digits = _bare(_bare(response).rstrip(".。"))
    return bool(_NUMBER.match(digits)) and abs(float(digits.replace(",", "")) - value) < 1e-9


def _max_words(response: str, n: int) -> bool:
    return len(response.split()) <= n


def _min_words(response: str, n: int) -> bool:
    return len(response.split()) >= n


def _max_characters(response: str, n: int) -> bool:
    """Spaces do not count, punctuation does: the length of Chinese text."""
    return len("".join(response.split())) <= n


def _sentences(response: str, least: int, most: int) -> bool:
    pieces = _SENTENCE_END.split(response)
    return least <= sum(any(map(str.isalpha, piece)) for piece in pieces) <= most


def _exact_lines(response: str, n: int) -> bool:
    """Empty lines do not count."""
    return len(_lines(response)) == n


def _lines_are(response: str, texts: list[str]) -> bool:
    """The lines, without list marks, are ``texts`` in this order and nothing else."""
    found = [_bare_answer(_LIST_MARK.sub("", line)) for line in _lines(response)]
    return found == [_bare_answer(text) for text in texts]


def _numbered_list(response: str, n: int) -> bool:
    items = [_NUMBERED.match(line) for line in _lines(response)]
    return [item and int(item.group(1)) for item in items] == list(range(1, n + 1))


def _json_valid(response: str, keys: list[str], values: Mapping[str, Any] | None = None) -> bool:
    """One JSON object, in a code fence or bare, of exactly these keys and, where given, these values."""
    try:
        found = json.loads(_unfenced(response))
    except (ValueError, RecursionError):  # RecursionError: a model that repeats "[" without end
        return False
    return isinstance(found, dict) and set(found) == set(keys) and (values is None or found == values)


def _syntax(code: str) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a stray backslash in a model's code is no news for the user's terminal
            return ast.dump(ast.parse(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two: brackets nested without end
        return None


def _python_is(response: str, text: str) -> bool:
    """The answer, in a code fence or bare, parses to the same Python as ``text``; nothing is executed."""
    found = _syntax(_unfenced(response))
    return found is not None and found == _syntax(text)


def _mostly_chinese(response: str) -> bool:
    """A Chinese character counts as much as a whole word of another script: one name does not outweigh a sentence."""
    characters, words = len(_HAN.findall(response)), len(_OTHER_WORD.findall(response))
    return characters > 0 and characters / (characters + words) >= 0.8


def _mostly_latin(response: str) -> bool:
    letters = sum(map(str.isalpha, response))
    return letters > 0 and len(_LATIN.findall(response)) / letters >= 0.95


def _only_language(response: str, language: str) -> bool:
    """Chinese by script; English and German by script and by which of the two has more function words.

    It tells these three languages apart and needs a sentence: a lone noun is evidence for neither en nor de.
    """
    if language == "zh":
        return _mostly_chinese(response)
    words = _OTHER_WORD.findall(response.casefold())
    evidence = {code: sum(word in known for word in words) for code, known in _FUNCTION_WORDS.items()}
    other = evidence["de" if language == "en" else "en"]
    return _mostly_latin(response) and evidence[language] > other


def _all_uppercase(response: str) -> bool:
    return response.isupper()


def _no_commas(response: str) -> bool:
    return not any(comma in response for comma in ",，、")


def _repeats_earlier(
    response: str, before: str, *, prefix: str = "", suffix: str = "", ignore_case: bool = False
) -> bool:
    """The answer is the one before between ``prefix`` and ``suffix``; runs of space count as one space."""
    wanted, found = f"{prefix}{_bare(before)}{suffix}", _bare(response)
    if ignore_case:
        wanted, found = wanted.casefold(), found.casefold()
    return _bare(wanted).split() == found.split()


def _shorter_than_earlier(response: str, before: str) -> bool:
    return len("".join(response.split())) < len("".join(before.split()))


RULES: dict[str, Callable[..., bool]] = {
    "contains": _contains,
    "contains_all": _contains_all,
    "contains_any": _contains_any,
    "not_contains": _not_contains,
    "starts_with": _starts_with,
    "ends_with": _ends_with,
    "answer_is": _answer_is,
    "equals_number": _equals_number,
    "max_words": _max_words,
    "min_words": _min_words,
    "max_characters": _max_characters,
    "sentences": _sentences,
    "exact_lines": _exact_lines,
    "lines_are": _lines_are,
    "numbered_list": _numbered_list,
    "json_valid": _json_valid,
    "python_is": _python_is,
    "only_language": _only_language,
    "all_uppercase": _all_uppercase,
    "no_commas": _no_commas,
}
"""Rules on one answer: name -> function of the response and the rule's arguments."""

CONTEXT_RULES: dict[str, Callable[..., bool]] = {
    "repeats_earlier": _repeats_earlier,
    "shorter_than_earlier": _shorter_than_earlier,
}
"""Rules on an answer and the answer of the turn before."""
