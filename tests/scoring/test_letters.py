"""Both rules for multiple-choice answers: hand-written cases, properties, and the released outputs of three systems.

Outside values: counts recomputed from the authors' outputs (tests/expected/reproduced_from_outputs.json); 275 outputs
read and judged by hand (exam_cases/judged.jsonl: indices and letters only). Strata of these: "random" and "hard"
(several letters in the text, or none), judged before the rule was compared with them; "disagreement" (where both rules
differ), read while the rule was written; "held out", drawn and judged after that.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from exam_outputs import EXPECTED, cases, items, outputs
from hypothesis import given, settings
from hypothesis import strategies as st

from bayling_bench.scoring import letters

MULTIPLE = "gaokao-physics"
ROWS = [row for row in EXPECTED if row["subset"] != "gaokao-mathcloze"]  # that one is in test_cloze.py
BOUNDED = settings(deadline=timedelta(seconds=5))
OPTIONS = ["(A)The river dries up.", "(B)The mill closed early.", "(C)Nobody owns the bridge.", "(D)It rained in May."]
# Sentences of ours that declare nothing, though they are full of capitals, names and the words of declarations.
PROSE = [
    "As an AI language model, I cannot see the passage.",
    "Anna, Bernd and Chen took different answers home.",
    "Vitamin C matters, and a B minor chord is sad.",
    "The answer is not to be found in the second paragraph.",
    "Every option was considered before a choice was made.",
    "Die Antwort steht nicht im Text.",
    "作为一个语言模型，我无法看到图片。",
    "甲从A地出发，乙从B地出发，两人相向而行。",
    "其他选项与题意无关，需要进一步分析。",
    "If the answer were (B), the mill would have stayed open.",
    "Point A lies between B and C.",
]


@pytest.mark.parametrize("case", cases("letters"), ids=lambda case: case["text"][:40].replace("\n", " "))
def test_hand_written_cases(case: dict):
    parsed = letters.parse_letters(case["text"], case["letters"], case["options"], case["multiple"])
    assert ("".join(sorted(parsed.letters)) if parsed else None) == case["expected"]
    assert letters.strict_letters(case["text"], case["letters"], case["options"], case["multiple"]) == (
        parsed.letters if parsed else None
    )


def test_span_and_form_show_where_the_answer_stands():
    text = "分析如下。答案是选项（Ｂ）。"
    parsed = letters.parse_letters(text, "ABCD")
    assert parsed is not None
    assert (text[slice(*parsed.span)], parsed.form, parsed.letters) == ("（Ｂ）", "答案", {"B"})


def test_options_and_letters_must_match():
    with pytest.raises(ValueError, match="zip"):
        letters.strict_letters("Answer: B", "ABCDE", OPTIONS)


@pytest.mark.parametrize(
    ("text", "multiple", "read"),
    [
        ("Answer is choice (C)", False, "C"),
        ("As an AI language model", False, "A"),
        ("Choice of words", False, ""),
        ("答案是选项(D)。", False, "D"),
        ("Answer is choice (C)", True, "AC"),
        ("B)和(D)。", True, "BD"),
    ],
)
def test_papers_rule(text: str, multiple: bool, read: str):
    # The rule as PROTOCOL states it, applied by hand; the A of "As" and of "Answer" are its known faults.
    assert letters.paper_letters(text, multiple) == set(read)


@BOUNDED
@given(st.text(max_size=400), st.booleans(), st.booleans())
def test_any_text_is_read_without_error(text: str, with_options: bool, multiple: bool):
    read = letters.strict_letters(text, "ABCD", OPTIONS if with_options else None, multiple)
    assert read is None or (read and read <= set("ABCD") and (multiple or len(read) == 1))


@BOUNDED
@given(st.text(st.characters(exclude_characters="ABCDEFGHIJabcdefghij", max_codepoint=0xFF00), max_size=300))
def test_text_without_any_letter_has_no_answer(text: str):
    assert letters.strict_letters(text, "ABCD") is None


@BOUNDED
@given(st.lists(st.sampled_from(PROSE), min_size=1, max_size=6), st.sampled_from([" ", "\n", "\n\n"]))
def test_prose_that_declares_nothing_has_no_answer(sentences: list[str], gap: str):
    assert letters.strict_letters(gap.join(sentences), "ABCD", OPTIONS) is None


@BOUNDED
@given(
    st.lists(st.sampled_from([*PROSE, "The answer is (A).", "故选B。", "C"]), max_size=6),
    st.sampled_from("ABCD"),
    st.sampled_from(["The answer is ({}).", "Answer: **{}**", "\\boxed{{{}}}", "答案是选项({})。", "故选{}。"]),
)
def test_the_last_declared_answer_counts(sentences: list[str], letter: str, form: str):
    assert letters.strict_letters("\n".join([*sentences, form.format(letter)]), "ABCD", OPTIONS) == {letter}


@pytest.mark.parametrize(
    "text",
    ["answer " * 20_000, "A、" * 20_000, "(A)" * 20_000, "答案是" * 20_000, "\\boxed{" * 10_000, "A" * 50_000,
     "the answer " + "so " * 30_000, " " * 100_000 + "B", "选项A" * 20_000, "not " * 30_000 + "answer: B"],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_hostile_length_is_read_in_bounded_time(text: str):
    start = time.perf_counter()
    letters.strict_letters(text, "ABCD", OPTIONS)
    assert time.perf_counter() - start < 20


@pytest.mark.mirror
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['system']}-{row['subset']}")
def test_papers_rule_gives_the_published_counts(mirror: Path, row: dict):
    texts = outputs(mirror, row["system"], row["subset"])
    several = row["subset"] == MULTIPLE
    assert len(texts) == row["n"]
    assert sum(not letters.paper_letters(text, several) for text in texts) == row["unparsed"]
    for state in ("correct", "correct_head_labels"):
        labels = [item["label"] for item in items(mirror, row["subset"], state)]
        right = [letters.paper_correct(text, label, several) for text, label in zip(texts, labels, strict=True)]
        assert sum(right) == row[state]


@cache
def strict(mirror: Path, system: str, subset: str) -> list[str | None]:
    read = []
    for text, item in zip(outputs(mirror, system, subset), items(mirror, subset), strict=True):
        offered = "ABCDE"[: len(item["options"])]
        chosen = letters.strict_letters(text, offered, item["options"], subset == MULTIPLE)
        read.append("".join(sorted(chosen)) if chosen else None)
    return read


@pytest.mark.mirror
def test_strict_rule_is_never_wrong_where_answers_were_judged_by_hand(mirror: Path):
    judged = cases("judged")
    read = [strict(mirror, case["system"], case["subset"])[case["index"]] for case in judged]
    wrong = [(case, r) for case, r in zip(judged, read, strict=True) if r is not None and r != case["letters"]]
    assert wrong == []
    missed = Counter(case["stratum"] for case, r in zip(judged, read, strict=True) if r is None and case["letters"])
    # Six values in a sentence with others, without any letter, and one list that was cut off: 7 of 251 answers.
    assert missed == {"hard": 6, "held out": 1}
    assert sum(case["letters"] is not None for case in judged) == 251


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("system", "least"), [("gpt-3.5-turbo", 0.998), ("bayling-13b", 0.991), ("vicuna-13b-1.1", 0.955)]
)
def test_strict_rule_reads_nearly_all_outputs(mirror: Path, system: str, least: float):
    subsets = [row["subset"] for row in ROWS if row["system"] == system]
    read = [answer for subset in subsets for answer in strict(mirror, system, subset)]
    assert len(read) == 5151
    assert sum(answer is not None for answer in read) / len(read) >= least
