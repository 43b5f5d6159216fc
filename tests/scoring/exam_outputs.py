"""Reads the released exam outputs and AGIEval's items from a mirror, for the tests of the exam scorers."""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).parent
EXPECTED = json.loads((HERE.parent / "expected" / "reproduced_from_outputs.json").read_text("utf-8"))["exams"]
LABEL_STATES = {
    "correct": "368091016af4263bdb3d735b91f87e868b0d10b5",
    "correct_head_labels": "5c77d073fda993f1652eaae3cf5d04cc5fd21d40",
}
SYSTEMS = ("gpt-3.5-turbo", "bayling-13b", "vicuna-13b-1.1")


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def cases(name: str) -> list[dict]:
    return lines(HERE / "exam_cases" / f"{name}.jsonl")


def items(mirror: Path, subset: str, state: str = "correct_head_labels") -> list[dict]:
    return lines(mirror / "ruixiangcui/AGIEval" / LABEL_STATES[state] / f"data/v1/{subset}.jsonl")


def outputs(mirror: Path, system: str, subset: str) -> list[str]:
    (path,) = mirror.glob(f"ictnlp/BayLing/*/exp/examination/{system}/predict.*.{subset}.zero-shot.jsonl")
    return [row["text"] if "text" in row else row["choices"][0]["message"]["content"] for row in lines(path)]
