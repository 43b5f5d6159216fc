"""Score lines are read where they stand as such, and nowhere else.

Forms of lines as BayLing's released GPT-4 reviews have them; the sentences around them are ours.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayling_bench.scoring.verdicts import Scores, Unparsed, parse_scores, verdict


@pytest.mark.parametrize(
    ("review", "first", "second", "won"),
    [
        ("Evidence.\n\nScore of the Assistant 1: 9\nScore of the Assistant 2: 7", 9, 7, "win"),
        ("Evidence.\nScore of Assistant 1: 8.5\nScore of Assistant 2: 8.5", 8.5, 8.5, "tie"),  # without "the"
        ("Evidence.\n**Score of the Assistant 1**: 4\n**Score of the Assistant 2**: **10**", 4, 10, "lose"),
        ("Score of the Assistant 1: 9/10\nScore of the Assistant 2: 7/10\nAfter them,\ntwo lines.", 9, 7, "win"),
        ("Score 1: 3 is unfair.\nscore of the assistant 2: 6\nscore of the assistant 1: 5", 5, 6, "lose"),
        ("证据。\n\nScore of the Assistant 1: 9\nScore of the Assistant 2: 8", 9, 8, "win"),
    ],
)  # fmt: skip
def test_score_lines(review: str, first: float, second: float, won: str):
    parsed = parse_scores(review)
    assert isinstance(parsed, Scores)
    assert (parsed.first, parsed.second, parsed.verdict) == (first, second, won)
    assert "core of the Assistant" not in parsed.evidence


@pytest.mark.parametrize(
    ("review", "reason"),
    [
        ("", "no score line for Assistant 1"),
        ("Both are good: 9 and 8.", "no score line for Assistant 1"),
        ("Score of the Assistant 1: 9", "no score line for Assistant 2"),
        ("Score of the Assistant 1: 9\nScore of the Assistant 2: nine", "no score line for Assistant 2"),
        ("Score of Assistant 1: 9\nScore of Assistant 2: 7\nScore of Assistant 1: 8", "2 score lines for Assistant 1"),
        ("Score of the Assistant 1: 90\nScore of the Assistant 2: 70", "score 90 of Assistant 1 is above 10"),
    ],
)  # fmt: skip
def test_a_review_without_one_score_each_is_unparsed_and_says_why(review: str, reason: str):
    assert parse_scores(review) == Unparsed(reason)


@given(first=st.integers(0, 20), second=st.integers(0, 20), evidence=st.text(alphabet="ab 评.\n", max_size=40))
def test_whatever_the_evidence_says_the_scores_come_back(first: int, second: int, evidence: str):
    text = f"{evidence}\nScore of the Assistant 1: {first / 2}\nScore of the Assistant 2: {second / 2}"
    parsed = parse_scores(text)
    assert isinstance(parsed, Scores)
    assert (parsed.first, parsed.second, parsed.evidence) == (first / 2, second / 2, evidence.strip())
    assert parsed.verdict == verdict(first, second)
