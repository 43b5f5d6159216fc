"""The mini suite: well formed, balanced, verifiable, and our own.

The right and wrong answers to the conversations are written by hand in ``mini_answers.jsonl``: ``right`` holds whole
conversations, ``wrong`` one answer for each check of each turn. The values of the cloze items are derived again here.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest
import sympy
from sympy import Rational, atan, cos, pi, sin, sqrt

from bayling_bench.scoring.instructions import CONTEXT_RULES, RULES, check, score

MINI = Path(str(resources.files("bayling_bench.data"))) / "mini"
LANGUAGES = ["en", "zh", "de"]
EXAMS = ["exam.en.jsonl", "exam.zh.jsonl"]
CATEGORIES = {
    "generic",
    "knowledge",
    "roleplay",
    "common-sense",
    "fermi",
    "counterfactual",
    "coding",
    "math",
    "writing",
    "translation",
}


def sentences(language: str) -> list[str]:
    return (MINI / f"mini.{language}").read_text(encoding="utf-8").splitlines()


def records(name: str) -> list[dict]:
    lines = (MINI / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def answers() -> list[dict]:
    path = Path(__file__).parent / "mini_answers.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for part in value.values() for text in strings(part)]
    return [text for part in value for text in strings(part)] if isinstance(value, list) else []


def test_counts_are_those_of_the_readme() -> None:
    readme = (MINI / "README.md").read_text(encoding="utf-8")
    named = {
        name: int(n)
        for row, n in re.findall(r"^\| (`.+?`) \| (\d+)", readme, re.M)
        for name in re.findall(r"`(.+?)`", row)
    }
    found = {
        path.name: len(path.read_text(encoding="utf-8").splitlines())
        for path in MINI.iterdir()
        if path.name != "README.md"
    }
    assert named == found
    assert [found[f"mini.{language}"] for language in LANGUAGES] == [40, 40, 40]


@pytest.mark.parametrize("path", sorted(MINI.iterdir()), ids=lambda path: path.name)
def test_text_is_clean(path: Path) -> None:
    text = path.read_bytes().decode("utf-8")
    assert unicodedata.is_normalized("NFC", text)
    assert text.endswith("\n") and "\r" not in text
    assert [line for line in text.splitlines() if line != line.rstrip()] == []
    assert path.suffix == ".md" or all(text.splitlines())


@pytest.mark.parametrize("path", sorted(MINI.glob("*.jsonl")), ids=lambda path: path.name)
def test_strings_have_no_loose_space(path: Path) -> None:
    assert [text for text in strings(records(path.name)) if text != text.strip() or "  " in text] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_distinct_and_of_sensible_length(language: str) -> None:
    lines = sentences(language)
    assert len(set(lines)) == len(lines)
    if language == "zh":
        assert all(8 <= len(line) <= 60 for line in lines)
        assert [line for line in lines if re.search(r"[,;?!:\"]|[.](?![0-9])", line)] == []
    else:
        assert all(6 <= len(line.split()) <= 35 for line in lines)


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_in_their_language(language: str) -> None:
    astray = [line for line in sentences(language) if not check({"rule": "only_language", "language": language}, line)]
    assert astray == []


def test_digits_agree_across_languages() -> None:
    """Chinese writes the month of the one full date as a number; English and German name it."""
    for en, zh, de in zip(*map(sentences, LANGUAGES), strict=True):
        numbers = [Counter(re.findall(r"[0-9]+", text.replace("年5月", "年"))) for text in (en, zh, de)]
        assert numbers[0] == numbers[1] == numbers[2]


@pytest.mark.parametrize(
    ("name", "source", "target"),
    [("constraints.zh-en.en.jsonl", "zh", "en"), ("constraints.en-zh.zh.jsonl", "en", "zh")],
)
def test_constraints_are_substrings_of_the_target(name: str, source: str, target: str) -> None:
    items = records(name)
    assert [(item["src"], item["tgt"]) for item in items] == list(
        zip(sentences(source), sentences(target), strict=True)
    )
    for item in items:
        assert set(item) == {"src", "tgt", "constraint"}
        assert 1 <= len(item["constraint"]) <= 3
        assert len(set(item["constraint"])) == len(item["constraint"])
        assert [text for text in item["constraint"] if text not in item["tgt"]] == []


@pytest.mark.parametrize("name", EXAMS)
def test_exam_records_and_balance(name: str) -> None:
    items = records(name)
    for item in items:
        assert list(item) == ["passage", "question", "options", "label", "answer", "other"]
        assert [option[:3] for option in item["options"]] == ["(A)", "(B)", "(C)", "(D)"]
        assert len({option[3:] for option in item["options"]}) == 4
        assert item["label"] in {"A", "B", "C", "D"}
        assert item["answer"] is None and item["other"] is None
    assert len({(item["passage"], item["question"]) for item in items}) == len(items)
    shares = [count / len(items) for count in Counter(item["label"] for item in items).values()]
    assert len(shares) == 4 and all(0.15 <= share <= 0.35 for share in shares)


def test_right_options_are_not_the_longest_more_often_than_chance_allows() -> None:
    items = [item for name in EXAMS for item in records(name)]
    right = [item["options"]["ABCD".index(item["label"])] for item in items]
    longest = sum(
        all(len(answer) > len(o) for o in item["options"] if o != answer)
        for item, answer in zip(items, right, strict=True)
    )
    assert longest <= len(items) / 2


# Each value is derived from the question by sympy, not copied from the file.
X = sympy.symbols("x")
CLOZE = [
    (sin(atan(2)) - cos(atan(2))) / (sin(atan(2)) + cos(atan(2))),
    sum(3 + 4 * k for k in range(10)),
    sympy.solve(1 * 3 + X * -6, X)[0],
    sqrt(2**2 + 1**2),
    sympy.log(12, 2) - sympy.log(3, 2) + sympy.cbrt(8),
    sympy.diff(X**3 - 5 * X, X).subs(X, 2),
    Rational(4 * 3, sympy.binomial(7, 2)),
    sympy.Poly((X + 2) ** 5, X).coeff_monomial(X**3),
    Rational(4, 3) * pi * 3**3,
    sqrt(2**2 + 3**2 - 2 * 2 * 3 * cos(pi / 3)),
]


def test_cloze_answers_follow_from_their_questions() -> None:
    items = records("cloze.zh.jsonl")
    for item, value in zip(items, CLOZE, strict=True):
        assert item["options"] is None and item["label"] is None and item["passage"] is None
        gold = sympy.sympify(_plain(item["answer"]))
        assert sympy.simplify(gold - value) == 0, item["question"]


def _plain(latex: str) -> str:
    """Write the few LaTeX forms of the file as sympy input."""
    body = re.sub(r"\\frac\{(\d+)\}\{(\d+)\}", r"\1/\2", latex.strip("$"))
    return re.sub(r"\\sqrt\{(\d+)\}", r"sqrt(\1)", body).replace("\\pi", "*pi")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_conversation_records(language: str) -> None:
    items = records(f"conversations.{language}.jsonl")
    assert [item["question_id"] for item in items] == list(range(1, len(items) + 1))
    assert {item["category"] for item in items} <= CATEGORIES
    for item in items:
        assert set(item) == {"question_id", "text", "category", "checks"}
        assert len(item["text"]) == len(item["checks"]) == 2
        assert all(item["checks"])
    turns = [turn for item in items for turn in item["text"]]
    assert len(set(turns)) == len(turns)


def test_each_rule_is_used() -> None:
    items = [item for language in ("en", "zh") for item in records(f"conversations.{language}.jsonl")]
    used = {rule["rule"] for item in items for checks in item["checks"] for rule in checks}
    assert used == set(RULES) | set(CONTEXT_RULES)


@pytest.mark.parametrize("case", answers(), ids=lambda case: f"{case['language']}-{case['question_id']}")
def test_right_answers_pass_and_wrong_answers_fail(case: dict) -> None:
    checks = records(f"conversations.{case['language']}.jsonl")[case["question_id"] - 1]["checks"]
    for first, second in case["right"]:
        assert all(score(checks[0], first))
        assert all(score(checks[1], second, earlier=[first]))
    for turn, before in enumerate([[], case["right"][0][:1]]):
        for rule, wrong in zip(checks[turn], case["wrong"][turn], strict=True):
            assert not check(rule, wrong, earlier=before), (rule, wrong)


def test_each_conversation_has_hand_written_answers() -> None:
    known = {(case["language"], case["question_id"]) for case in answers()}
    assert known == {(lang, k["question_id"]) for lang in ("en", "zh") for k in records(f"conversations.{lang}.jsonl")}
    assert all(len(case["right"]) >= 2 for case in answers())


def our_sentences() -> set[str]:
    """All that we ship, cut at sentence ends; only what is long enough to be no coincidence."""
    texts = [text for path in MINI.glob("*.jsonl") for text in strings(records(path.name))]
    texts += [line for language in LANGUAGES for line in sentences(language)]
    pieces = [piece.strip() for text in texts for piece in [text, *re.split(r"(?<=[.!?])\s|(?<=[。！？])", text)]]
    return {piece for piece in pieces if len(piece) >= 20}


@pytest.mark.mirror
def test_nothing_is_taken_from_upstream(mirror: Path) -> None:
    found = [*mirror.glob("wmt-conference/*/*/txt/sources/*"), *mirror.glob("wmt-conference/*/*/txt/references/*")]
    found += [*mirror.glob("ruixiangcui/AGIEval/*/data/v1/*.jsonl")]
    found += [*mirror.glob("ictnlp/BayLing/*/data/*/*.jsonl")]
    assert len(found) > 80, "the mirror is not the one that the catalogue describes"
    upstream = "\n".join(
        "\n".join(strings([json.loads(line) for line in text.splitlines() if line.strip()]))
        if path.suffix == ".jsonl"
        else text
        for path in found
        for text in [path.read_text(encoding="utf-8")]
    )
    ours = our_sentences()
    assert len(ours) > 250
    assert [piece for piece in ours if piece in upstream] == []
