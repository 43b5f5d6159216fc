"""Two runs side by side: differences with intervals and tests, and the items that changed sides."""

from bayling_bench.compare.comparison import Comparison, compare
from bayling_bench.compare.flips import Flip
from bayling_bench.compare.rows import Options, Row
from bayling_bench.compare.tables import to_csv, to_json, to_markdown, to_text

__all__ = ["Comparison", "Flip", "Options", "Row", "compare", "to_csv", "to_json", "to_markdown", "to_text"]
