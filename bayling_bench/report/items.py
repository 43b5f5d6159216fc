"""A task's items for the report's browser: the runs' records merged item by item, compressed, in base64.

One merged item is ``{"index": 17, "item": "wmt22_zh_en/17", "doc": {..}, "references": [..], "runs": [entry, None]}``
with one entry a run, ``{"turns": [..], "scores": {..}, "flags": [..], "unscored": None}``. A run whose document or
references differ (another reference set, another label state) carries its own in its entry.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from bayling_bench.display.metrics import shown_as
from bayling_bench.display.text import visible_all
from bayling_bench.report.outline import Reading
from bayling_bench.scoring.kinds import for_tables, unit_of

SHARED = ("index", "item", "doc", "references")
OWN = ("turns", "scores", "flags", "unscored")
CHUNK = 500  # items; a chunk is decompressed in one go, so this bounds the browser's work between two paints


def merged(runs: Sequence[Reading], task: str) -> list[dict[str, Any]]:
    """Return the items of ``task`` in item order, each with one entry a run (None where a run lacks the item)."""
    items: dict[int, dict[str, Any]] = {}
    for position, run in enumerate(runs):
        for record in run.items(task):
            shared = visible_all({key: record[key] for key in SHARED})
            entry = visible_all({key: record[key] for key in OWN})
            entry["scores"] = {
                shown_as(key, task): for_tables(score, unit_of(key)) for key, score in entry["scores"].items()
            }
            item = items.setdefault(record["index"], shared | {"runs": [None] * len(runs)})
            item["runs"][position] = entry | {key: value for key, value in shared.items() if value != item[key]}
    return [items[index] for index in sorted(items)]


def packed(items: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield base64 of zlib streams (RFC 1950; ``DecompressionStream("deflate")``), each the JSON of `CHUNK` items."""
    for start in range(0, len(items), CHUNK):
        text = json.dumps(items[start : start + CHUNK], ensure_ascii=False, separators=(",", ":"))
        yield base64.b64encode(zlib.compress(text.encode("utf-8"), 6)).decode("ascii")
