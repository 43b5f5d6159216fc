"""Released weight differences: target = base + difference, parameter by parameter, in the type of the weights.

BayLing v1.0 was released so (``ICTNLP/bayling-7b-diff``), since LLaMA's weights are not its authors' to give away. One
tensor of each side is in memory at a time, and one output file. ``make`` writes ``delta.json`` with a hash of each
tensor of base, difference and result; ``apply`` checks all three where that file is there, and says so where it is not.
Floating-point addition need not undo a subtraction to the last bit; ``make`` therefore hashes base + difference, the
very model that ``apply`` makes, and says in how many values it is not the target.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from reference_model.errors import WeightsError, did_you_mean
from reference_model.files import partial
from reference_model.tensors import ShardWriter, WeightsFolder, digest, other_files

MANIFEST = "delta.json"
TENSORS = "tensors"
PARTS = ("base", "delta", "target")


@dataclass(frozen=True)
class Outcome:
    """What was written."""

    tensors: int
    values: int
    unlike: int
    """Making: values in which base + difference is not the target."""
    largest: float
    """Making: by how much at most."""
    checked: bool
    """Applying: whether the release came with hashes."""
    made: bool
    """Whether this is of a difference or of a model."""

    def told(self, out: Path) -> str:
        """Return it in words."""
        size = f"{self.tensors} tensors, {self.values:,} values in {out}"
        if self.made:
            return f"{size}; base + difference is not the target in {self.unlike:,} values, by {self.largest:g} at most"
        if self.checked:
            return f"{size}; base, difference and result have the hashes of {MANIFEST}"
        return (
            f"{size}; the release has no {MANIFEST}, so names, shapes and types were checked and hashes could not be. "
            "Look at an answer or two before you use it."
        )


def apply(
    base: Path, delta: Path, out: Path, *, shard_bytes: int, advance: Callable[[str], None] = lambda _: None
) -> Outcome:
    """Write base + difference to folder ``out``, with the difference's configuration and tokenizer.

    Raises WeightsError, and leaves nothing, for names, shapes or types that differ, a wrong base, or damaged files.
    """
    _absent(out)
    folders = WeightsFolder(base), WeightsFolder(delta)
    known = _manifest(delta)
    names = _same_forms(*folders)
    if known is not None and sorted(known) != names:
        raise WeightsError(f"{delta / MANIFEST} lists other tensors than {delta} holds. Fetch the release again.")
    values = 0
    with partial(out) as beside:
        writer = ShardWriter(beside, shard_bytes)
        for name in names:
            one, other = (folder.read(name) for folder in folders)
            result = one + other
            if known is not None:
                _check(name, known[name], dict(zip(PARTS, (one, other, result), strict=True)), base, delta)
            writer.add(name, result)
            values += result.numel()
            advance(name)
        writer.close()
        for path in other_files(delta):
            if path.name != MANIFEST:
                shutil.copyfile(path, beside / path.name)
    return Outcome(len(names), values, 0, 0.0, known is not None, False)


def make(
    base: Path, target: Path, out: Path, *, shard_bytes: int, advance: Callable[[str], None] = lambda _: None
) -> Outcome:
    """Write target - base to folder ``out``, with the target's configuration and tokenizer and ``delta.json``.

    Raises WeightsError, and leaves nothing, for names, shapes or types that differ, or damaged files.
    """
    _absent(out)
    folders = WeightsFolder(base), WeightsFolder(target)
    names = _same_forms(*folders)
    hashes: dict[str, dict[str, str]] = {}
    values = unlike = 0
    largest = 0.0
    with partial(out) as beside:
        writer = ShardWriter(beside, shard_bytes)
        for name in names:
            one, other = (folder.read(name) for folder in folders)
            difference = other - one
            again = one + difference
            if not torch.isfinite(difference).all():
                raise WeightsError(f"{name}: the difference is not finite in {difference.dtype}.")
            wrong = again != other
            unlike += int(wrong.sum())
            largest = max(largest, float((again - other).abs().max()) if wrong.any() else 0.0)
            hashes[name] = {"base": digest(one), "delta": digest(difference), "target": digest(again)}
            writer.add(name, difference)
            values += difference.numel()
            advance(name)
        writer.close()
        for path in other_files(target):
            shutil.copyfile(path, beside / path.name)
        (beside / MANIFEST).write_text(json.dumps({"version": 1, TENSORS: hashes}, indent=1), encoding="utf-8")
    return Outcome(len(names), values, unlike, largest, True, True)


def _absent(out: Path) -> None:
    if out.exists():
        raise WeightsError(f"{out} exists already. Name another folder.")


def _manifest(delta: Path) -> dict[str, dict[str, str]] | None:
    path = delta / MANIFEST
    if not path.is_file():
        return None
    try:
        known = json.loads(path.read_text(encoding="utf-8"))[TENSORS]
        return {name: {part: str(hashes[part]) for part in PARTS} for name, hashes in known.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise WeightsError(f"{path}: is damaged. Fetch the release again.") from None


def _same_forms(one: WeightsFolder, other: WeightsFolder) -> list[str]:
    """Return the names that both have, before any value is read; WeightsError for names or forms that differ."""
    here, there = set(one.names()), set(other.names())
    for names, others, has, lacks in ((here, there, one, other), (there, here, other, one)):
        if names - others:
            first = sorted(names - others)[0]
            raise WeightsError(
                f"{has.folder} has {len(names - others)} tensors that {lacks.folder} lacks, the first {first}."
                f"{did_you_mean(first, others)} They are not models of one family."
            )
    for name in sorted(here):
        (shape, dtype), (other_shape, other_dtype) = one.form(name), other.form(name)
        if (shape, dtype) != (other_shape, other_dtype):
            cure = "Name a base of that size." if shape != other_shape else f"Save the base as {other_dtype} first."
            raise WeightsError(
                f"{name} is {shape} {dtype} in {one.folder} and {other_shape} {other_dtype} in {other.folder}. {cure}"
            )
    return sorted(here)


def _check(name: str, known: dict[str, str], tensors: dict[str, torch.Tensor], base: Path, delta: Path) -> None:
    blame = {
        "base": f"{base} is not the base that {delta} was made from",
        "delta": f"{delta} is damaged; fetch it again",
        "target": "the sum is not the released model's; this version of torch adds otherwise",
    }
    for part, tensor in tensors.items():
        if digest(tensor) != known[part]:
            raise WeightsError(f"{name} has another hash than {MANIFEST} says: {blame[part]}.")
