"""A comparison as text for a terminal, Markdown, CSV (rows at full precision) and JSON (everything)."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields

from bayling_bench.compare.comparison import Comparison
from bayling_bench.compare.flips import Flip
from bayling_bench.compare.rows import Row
from bayling_bench.display.metrics import GUARDS, describe, shown_as
from bayling_bench.display.text import ABSENT, count, interval, number, visible, visible_all
from bayling_bench.scoring.kinds import KINDS

_HEAD = ("task", "metric", "A", "B", "B − A", "95 %", "p boot", "p rand", "p Holm", "better", "detects", "n", "+/−")
_LEFT = (0, 1)
_LONGEST = 400
"""Characters of an output that the terminal shows; JSON has all of them."""


def to_text(comparison: Comparison) -> str:
    """Return aligned columns for a terminal, then what changed sides."""
    lines = [_HEAD, *map(_cells, _shown(comparison))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    table = ["  ".join(_aligned(line, widths)).rstrip() for line in lines]
    rule = "-" * max(map(len, table))
    parts = ["\n".join(_title(comparison)), "\n".join([table[0], rule, *table[1:]]), "\n".join(_notes(comparison))]
    parts += ["\n".join(_flip_lines(flip)) for flip in comparison.flips]
    return "\n\n".join(parts) + "\n"


def to_markdown(comparison: Comparison) -> str:
    """Return a Markdown table, notes, and what changed sides; outputs are indented, so that nothing in them acts."""
    head, *body = [
        "| " + " | ".join(_escaped(cell) for cell in line) + " |" for line in (_HEAD, *map(_cells, _shown(comparison)))
    ]
    rule = "| " + " | ".join("---" if column in _LEFT else "---:" for column in range(len(_HEAD))) + " |"
    listed = [f"- {_escaped(line)}" for line in (*_title(comparison), *_notes(comparison))]
    parts = ["\n".join([head, rule, *body]), "\n".join(listed)]
    for flip in comparison.flips:
        title, *lines = _flip_lines(flip)
        parts.append("\n".join([f"**{_escaped(title)}**", "", *(f"    {line.strip()}" for line in lines)]))
    return "\n\n".join(parts) + "\n"


def to_csv(comparison: Comparison) -> str:
    """Return the rows at full precision, with a header line; absent values are empty."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [field.name for field in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(visible_all(asdict(row)) for row in comparison.rows)
    return out.getvalue()


def to_json(comparison: Comparison) -> str:
    """Return everything as one JSON object; absent values are null."""
    return json.dumps(visible_all(asdict(comparison)), ensure_ascii=False, indent=1) + "\n"


def _shown(comparison: Comparison) -> list[Row]:
    """Return the rows but for faults that neither run shows; CSV and JSON have these, too, and COMET its guards."""
    guarded = {row.task for row in comparison.rows if row.metric.startswith("comet")}
    return [
        row
        for row in comparison.rows
        if not KINDS[row.metric].flags
        or row.value_a
        or row.value_b
        or not row.n
        or (row.metric in GUARDS and row.task in guarded)
    ]


def _cells(row: Row) -> list[str]:
    name = describe(shown_as(row.metric, row.task)).name
    changed = ABSENT if row.gained is None else f"+{row.gained}/−{row.lost}"
    passages = f" ({count(row.units)} passages)" if 0 < row.units < row.n else ""
    return [
        row.task,
        f"{name} %" if row.unit == "percent" else name,
        number(row.value_a),
        number(row.value_b),
        ABSENT if row.difference is None else f"{row.difference:+.2f}".replace("-0.00", "+0.00"),
        interval(row.low, row.high) or ABSENT,
        _p(row.p_bootstrap),
        _p(row.p_randomization),
        _p(row.p_holm),
        (row.better or ABSENT).upper(),
        number(row.detectable),
        count(row.n) + passages,
        changed,
    ]


def _p(value: float | None) -> str:
    if value is None:
        return ABSENT
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _aligned(line: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for column, (cell, width) in enumerate(zip(line, widths, strict=True)):
        yield cell.ljust(width) if column in _LEFT else cell.rjust(width)


def _title(comparison: Comparison) -> Iterator[str]:
    yield visible(f"A: {comparison.name_a} ({comparison.folder_a})")
    yield visible(f"B: {comparison.name_b} ({comparison.folder_b})")


def _notes(comparison: Comparison) -> Iterator[str]:
    options, tests = comparison.options, sum(row.p_holm is not None for row in comparison.rows)
    yield (
        f"B − A with 95 % interval and p boot: paired bootstrap, {count(options.resamples)} resamples; p rand: "
        f"approximate randomization, {count(10 * options.resamples)} trials or exact; seed {options.seed}."
    )
    yield f"p Holm: p rand corrected over the {tests} tests of this table; better: p Holm < 0.05."
    yield "p boot is sacrebleu's, about half of a two-sided p. detects: a true difference found with 80 % power at 5 %."
    yield "+/−: items that are right, or score higher, in B alone and in A alone."
    yield from (visible(f"Overlooked by --force: {line}") for line in comparison.overlooked)
    yield from (visible(f"Left out: {line}") for line in comparison.left_out)
    yield from (visible(f"{row.task} {row.metric}: {row.note}") for row in comparison.rows if row.note)


def _flip_lines(flip: Flip) -> Iterator[str]:
    yield f"{flip.item}  {describe(shown_as(flip.metric, flip.task)).name}: {flip.score_a:g} → {flip.score_b:g}"
    yield f"  asked: {_short(flip.user)}"
    if flip.references:
        yield f"  reference: {_short(' | '.join(flip.references))}"
    yield f"  A: {_short(' | '.join(flip.outputs_a))}"
    yield f"  B: {_short(' | '.join(flip.outputs_b))}"


def _short(text: str) -> str:
    flat = " ".join(visible(text).split())
    return flat if len(flat) <= _LONGEST else f"{flat[:_LONGEST]}…"


def _escaped(text: str) -> str:
    # brackets become links only before a parenthesis or a colon, so intervals stay readable
    return re.sub(r"([\\`*|]|\](?=[(:\[]))", r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;"))
