"""Where calibration records are kept, and how the one that belongs to a result is found.

A record belongs to a judge at an address, to the snapshot that answered, and to a protocol; anything else has another
record or none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_KEYS = frozenset(
    ("judge", "protocol", "written", "against", "pairs", "failures", "overall", "by", "position", "published_order")
)
FOLDER_VARIABLE = "BAYLING_BENCH_CALIBRATIONS"


def default_folder() -> Path:
    """Return the folder of all calibrations of this user, or the one that BAYLING_BENCH_CALIBRATIONS names."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named).expanduser()
    import platformdirs

    return platformdirs.user_data_path("bayling-bench") / "calibrations"


def read_all(folder: Path | None = None) -> list[dict[str, Any]]:
    """Return every calibration record, the newest first; files that are none are passed over."""
    paths = sorted((folder or default_folder()).glob("*.json"))
    found = [record for path in paths if (record := read(path)) is not None]
    return sorted(found, key=lambda each: each["written"], reverse=True)


def read(path: Path) -> dict[str, Any] | None:
    """Return the calibration record in a file; None where there is none."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        whole = record["kind"] == "calibration" and record.keys() >= _KEYS and isinstance(record["written"], str)
        return record if whole and isinstance(record["protocol"]["sha256"], str) else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def newest(results: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the newest record that belongs to results: the one they hold, or one that was made after them."""
    records = [each for each in (results["calibration"], find(results)) if each is not None]
    return max(records, key=lambda each: each["written"], default=None)


def find(results: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the record of the judge, snapshot and protocol of some results, or None."""
    for record in read_all():
        if record["judge"] == results["judge"] and record["protocol"]["sha256"] == results["protocol"]["sha256"]:
            return record
    return None
