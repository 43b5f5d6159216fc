"""Both rules for answers with blanks to fill: hand-written cases, properties, all golds, and the released outputs.

Outside values: counts recomputed from the authors' outputs (tests/expected/reproduced_from_outputs.json), and the right
answers found by reading those outputs (exam_cases/judged_cloze.jsonl: all outputs were read that hold the gold's value
anywhere, or end on it; the others are wrong).
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from exam_outputs import EXPECTED, LABEL_STATES, cases, items, outputs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayling_bench.scoring import cloze
from bayling_bench.scoring.formula_reader import canonical, read_formula
from bayling_bench.scoring.formulas import same

SUBSET = "gaokao-mathcloze"
# A first reading imports the grammar and builds its tables, which takes some seconds.
BOUNDED = settings(deadline=timedelta(seconds=10), max_examples=150, suppress_health_check=[HealthCheck.too_slow])
PIECES = [
    "\\frac{",
    "}{",
    "}",
    "{",
    "\\sqrt{",
    "^{",
    "_{",
    "(",
    ")",
    "[",
    "]",
    "|",
    "\\pm ",
    "\\cup ",
    "\\infty ",
    "\\pi ",
]
PIECES += [
    "1",
    "23",
    "4.5",
    "x",
    "y",
    "n",
    "e",
    "i",
    "+",
    "-",
    "=",
    "<",
    "≤",
    ",",
    "!",
    "%",
    "°",
    "\\ln ",
    "\\log_2 ",
    "\\tan ",
]
PIECES += [
    "$",
    "$$",
    "\\boxed{",
    "答案是",
    "The answer is ",
    "。",
    "\n",
    "；",
    "和",
    "①",
    "种",
    "√",
    "9^{99}",
    "\\text{ 种}",
]


@pytest.fixture(scope="module", autouse=True)
def grammar_is_loaded():
    read_formula("\\frac{1}{2}x + [1, 2]")


@pytest.mark.parametrize("case", cases("cloze"), ids=lambda case: f"{case['text']} {case['gold']}"[:50])
def test_hand_written_cases(case: dict):
    assert cloze.strict_cloze(case["text"], case["gold"]) is case["expected"]


@pytest.mark.parametrize(
    ("text", "gold", "correct"),
    [
        ("所以 $a=2$。", "2", True),
        ("所以 $a=\\frac{1}{2}$。", "\\frac12", True),
        ("得 $\\left(\\dfrac{1}{2}\\right)$", "(\\frac{1}{2})", True),
        ("答案是 \\boxed{3}，不是 $4$", "3", True),
        ("共有36个", "36", False),  # the number touches a word
        ("共有 36 个", "36", True),
        ("S = 4 + 5", "4+5", True),
        ("约 .5", "\\frac{1}{2}", False),
        ("$0.5$", "\\frac{1}{2}", True),
        ("$3/4$", "\\frac{3}{4}", True),
        ("$\\sqrt3$", "\\sqrt{3}", True),
        ("$2$", "$2$", False),  # golds keep their dollars
    ],
)
def test_papers_rule(text: str, gold: str, correct: bool):
    # PROTOCOL's description and the usual normalisation of LaTeX answers, applied by hand.
    assert cloze.paper_cloze_correct(text, gold) is correct


@pytest.mark.parametrize("text", ["没有答案", "\\boxed{\\frac{", "结果为 ="])
def test_papers_rule_finds_nothing(text: str):
    assert cloze.paper_cloze(text) is None


def test_form_of_an_answer():
    assert cloze.read_cloze("先得 $2$。答案是 $x=3$。") == cloze.Final(("x=3",), "declared")
    assert cloze.read_cloze("于是 $x=3$，$y=4$。", 2) == cloze.Final(("x=3", "y=4"), "closing")
    assert cloze.read_cloze("没有") is None


@BOUNDED
@given(st.one_of(st.text(max_size=300), st.lists(st.sampled_from(PIECES), max_size=60).map("".join)))
def test_any_text_is_judged_without_error_in_bounded_time(text: str):
    for gold in ("2", "$[0,2]$", "$y=2x$", "1;$\\frac{8}{9}$"):
        assert cloze.strict_cloze(text, gold) in (True, False, None)
    cloze.paper_cloze_correct(text, "2")


@BOUNDED
@given(st.lists(st.sampled_from(PIECES[:36]), max_size=40).map("".join))
def test_any_formula_is_itself(latex: str):
    formula = read_formula(latex)
    assert formula is None or same(formula, formula)


@pytest.mark.parametrize(
    "latex",
    ["9^{9^{9^{9}}}", "((9^{99})^{99})^{99}", "99999999!", "x^{" * 50 + "2" + "}" * 50, "(" * 100 + "1" + ")" * 100,
     "|x" * 60, "\\frac{" * 40 + "1" + "}{2}" * 40, "1+" * 10_000 + "1", "\\boxed{" * 5_000, "$" * 5_001,
     "x" * 100_000],
    ids=lambda latex: latex[:12],
)  # fmt: skip
def test_hostile_formulas_end_soon(latex: str):
    start = time.perf_counter()
    cloze.strict_cloze(latex, "2")
    cloze.strict_cloze(f"答案是 ${latex}$。", "2")
    assert time.perf_counter() - start < 10


def test_threads_may_score_at_once():
    wanted = [case["expected"] for case in cases("cloze")]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda case: cloze.strict_cloze(case["text"], case["gold"]), cases("cloze")))
    assert found == wanted


def test_importing_the_scorers_does_not_import_sympy():
    code = "import sys, bayling_bench.scoring.cloze, bayling_bench.scoring.letters; print(*sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = process.stdout.split()
    assert loaded and not {"sympy", "mpmath", "math_verify", "latex2sympy2_extended"} & set(loaded)


@pytest.mark.mirror
@pytest.mark.parametrize("row", [row for row in EXPECTED if row["subset"] == SUBSET], ids=lambda row: row["system"])
def test_papers_rule_gives_the_published_counts(mirror: Path, row: dict):
    texts = outputs(mirror, row["system"], SUBSET)
    assert (len(texts), sum(cloze.paper_cloze(text) is None for text in texts)) == (row["n"], row["unparsed"])
    for state in LABEL_STATES:
        golds = [item["answer"] for item in items(mirror, SUBSET, state)]
        assert sum(map(cloze.paper_cloze_correct, texts, golds)) == row[state]


def written(gold: str, form: str) -> str:
    parts = [part.strip("$") for part in gold.split(";")]
    dollars = [part if not part.isascii() else f"${part}$" for part in parts]
    forms = {"plain": gold, "declared": f"答案是{'；'.join(dollars)}。", "boxed": f"\\boxed{{{'; '.join(parts)}}}"}
    return forms[form]


@pytest.mark.mirror
@pytest.mark.parametrize("form", ["plain", "declared", "boxed"])
def test_every_gold_is_met_by_itself_and_not_by_its_neighbours(mirror: Path, form: str):
    golds = [item["answer"] for item in items(mirror, SUBSET)]
    assert [gold for gold in golds if cloze.strict_cloze(written(gold, form), gold) is not True] == []
    for i, gold in enumerate(golds):
        for other in golds[i + 1 : i + 4]:
            if canonical(other) != canonical(gold):
                assert not cloze.strict_cloze(written(other, form), gold), (other, gold)


@pytest.mark.mirror
def test_no_two_golds_are_taken_for_the_same(mirror: Path):
    parts = {canonical(part): part for item in items(mirror, SUBSET) for part in item["answer"].split(";")}
    formulas = {text: read_formula(part) for text, part in parts.items()}
    read = {text: formula for text, formula in formulas.items() if formula is not None}
    assert len(formulas) - len(read) == 2  # the two blanks that are answered in words
    alike = {frozenset((a, b)) for a in read for b in read if a != b and same(read[a], read[b])}
    assert alike == {frozenset((canonical("90^{\\circ}"), canonical("\\frac{\\pi}{2}")))}


@pytest.mark.mirror
def test_strict_rule_on_the_released_outputs(mirror: Path):
    golds = [item["answer"] for item in items(mirror, SUBSET)]
    right = set()
    for system in ("gpt-3.5-turbo", "bayling-13b", "vicuna-13b-1.1"):
        texts = outputs(mirror, system, SUBSET)
        right |= {(system, i) for i in range(len(golds)) if cloze.strict_cloze(texts[i], golds[i])}
    judged = {(case["system"], case["index"]) for case in cases("judged_cloze")}
    # The one it misses gives both blanks in an explanation that was cut off.
    assert judged - right == {("gpt-3.5-turbo", 52)}
    assert right - judged == set()
