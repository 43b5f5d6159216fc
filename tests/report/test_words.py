"""The sentences at the head of a report."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bayling_bench.report import words
from bayling_bench.report.places import Place


@pytest.mark.parametrize(
    ("sizes", "told"), [((330, 330), ""), ((330, 120), "translation zh → en"), ((149,), "zh → en")]
)
def test_a_task_is_small_by_the_run_that_has_fewest_items_and_not_by_its_parts(sizes, told):
    cells = {}
    for system, n in enumerate(sizes):
        for metric, share in (("bleu", 1), ("bleu@random", 3)):
            place = Place("miniature", "miniature_translation_zh_en", metric, "")
            cells[str(system), place] = SimpleNamespace(n=n // share)
    found = list(words._few(SimpleNamespace(cells=cells, means={})))  # pyright: ignore
    assert bool(found) == bool(told)
    assert not told or (told in found[0]["en"] and "不足 150 条" in found[0]["zh"])
