"""Settings files: TOML read into dataclasses, with unknown and missing keys as errors that name the nearest."""

from __future__ import annotations

import dataclasses
import math
import sys
import types
import typing
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from reference_model.errors import UserError, did_you_mean

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pyright: ignore[reportMissingImports]


def parse_toml(path: Path, error: type[UserError]) -> dict[str, Any]:
    """Return the values of a TOML file; ``error`` when it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as reason:
        raise error(f"{path}: cannot be read as TOML ({reason}).") from None


def read_toml(path: Path, form: type, error: type[UserError], **given: Any) -> dict[str, Any]:
    """Return the values of a TOML file checked against the fields of dataclass ``form``, with ``given`` added."""
    return checked({**parse_toml(path, error), **given}, form, error, str(path))


def checked(values: dict[str, Any], form: type, error: type[UserError], where: str) -> dict[str, Any]:
    """Return ``values`` if they are exactly fields of ``form``, of the right kind; ``error`` names what is not."""
    fields = {field.name: field for field in dataclasses.fields(form)}
    hints = get_type_hints(form)
    for name, value in values.items():
        if name not in fields:
            raise error(f"{where}: unknown key `{name}`.{did_you_mean(name, fields)} Known: {', '.join(fields)}.")
        if not fits(value, hints[name]):
            raise error(f"{where}: `{name}` = {value!r} is not {_named(hints[name])}.")
    for name, field in fields.items():
        missing = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if missing and name not in values:
            raise error(f"{where}: key `{name}` is missing.")
    return values


def fits(value: Any, kind: Any) -> bool:
    """Return whether a TOML value is of a field's type; whole numbers also fit fractions, lists also fit tuples.

    TOML's ``nan`` and ``inf`` fit nothing: no setting means them, and ``nan`` would pass every check of a range.
    """
    origin = get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        return any(fits(value, one) for one in get_args(kind))
    if origin is tuple:
        return isinstance(value, list | tuple) and all(fits(item, get_args(kind)[0]) for item in value)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return dataclasses.is_dataclass(kind) or isinstance(value, kind)


def _named(kind: Any) -> str:
    names = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}
    return names.get(kind) or f"of the kind {kind}"
