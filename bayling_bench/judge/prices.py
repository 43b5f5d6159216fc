"""Prices of judges, from a file that the user can replace: US dollars for a million tokens, in and out."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bayling_bench.errors import BenchError
from bayling_bench.models.endpoint import DEFAULT_URL

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

SHIPPED = Path(__file__).parent / "prices.toml"
_MILLION = 1e6


@dataclass(frozen=True)
class Price:
    """What a judge's tokens cost."""

    input: float
    """US dollars for a million tokens of prompt."""
    output: float
    """US dollars for a million tokens of reply."""
    as_of: str
    """When the list was made."""

    def usd(self, prompt_tokens: int, tokens: int) -> float:
        """Return the cost of that many tokens in US dollars."""
        return (prompt_tokens * self.input + tokens * self.output) / _MILLION

    def to_json(self) -> dict[str, Any]:
        """Return the price as JSON values."""
        return asdict(self)


def find(model: str, url: str, path: str | None) -> Price | None:
    """Return the price of a judge, or None where none is known.

    Our own list speaks of OpenAI's own address only; a file of the user's speaks of any. Raises BenchError when that
    file cannot be used.
    """
    if path is None and url != DEFAULT_URL:
        return None
    as_of, models = _read(Path(path) if path else SHIPPED)
    row = models.get(model)
    return None if row is None else Price(float(row["input"]), float(row["output"]), as_of)


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BenchError(f"--prices {path}: cannot be read as TOML ({error}).") from None
    models = values.get("models")
    for name, row in models.items() if isinstance(models, dict) else [("", None)]:
        if not isinstance(row, dict) or not all(_is_price(row.get(side)) for side in ("input", "output")):
            raise BenchError(
                f"--prices {path}: {name or 'the file'} is not of the form [models] with lines "
                '"NAME" = { input = 2.5, output = 10.0 }, in US dollars for a million tokens.'
            )
    return str(values.get("as_of", "")), dict(models or {})


def _is_price(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
