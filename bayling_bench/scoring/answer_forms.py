"""How an answer to a multiple-choice item is written down: letters, brackets, joined letters, option texts.

The strict rule of `letters.py` looks for places where an answer is declared; this module reads what stands at such a
place. It knows nothing of right answers and sees one text and one item at a time. Every position refers to the folded
text, which has the length of the original, so spans can be shown in the original as they are.

Forms read at a position (with Markdown, quotes and TeX around them): `B`, `(B)`, `[B]`, `B)`, `b` in explicit forms,
`AC`, `(A)(C)`, `(A, C)`, `A、C`, `A and C`, `A和C`; an option's own text, whole, where no letter stands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

# Full-width forms, Chinese brackets and curly quotes, one character for one character.
_FOLD: dict[int, str | int] = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_FOLD |= {0x3000: " ", ord("【"): "[", ord("〔"): "[", ord("】"): "]", ord("〕"): "]"}
_FOLD |= dict.fromkeys(map(ord, "“”「」『』"), '"') | dict.fromkeys(map(ord, "‘’"), "'")

_LETTER = "[A-J]"
_AND = r"(?:[,、;&+]?[ \t]*(?:\band\b|和|与|以?及)|[,、;&+])"
NOUN = r"(?:(?:the[ \t]+)?\b(?:choice|option|letter)s?\b|选项|选择)"
WRAP = r"(?:[\s*_`\"'$#<>]|\\(?:boxed|text|textbf|mathrm|mathbf|bf)\s*\{|\\[(\[]|\{)"

_SKIP = re.compile(rf"{WRAP}{{0,40}}(?:both\s+)?(?:{NOUN}{WRAP}{{0,20}}:?{WRAP}{{0,20}})?", re.I)
_GROUP = re.compile(rf"[(\[]\s*({_LETTER}(?:\s*{_AND}?\s*{_LETTER})*)\s*(?:[)\]]|$)")
_LOWER_GROUP = re.compile(r"\(\s*([a-j])\s*\)")
_BARE = re.compile(rf"(?<![A-Za-z0-9\\]){_LETTER}{{1,6}}(?![A-Za-z0-9_^])")
_LOWER_BARE = re.compile(r"(?<![A-Za-z0-9\\])([a-j])(?=[.)\]*\"$}]*\s*(?:$|\n))")
_JOIN = re.compile(rf"[ \t]*{_AND}[ \t]*(?:{NOUN}[ \t]*)?", re.I)
_OR = re.compile(rf"[\s)\]]*(?:\bor\b|或者?|/)\s*(?:{NOUN}\s*)?[(\[]?\s*{_LETTER}(?![A-Za-z])")
_CLOSERS = re.compile(r"[*_`\"'$})\]]*")
_BETWEEN = re.compile(r"[\s:.。、\"'*_)\]}$-]*")

# What may follow a letter without brackets: an end, punctuation, or the start of a reason. Anything else makes the
# letter a name ("B球", "A \cap B", "C-section") or an article ("A person").
_BARE_MAY_PRECEDE = re.compile(
    r"(?:[.,;:!?)\]}\"'*`$。、/&|<]|\\[)\]\s]|[ \t]+(?![=+<>^|∩∪∈⊆\\*/-])|[ \t]*[-—–]+[ \t\"(]"
    r"|选项?|项|两项|[是为因由作才这此其即而符正不错对更最能合也都均和与及或])"
    r"|\s*(?:$|\n)"
)
_POSSESSIVE_OR_NAME = re.compile(r"'s\b|[.:][a-z]|'[A-Z]|[ \t]*[*/]\s*[A-Z0-9]")
_ARTICLE = re.compile(
    r"[ \t]+(?!(?:because|since|as|is|and|or|with|due|based|for|which|in|according|from|by|was|would|are)\b)[a-z]"
)
_LIST_END = re.compile(r"[)\]}\"'*_`$]*\s*(?:$|\n|[.,、;。!?&+]|\b(?:and|are)\b|[和与及]|两项|选项|[都均]|正确|符合)")
_COMMA_LIST_END = re.compile(r"[)\]}\"'*_`$]*\s*(?:$|\n|[.,、;。]|\b(?:and|are)\b)")
_TEXT_END = re.compile(r"[\s\"'*)\]}$.。]*(?:$|\n|[,;:!?。](?!\d)|[.](?!\d)|\))")
_LABEL = re.compile(r"\s*[(\[]?([A-J])\s*[)\].。:、? ]\s*")
_LABEL_LINE = re.compile(r"[\s.。;,\"'*]*[(\[]?([A-J])[)\].。:、]\s*")


@dataclass(frozen=True)
class Item:
    """What a rule may know of an item: its letters, its options' texts by letter, and whether several may be right."""

    letters: str
    options: dict[str, str]
    multiple: bool


@dataclass(frozen=True)
class Read:
    """What stands at a position: `letters`, from `start` to `end`, and in what way.

    `bracketed`: with a bracket around or after the letters. `quoted`: given by an option's text. `own_end`: where the
    text of the letter's own option ends if it follows, else `end`.
    """

    letters: frozenset[str]
    start: int
    end: int
    bracketed: bool
    quoted: bool
    own_end: int
    undecided: bool = False


def fold(text: str) -> str:
    """`text` with full-width letters, digits and brackets as ASCII; same length."""
    return text.translate(_FOLD)


def item_of(letters: str, options: Sequence[str] | None, multiple: bool) -> Item:
    """The item with its options under their letters.

    Options carry their own label ("(A)…", "A．…", "A …") in AGIEval, and in 45 items of logiqa-en and logiqa-zh they
    stand in the order A C B D. The printed label is what a model sees and what the gold letter means, so it counts;
    where the labels are no permutation of `letters` the position does. Raises ValueError where there are not as many
    options as letters.
    """
    folded = [fold(option).strip() for option in options or ()]
    labels = [match.group(1) if (match := _LABEL.match(option)) else "" for option in folded]
    labelled = sorted(labels) == sorted(letters)
    texts = [_LABEL.sub("", option, count=1) if labelled or option.startswith("(") else option for option in folded]
    keys = labels if labelled else list(letters) if texts else []
    stripped = [text.rstrip(".。; ") for text in texts]
    return Item(letters, dict(zip(keys, stripped, strict=True)), multiple)


def option_end(text: str, pos: int, option: str) -> int:
    """Where `option` ends if it stands at `pos` of `text`, whatever the case and the spacing; else -1.

    A space counts only between two ASCII letters or digits ("1 2" is not "12"); elsewhere line breaks and spaces of
    the source ("G, H,J") come and go.
    """
    i = 0
    while i < len(option):
        if pos < len(text) and text[pos].lower() == option[i].lower():
            i, pos = i + 1, pos + 1
        elif option[i].isspace() and not _between_words(option, i):
            i += 1
        elif i and text[pos : pos + 1].isspace() and (text[pos - 1].isspace() or not _between_words(text, pos)):
            pos += 1
        else:
            return -1
    return pos if option else -1


def quoted_option(text: str, pos: int, item: Item) -> Read | None:
    """The option whose whole text, and no longer one's, stands at `pos` up to the end of a clause; None if two do."""
    ends = {letter: option_end(text, pos, option) for letter, option in item.options.items()}
    longest = max(ends.values(), default=-1)
    letters = [letter for letter, end in ends.items() if end == longest]
    if longest < 0 or len(letters) > 1 or not _TEXT_END.match(text, longest):
        return None
    return Read(frozenset(letters), pos, longest, bracketed=False, quoted=True, own_end=longest)


def read_answer(text: str, pos: int, item: Item, lower: bool = False) -> Read | None:
    """The letters, or the option's text, that stand at `pos` after any Markdown, quotes, TeX or noun; else None.

    `lower` admits a small letter too, which only explicit forms ("answer: b") should.
    """
    pos = _skip(text, pos)
    quote, unit = quoted_option(text, pos, item), _unit(text, pos, lower)
    if unit is None:
        return quote
    if quote and not unit.bracketed and quote.letters != unit.letters:
        # "The answer is F" where F is the text of option A; "… is C" where C is the text of option A is anyone's guess.
        a_letter = quote.end == unit.end and unit.letters <= set(item.letters)
        return replace(unit, undecided=True) if a_letter else quote
    own_end = _own_text_end(text, unit, item)
    return _joined(text, unit) if own_end == unit.end else _joined_texts(text, replace(unit, own_end=own_end), item)


def starts_list(text: str, read: Read, item: Item) -> bool:
    """True where the option read is only the first of a list of options that the text repeats."""
    start = read.own_end
    following = _LABEL_LINE.match(text, start)
    if following is None or frozenset(following.group(1)) == read.letters or following.group(1) not in item.letters:
        return False
    if item.options:
        return option_end(text, following.end(), item.options[following.group(1)]) > 0
    return "\n" in text[start : following.start(1)]


def units(text: str) -> list[int]:
    """Positions at which letters may stand that are no part of a word, a formula or an earlier run of letters."""
    starts = re.finditer(rf"(?<![A-Za-z0-9\\_^{{(\[])[(\[]?\s*{_LETTER}(?![a-z0-9_^])", text)
    return [match.start() for match in starts]


def _between_words(text: str, i: int) -> bool:
    """True for the first space of a run of spaces between two ASCII letters or digits."""
    before, after = text[i - 1 : i], text[i:].lstrip()[:1]
    return before.isascii() and before.isalnum() and after.isascii() and after.isalnum()


def _skip(text: str, pos: int) -> int:
    return _end_of(_SKIP, text, pos)


def _unit(text: str, pos: int, lower: bool) -> Read | None:
    if group := _GROUP.match(text, pos):
        return _read_of(group.group(1), group, bracketed=True)
    bare = _BARE.match(text, pos)
    if bare and list(bare.group()) == sorted(set(bare.group())) and _may_stand_bare(text, bare):
        return _read_of(bare.group(), bare, bracketed=text.startswith(")", bare.end()))
    if lower and (small := _LOWER_GROUP.match(text, pos) or _LOWER_BARE.match(text, pos)):
        return _read_of(small.group(1).upper(), small, bracketed="(" in small.group())
    return None


def _read_of(letters: str, match: re.Match[str], bracketed: bool) -> Read:
    found = frozenset(re.findall(_LETTER, letters))
    return Read(found, match.start(), match.end(), bracketed, quoted=False, own_end=match.end())


def _may_stand_bare(text: str, match: re.Match[str]) -> bool:
    end = match.end()
    if not _BARE_MAY_PRECEDE.match(text, end) or _POSSESSIVE_OR_NAME.match(text, end):
        return False
    return match.group() not in "AI" or not _ARTICLE.match(text, end)


def _own_text_end(text: str, unit: Read, item: Item) -> int:
    """Where the text of the one letter's own option ends, if it follows the letter; else where the letter ends."""
    if len(unit.letters) > 1:
        return unit.end
    between = _BETWEEN.match(text, unit.end)
    own = item.options.get(min(unit.letters), "")
    return max(unit.end, option_end(text, between.end() if between else unit.end, own))


def _joined(text: str, first: Read) -> Read:
    """`first` with the letters joined to it: brackets may touch ("(A)(C)"), bare letters need a comma or an "and"."""
    letters, end = first.letters, first.end
    while True:
        closed = _end_of(_CLOSERS, text, end)
        join = _JOIN.match(text, closed)
        following = _unit(text, join.end() if join else closed, lower=False)
        if following is None or following.bracketed != first.bracketed or not (join or first.bracketed):
            break
        list_end = _COMMA_LIST_END if join and join.group().strip() == "," else _LIST_END
        if not following.bracketed and not list_end.match(text, following.end):
            break
        letters, end = letters | following.letters, following.end
    undecided = _OR.match(text, end) is not None
    return Read(letters, first.start, end, first.bracketed, False, end, undecided)


def _joined_texts(text: str, read: Read, item: Item) -> Read:
    """`read` with further letters, each with its own text, joined by a word: "(B) … and (C) …"."""
    while join := _JOIN.match(text, read.own_end):
        following = _unit(text, join.end(), lower=False)
        own_end = _own_text_end(text, following, item) if following else -1
        if following is None or own_end == following.end:
            break
        read = replace(read, letters=read.letters | following.letters, own_end=own_end)
    return read


def _end_of(pattern: re.Pattern[str], text: str, pos: int) -> int:
    match = pattern.match(text, pos)
    return match.end() if match else pos
