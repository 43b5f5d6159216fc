"""What goes into the page as it is: style, scripts, chart library, and the policy that lets in nothing else."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import lzma
from functools import lru_cache
from importlib.resources import files

from bayling_bench.data import store
from bayling_bench.errors import BenchError
from bayling_bench.record import write_text
from bayling_bench.report import packing

SCRIPTS = (
    "dom", "marks", "model", "strings", "format", "theme", "link",                           # what the others stand on
    "columns", "cells", "table", "export", "menus", "filters",                               # the leaderboard
    "plotly", "figures", "directions", "exams", "judged", "sizes", "pictures",               # the pictures
    "packed", "store", "diff", "items", "selection", "listing", "detail", "browser",         # the items
    "main",                                                                                  # puts them together
)  # fmt: skip
"""Joined in this order into one module script: one thing to hash, and no name of ours outside of it."""


def style() -> str:
    """Return the style sheet."""
    return _asset("page.css")


@lru_cache(maxsize=1)
def script() -> str:
    """Return the text of the page's one module script."""
    return "\n".join(f"// {name}.js\n{_asset(f'scripts/{name}.js')}" for name in SCRIPTS)


@lru_cache(maxsize=1)
def _library() -> str:
    return (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def charts() -> str:
    """Return Plotly packed (`packing`): 1.4 MB that nothing reads until a picture comes into view.

    Packing takes some seconds, so it is done once for each release of Plotly and kept in the cache.
    """
    library = _library()
    kept = store.cache_dir() / "pages" / f"plotly-{hashlib.sha256(library.encode('utf-8')).hexdigest()[:32]}.txt"
    with contextlib.suppress(OSError, ValueError, lzma.LZMAError):
        text = kept.read_text(encoding="ascii")
        if packing.unpacked(text) == library:
            return text
    text = packing.packed(library)
    with contextlib.suppress(OSError, BenchError):
        write_text(kept, text)
    return text


def policy() -> str:
    """Return the Content-Security-Policy: no request at all, and only our style and scripts, by their hashes.

    The hash of nothing is for the empty ``<style>`` that Plotly makes and fills through the CSSOM.
    """
    return (
        f"default-src 'none'; style-src '{_hash(style())}' '{_hash('')}'; "
        f"script-src '{_hash(script())}' '{_hash(_library())}'; base-uri 'none'; form-action 'none'"
    )


def _asset(name: str) -> str:
    return (files("bayling_bench.report") / "assets" / name).read_text(encoding="utf-8")


@lru_cache
def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
