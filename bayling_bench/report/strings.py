"""The words of the report in English and Chinese, from ``strings.toml``: ``group.key`` to text."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.resources import files

from bayling_bench.display.metrics import METRICS, describe

if sys.version_info >= (3, 11):
    import tomllib
else:  # the standard library reads TOML from 3.11 on
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

LANGUAGES: tuple[str, ...] = ("en", "zh")
Strings = dict[str, dict[str, str]]
Text = dict[str, str]
"""The same in each language."""


@lru_cache(maxsize=1)
def load() -> Strings:
    """Return language -> key -> text; English names and sentences of metrics come from ``display.metrics``."""
    text = (files("bayling_bench.report") / "strings.toml").read_text(encoding="utf-8")
    groups = tomllib.loads(text)
    found: Strings = {language: {} for language in LANGUAGES}
    for group, entries in groups.items():
        for key, entry in entries.items():
            for language in LANGUAGES:
                if language in entry:
                    found[language][f"{group}.{key}"] = entry[language]
    for key, metric in METRICS.items():
        found["en"].setdefault(f"metric.{key}", metric.name)
        found["en"].setdefault(f"metric_about.{key}", metric.explanation)
    return found


def text(key: str, otherwise: str = "", **values: object) -> Text:
    """Return a string in every language with ``{placeholders}`` filled; ``otherwise`` where there is no such key."""
    return {language: _filled(load()[language].get(key, otherwise), values) for language in LANGUAGES}


def _filled(template: str, values: dict[str, object]) -> str:
    return template.format(**values) if values else template


def metric_name(key: str) -> Text:
    """Return a metric's name, ``COMET (checkpoint)`` and unknown ones included."""
    name = describe(key).name
    return {**dict.fromkeys(LANGUAGES, name), **(text(f"metric.{key}", name))}


def metric_about(key: str) -> Text:
    """Return the sentence that explains a metric."""
    return text(f"metric_about.{key.partition(':')[0]}", describe(key).explanation)
