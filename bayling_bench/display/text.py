"""How numbers and foreign text are written in every report: two decimals, "—" for absent, nothing hidden in a string.

Model outputs may hold NUL, terminal escapes, bidirectional overrides (the "Trojan Source" trick, CVE-2021-42574) and,
out of JSON's ``\\ud800``, surrogates that no encoding can write. All of them are replaced by something to be seen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

ABSENT = "—"
FORMULA = tuple("=+-@\t\r")
"""What a text starts with that a spreadsheet takes for a formula."""

_CONTROLS = (*(code for code in range(0x20) if chr(code) not in "\t\n"), *range(0x7F, 0xA0), 0x2028, 0x2029)
_BIDI_CONTROLS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_NO_TEXT = (*range(0xD800, 0xE000), 0xFEFF, 0xFFFE, 0xFFFF)
# spelled out in ASCII: the control pictures of Unicode (U+2400...) are missing from common fonts
_VISIBLE = {code: f"⟨U+{code:04X}⟩" for code in (*_CONTROLS, *_BIDI_CONTROLS, *_NO_TEXT)}


def visible(text: str) -> str:
    """Return ``text`` with control characters, bidi controls and lone surrogates spelled out; UTF-8 can encode it."""
    return text.replace("\r\n", "\n").translate(_VISIBLE)


def visible_all(value: Any) -> Any:
    """Return a JSON value with `visible` applied to every string and key; NaN and infinities become their names."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(str(key)): visible_all(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [visible_all(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def short(value: Any) -> Any:
    """Return a number with the eight digits that no table, picture or test needs more of."""
    return float(f"{value:.8g}") if isinstance(value, float) and math.isfinite(value) else value


def number(value: float | None) -> str:
    """Return points or percent with two decimals, or a dash for None."""
    return ABSENT if value is None else f"{value:.2f}".replace("-0.00", "0.00")


def interval(low: float | None, high: float | None) -> str:
    """Return ``[19.4, 20.9]`` (``[0.03, 0.21]`` where narrower than a point), or "" where there is no interval."""
    if low is None or high is None:
        return ""
    digits = 1 if high - low >= 1 else 2
    return f"[{low:.{digits}f}, {high:.{digits}f}]"


def count(value: int) -> str:
    """Return an integer with commas: ``1,875``."""
    return f"{value:,}"


def for_spreadsheets(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of CSV in which an apostrophe keeps a spreadsheet from running a text as a formula."""
    return {name: f"'{cell}" if isinstance(cell, str) and cell[:1] in FORMULA else cell for name, cell in row.items()}


def grid(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [columns, ["---"] * len(columns), *cells]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
