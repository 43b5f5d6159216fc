"""The words around a declared answer, English and Chinese: what announces one, confirms it and takes it back.

Patterns only, for text folded by `answer_forms.fold`; `letters.py` puts them to use. Written by us against hand-written
cases and the released exam outputs of three systems of 2023 (tests/scoring/test_letters.py).
"""

from __future__ import annotations

import re

from bayling_bench.scoring.answer_forms import NOUN, WRAP

# Up to eight words between "answer" and its verb: "the answer to the second question would be".
_WORDS = r"(?:[ \t]+(?!not\b|no\b|format\b)[\w'-]{1,20}){0,8}?[\s*_\")]{0,4}"
_IS = (
    r"(?:\b(?:is|are|would be|should be|must be|will be)\b"
    r"(?:[ \t]+(?:therefore|thus|then|clearly|most likely|likely|probably|indeed)\b)?\s*:?|=>?|:|->|→|[ \t][-–—][ \t])"
)
_GOOD = r"(?:correct|right|best|appropriate|accurate|valid|suitable|final|logical)"
_CHOICE = r"(?:choice|option|response|letter|statement|conclusion|one)"
_ZH_IS = r"[\s*_\"]{0,4}(?:应该|应当|应|就|可能|只能)?(?:是|为|:|选(?![项择]))+"
_ZH_GOOD = r"(?:正确|恰当|准确|符合题意|最佳|合适)"
_ONE_LETTER = r"[(\[]?[A-J][)\]]?[*_\"]*\s*"

# What announces an answer. In the `loose` forms a letter must be one of the item's and an option's text is not enough.
_LEADS = {
    "answer is": rf"\bans(?:wers?)?\b(?![ \t]+choices\b){_WORDS}{_IS}",
    "answer": r"\banswers?[\s*_>]{1,6}(?=[(\[][A-J][)\]]|[*_]*[A-J][*_.]*\s*(?:$|\n))|<answer>"
    rf"|^[\s*]*A:(?=[\s*]*{_ONE_LETTER})",
    "correct choice is": rf"\b(?:{_GOOD}|my|chosen|selected)[ \t]+(?:[\w-]{{1,20}}[ \t]+)?{_CHOICE}\b{_WORDS}{_IS}",
    "boxed": r"(?=\\boxed\s*\{)",
    "答案": rf"答案\s*\]|答案\s+(?={_ONE_LETTER}(?:。|$|\n))|答案[^。;\n,:A-Za-z不非没解]{{0,10}}?{_ZH_IS}",
    "正确的是": rf"(?<![都均也]是)(?<![都均也]){_ZH_GOOD}的?(?:答案|选项|选择|说法|一项|一个|结论|叙述|表述)?{_ZH_IS}",
}
_LOOSE_LEADS = {
    "choose": r"\b(?:choose|select|pick|go with|opt for)\s+"
    rf"(?=(?:{NOUN}|[\s*_\"])*{_ONE_LETTER}(?:[.;,\n]|$)|(?:the\s+)?{_CHOICE}\b|[*_]*[(\[][A-J][)\]])",
    "therefore": r"\b(?:it is|it's|that is|therefore|thus|hence|so),?\s+"
    rf"(?=(?:{NOUN}|[\s*_\"])*{_ONE_LETTER}(?:[.;,\n]|$))",
    "选": r"(?<![供备挑筛竞首候所文])选(?![项手举拔])(?:择|定|出)?(?:正确)?(?:答案|选项|是|为|:)*"
    rf"|(?<![个列下各])选项(?:是|为|:)+|(?:因此|所以|故),?(?=\s*{_ONE_LETTER}(?:。|\.|\n|$))",
}
FORMS = [(form, re.compile(lead, re.I), form in _LOOSE_LEADS) for form, lead in {**_LEADS, **_LOOSE_LEADS}.items()]

# What undoes an announcement when it stands before it in its clause.
BEFORE = re.compile(
    r"(?:\b(?:not|no|none|never|neither|nor|if|whether|unless|suppose|supposing|assum\w+|except|cannot|eliminate"
    r"|rule out|let's say|each|every|all|following|consider|considering|possible|other)\b|n't\b)[^.,;:!?。\n]*$"
    r"|\b(?:wrong|incorrect|false|least)\s*$"
    r"|(?:如果|假如|假设|若|是否|排除|下列|以下|其他|其它|其余|哪)[^.,;:!?。\n]*$"
    r"|(?:不|别|勿|非|没有?|无)(?:能|应该?|可以?|会|要|是|认为|觉得|太|够)?最?$|错误的?$",
    re.I,
)
NOT = re.compile(r"(?:\b(?:can)?not|n't|不是?|非)(?:\s+(?:be|to))?\s*$", re.I)
LISTING = re.compile(
    r"(?:\b(?:each|every|all|other|consider|choices|options)\b|其[他它余]|逐[项个一]|选项(?:如下|有|为)?(?=\s*:))"
    r"[^.。\n]{0,40}:\s*$",
    re.I,
)

# What may follow the letters: a negation or a question, "is the answer", "is correct".
UNDONE = re.compile(
    r"[\s*_`\"'$})\].,]{0,4}(?:选项|项)?[\s\"]*"
    r"(?:(?:is|was|are|would be|can be|being)\s*(?:also\s*)?(?:not|incorrect|wrong|false|ruled|eliminated|out)\b"
    r"|(?:is|was|are|does|ca|do)n't|cannot|does not"
    r"|的?(?:说法|表述)?是?(?:不(?:正确|对|是|符|成立|能|可|合适|恰当|选|属于|会|应|准确|合理)|错误?|有误|没有)"
    r"|并?非|可以?排除)|\s*(?:\?|吗)",
    re.I,
)
_THEN = r"[\s*_`\"'$})\].:]{0,6}(?:选项|项)?\s*"
IS_ANSWER = re.compile(
    rf"{_THEN}(?:(?:is|are|would be|must be|seems to be)\s+(?:therefore\s+|thus\s+)?(?:the|my)\s+"
    rf"(?:(?:most|only|single|likely|logically)\s+)*{_GOOD}?\s*(?:answer|choice|option)\b"
    rf"|(?:就|才)?(?:是|为)(?:本题|该题|此题)?的?(?:唯一的?)?最?{_ZH_GOOD}?的?(?:答案|选项|选择)"
    r"|作为(?:正确|最佳)?(?:答案|选项))",
    re.I,
)
IS_CORRECT = re.compile(
    rf"{_THEN}(?:(?:is|are|must be)\s+(?:the\s+)?(?:correct|right)\b"
    r"|(?:是|为|都|均)?(?:正确|对的)|(?:都|均)?符合题意)",
    re.I,
)
# Superlatives need "option" with the letter: "the shortest chord of circle C is the smallest" is about a circle.
IS_BEST = re.compile(rf"{_THEN}(?:(?:would\s+)?(?:best|most)\b|[^。;\n]{{0,80}}最(?![不少多]))", re.I)
OPTION_BEFORE = re.compile(r"(?:选项|\b(?:option|choice))[\s\"(\[*]*$", re.I)
NAMED = re.compile(r"(?:\b(?:is|are|be|was|to)|=|[是为])\s*:?\s*$", re.I)
DELIMITER = re.compile(r"[*_`\"'$}\s]{0,4}(?:[).:、。\]]|$|\n|,?\s*(?:because|since|因为|由于)\b)", re.I)
SMALL = re.compile(r"[\s*_`\"'$]*\(?[a-j][).]?[\s*_`\"'$.]*")
ALONE = re.compile(rf"{WRAP}*[(\[]?[A-J][)\]]?[.。)\]}}]*{WRAP}*$")
ONE_SENTENCE = re.compile(r"[^。\n]{1,300}?(?:\b(?:is|are|was|were|be)\b|=|是|为|等于)\s*")
SENTENCE_BREAK = re.compile(r"[。!?\n]|\.\s")
CONCLUDING = re.compile(
    r"(?:\b(?:therefore|thus|hence|so|consequently|overall|in conclusion)\b|故|因此|所以|综上)[^.。\n]*$", re.I
)
NEARLY_END = re.compile(r"[^.。\n]{0,60}[.。!]?\s*$")
