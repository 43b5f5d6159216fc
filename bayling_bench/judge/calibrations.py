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
    found = []
    for path in sorted((folder or default_folder()).glob("*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(record, dict) and record.get("kind") == "calibration":
            found.append(record)
    return sorted(found, key=lambda each: each["written"], reverse=True)


def find(results: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the record of the judge, snapshot and protocol of some results, or None."""
    for record in read_all():
        if record["judge"] == results["judge"] and record["protocol"]["sha256"] == results["protocol"]["sha256"]:
            return record
    return None
