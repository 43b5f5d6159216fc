"""What a back-end can tell about an answer beside its text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Detail:
    """Length and end of one answer, in the order in which answers are reported."""

    tokens: int | None = None
    """Tokens generated."""
    finish_reason: str | None = None
    """``stop``: ended by itself; ``length``: cut off at the limit."""
    seconds: float | None = None
    """Time of this request alone, where requests are made one by one."""
