"""Two rules that read the chosen letters out of an answer to a multiple-choice item, side by side.

The paper's rule (`paper_letters`, `paper_correct`), found by fitting the exam figures that BayLing published (arXiv
2306.10968): the words "Answer" and "Choice" are removed, then the first capital A-F is the answer; where items may have
several right letters, the answer is the set of all capitals A-F of the raw text. It nearly always finds something: the
A of "As an AI", the F of a person's name, the E of "Explanation".

The strict rule (`parse_letters`, `strict_letters`) is ours and rather says nothing than guesses. It collects the places
where an answer is declared and takes the last one, since models correct themselves:
- declared: "Answer: B", "the answer is (b)", "the best choice is B", "I choose (B)", "(B) is the correct answer",
  \\boxed{B}, 答案是选项(B), 正确的是B, 故选B, B是正确答案; "B) …", "(B) …" or "B." at the very start; "Therefore B is
  correct" at the very end. An option's whole text stands for its letter ("the answer is 36") if only one has it.
- last line: a letter alone on the last line, where nothing is declared.
- mentioned: "option B is correct", 选项B最符合题意, "the height is (B) 4 m", an option's text at the very start. Counts
  where there is nothing else, if all mentions agree and no other option is judged. So does an answer of one sentence
  that ends in an option's text: "The height is 4 m."

No answers are: a negation or condition ("not B", "if B", 不选B, B错误), a question, a list of options repeated from the
prompt, an empty form ("Answer is choice ()"), a name or an article ("A person", B球, "C-section"). Two letters for an
item that has one, "A or B", and a letter that the item does not offer leave the item unparsed. A declared letter stands
even if the text after it is another option's. The rule does not see the question, so 错误的是B is no answer, although
it is one where the question asks for the wrong statement.

Whether several letters may be right (`multiple`) is a property of the subset: gaokao-physics tells its model that one
or more may be, for each item alike. Neither rule looks at an item's label to learn how many are: the key would then
decide whether the same answer is right, wrong or unparsed.

Measured on the released outputs of 17 subsets (5151 items, today's labels), right by the paper's rule and by the strict
rule, unparsed by the strict rule: gpt-3.5-turbo 2497, 2521, 6; bayling-13b 1836, 1839, 43; vicuna-13b-1.1 1766, 1762,
230. Where they part most, in per cent: gaokao-physics 21.0 and 33.0 for gpt-3.5-turbo (its explanations name further
options), 21.5 and 24.5 for bayling-13b, 23.0 and 28.5 for vicuna-13b-1.1; aqua-rat 20.5 and 16.5 for vicuna-13b-1.1 (61
answers name no option). Of 275 outputs judged by hand the strict rule reads 244 as judged, none otherwise, and 7 not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bayling_bench.scoring import answer_phrases as phrases
from bayling_bench.scoring.answer_forms import (
    Item,
    Read,
    fold,
    item_of,
    quoted_option,
    read_answer,
    starts_list,
    units,
)

_PAPER_REMOVED = re.compile("Answer|Choice")
_PAPER_LETTER = re.compile("[A-F]")

_DECLARED, _LAST_LINE, _MENTIONED = 2, 1, 0


@dataclass(frozen=True)
class Parsed:
    """What the strict rule read: the letters, the name of the form that declared them, and where (start, end)."""

    letters: frozenset[str]
    form: str
    span: tuple[int, int]


@dataclass(frozen=True)
class _Claim:
    """A place that gives an answer; `letters` is None where the item has no such answer. The highest rank counts."""

    letters: frozenset[str] | None
    form: str
    start: int
    end: int
    rank: int


def paper_letters(text: str, multiple: bool = False) -> frozenset[str]:
    """The letters that the paper's rule reads in `text`; empty where it reads none."""
    if multiple:
        return frozenset(_PAPER_LETTER.findall(text))
    first = _PAPER_LETTER.search(_PAPER_REMOVED.sub("", text))
    return frozenset(first.group() if first else "")


def paper_correct(text: str, label: str | Sequence[str], multiple: bool = False) -> bool:
    """True where the paper's rule reads exactly the letters of `label` ("B", "AC" or ["A", "C"])."""
    return paper_letters(text, multiple) == frozenset(label)


def strict_letters(
    text: str, letters: str, options: Sequence[str] | None = None, multiple: bool = False
) -> frozenset[str] | None:
    """The letters that the strict rule reads in `text`; None where it declares no answer to the item.

    Arguments as in `parse_letters`.
    """
    parsed = parse_letters(text, letters, options, multiple)
    return parsed.letters if parsed else None


def parse_letters(
    text: str, letters: str, options: Sequence[str] | None = None, multiple: bool = False
) -> Parsed | None:
    """What the strict rule reads in `text`, and by which form; None where it declares no answer to the item.

    `letters`: those that the item offers ("ABCD"). `options`: their texts as shown to the model, with or without label.
    `multiple`: whether the items of this subset may have several right letters. Raises ValueError where there are not
    as many options as letters.
    """
    folded, item = fold(text), item_of(letters, options, multiple)
    claims = [claim for find in _FINDERS for claim in find(folded, item)]
    claims += _conclusion(folded, claims)
    rank = max((claim.rank for claim in claims), default=_MENTIONED)
    highest = [claim for claim in claims if claim.rank == rank]
    if not highest or (rank == _MENTIONED and len({claim.letters for claim in highest}) > 1):
        return None
    last = max(highest, key=lambda claim: claim.start)
    return Parsed(last.letters, last.form, (last.start, last.end)) if last.letters else None


def _claim(read: Read, form: str, item: Item, rank: int = _DECLARED) -> _Claim:
    possible = read.letters <= set(item.letters) and (item.multiple or len(read.letters) == 1) and not read.undecided
    return _Claim(read.letters if possible else None, form, read.start, read.own_end, rank)


def _opening(text: str, item: Item) -> Iterator[_Claim]:
    """ "B) 80", "(C) …", "B." or an option's whole text at the very start; "A:" alone may stand for "Answer:"."""
    read = read_answer(text, 0, item, lower=phrases.SMALL.fullmatch(text) is not None)
    if read is None or starts_list(text, read, item):
        return
    if read.quoted:
        yield _claim(read, "quoted", item, _MENTIONED)
    elif read.own_end > read.end:
        yield _claim(read, "opening", item)
    elif _undone(text, read.start, read, item) or text.startswith("A:", read.start):
        return
    elif read.bracketed or phrases.DELIMITER.match(text, read.end):
        yield _claim(read, "opening", item)


def _announced(text: str, item: Item) -> Iterator[_Claim]:
    """ "The answer is B", 故选B: words that announce an answer, then the answer."""
    for form, lead, loose in phrases.FORMS:
        for match in lead.finditer(text):
            read = read_answer(text, match.end(), item, lower=not loose)
            if read is None or _undone(text, match.start(), read, item) or starts_list(text, read, item):
                continue
            if not loose or (read.letters <= set(item.letters) and not read.quoted):
                yield _claim(read, f"{form}, quoted" if read.quoted else form, item)


def _confirmed(text: str, item: Item) -> Iterator[_Claim]:
    """ "(B) is the correct answer", B项错误, "the value is (D) 27": words after or around letters."""
    end = 0
    for start in units(text):
        read = read_answer(text, start, item) if start >= end else None
        if read is None or read.quoted or not read.letters <= set(item.letters):
            continue
        end = read.own_end
        if _follows(phrases.IS_ANSWER, text, read) and not _before(text, start):
            yield _claim(read, "is the answer", item)
        elif _denied(text, read, item) or (read.own_end > read.end and phrases.UNDONE.match(text, read.own_end)):
            yield _Claim(None, "ruled out", read.start, read.end, _MENTIONED)
        elif _judged(text, read) and not _before(text, start):
            yield _claim(read, "is correct", item, _MENTIONED)
        elif read.bracketed and _named(text, read):
            yield _claim(read, "named", item, _MENTIONED)


def _last_line(text: str, item: Item) -> Iterator[_Claim]:
    """A letter alone on the last of several lines."""
    start = text.rstrip().rfind("\n") + 1
    read = read_answer(text, start, item)
    if start and read and not read.quoted and phrases.ALONE.match(text, start):
        yield _claim(read, "last line", item, _LAST_LINE)


def _one_sentence(text: str, item: Item) -> Iterator[_Claim]:
    """ "The height of the room is 4 m.": one sentence that ends in an option's whole text."""
    whole = text.rstrip(" .。\n")
    if not item.options or phrases.SENTENCE_BREAK.search(whole.lstrip()):
        return
    for lead in phrases.ONE_SENTENCE.finditer(whole):
        read = quoted_option(whole, lead.end(), item)
        if read is not None and read.end == len(whole) and not _before(whole, lead.end()):
            yield _claim(read, "one sentence", item, _MENTIONED)


_FINDERS = (_opening, _announced, _confirmed, _last_line, _one_sentence)


def _conclusion(text: str, claims: list[_Claim]) -> list[_Claim]:
    """ "Therefore B is correct." as the last sentence, where no other option is called correct."""
    verdicts = [claim for claim in claims if claim.form == "is correct"]
    if len({claim.letters for claim in verdicts}) != 1 or not phrases.NEARLY_END.match(text, verdicts[-1].end):
        return []
    last = verdicts[-1]
    concluding = phrases.CONCLUDING.search(text, max(0, last.start - 60), last.start)
    return [replace(last, form="conclusion", rank=_DECLARED)] if concluding else []


def _named(text: str, read: Read) -> bool:
    """True for "(B)" with its option's text, after "is" or "to", or at the very end; not after a negation."""
    near = max(0, read.start - 12)
    if phrases.NOT.search(text, near, read.start) or phrases.LISTING.search(text[max(0, read.start - 80) : read.start]):
        return False
    alone_at_end = not text[read.end :].strip(" .。\n")
    return read.own_end > read.end or alone_at_end or phrases.NAMED.search(text, near, read.start) is not None


def _judged(text: str, read: Read) -> bool:
    if _follows(phrases.IS_CORRECT, text, read):
        return True
    option = phrases.OPTION_BEFORE.search(text, max(0, read.start - 12), read.start)
    return option is not None and _follows(phrases.IS_BEST, text, read)


def _follows(pattern: re.Pattern[str], text: str, read: Read) -> bool:
    return bool(pattern.match(text, read.own_end) or pattern.match(text, read.end))


def _before(text: str, start: int) -> bool:
    return phrases.BEFORE.search(text[max(0, start - 60) : start]) is not None


def _denied(text: str, read: Read, item: Item) -> bool:
    """True where a negation or a question mark follows the letters, unless an option's own text begins with it."""
    match = phrases.UNDONE.match(text, read.end)
    own = item.options.get(min(read.letters), "")
    return match is not None and not (own and own.startswith(match.group().lstrip(" *_`\"'$})].,")))


def _undone(text: str, start: int, read: Read, item: Item) -> bool:
    return _before(text, start) or _denied(text, read, item)
