"""GaoKao and SAT-type exams of AGIEval v1 (https://github.com/ruixiangcui/AGIEval), in two label states.

A record: ``{"passage": null, "question": …, "options": ["(A)…", …], "label": "B", "answer": null, "other": null}``.
Cloze items have their gold in ``answer``; gaokao-physics has a list of letters as label where several are right. The
paper's figures used the labels of June 2023; three were corrected since.
"""

from __future__ import annotations

from typing import Any

from bayling_bench import documents
from bayling_bench.data import catalogue, store

REPOSITORY = "ruixiangcui/AGIEval"
COMMITS = {
    "head": "5c77d073fda993f1652eaae3cf5d04cc5fd21d40",
    "2023-06": "368091016af4263bdb3d735b91f87e868b0d10b5",
}


def subset_file(subset: str, label_state: str = "head") -> catalogue.File:
    """Return the catalogue entry of a subset, for example ``gaokao-physics``."""
    return catalogue.find(REPOSITORY, f"data/v1/{subset}.jsonl", COMMITS[label_state])


def files(subset: str, label_state: str = "head", **_: Any) -> list[catalogue.File]:
    """Return the files that ``load`` reads."""
    return [subset_file(subset, label_state)]


def load(subset: str, language: str, kind: str, label_state: str = "head", **_: Any) -> dict[str, documents.Documents]:
    """Return the ``test`` split of a subset; ``kind`` is single, multiple, cloze or letter (see ``prompts.exam``)."""
    return {"test": documents.exam(store.read_jsonl(subset_file(subset, label_state)), language, kind)}
