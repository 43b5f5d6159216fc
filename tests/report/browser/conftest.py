"""Pages in Debian's Chromium, from disk, as a reader opens them.

Files are made once for all tests, a browser for each module.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bayling_bench.report import page as report

from ..runs import hostile_run, stopped_run, strong_run, weak_run
from . import made_up_board

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Milliseconds. A busy machine is not a fault of the page; what follows a link, which the page does later, is waited for
# with Playwright's `expect`.
PATIENCE = 60_000


@pytest.fixture(scope="module")
def chromium():
    """Of a module only: while Playwright runs, no other test of the process can run an event loop of its own."""
    path = shutil.which("chromium")
    if path is None and os.environ.get("CI") == "true":
        pytest.fail("chromium is not installed; on Debian: apt-get install chromium")
    if path is None:
        pytest.skip("chromium is not installed; on Debian: apt-get install chromium")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Made-up runs by name: strong and weak of the same tasks, one that was stopped, one that is hostile."""
    folder = tmp_path_factory.mktemp("runs")
    made = {"strong": strong_run, "weak": weak_run, "stopped": stopped_run, "hostile": hostile_run}
    return {name: maker(folder / name) for name, maker in made.items()}


@pytest.fixture(scope="session")
def files(runs, tmp_path_factory):
    """Written reports by name: ``board``, or runs joined by ``+``."""
    folder = tmp_path_factory.mktemp("pages")

    def written(name: str) -> Path:
        out = folder / f"{name}.html"
        if not out.exists():
            out.write_text(_rendered(name, runs), "utf-8")
        return out

    return written


def _rendered(name, runs):
    if name == "board":
        return report.compose(made_up_board.payload(), made_up_board.items())
    return report.render([runs[each] for each in name.split("+")])


Visit = Callable[..., object]


@pytest.fixture
def visit(chromium, files) -> Iterator[Visit]:
    """Open a report; at the end, hold that it made no request, no dialog, no error and struck no flag."""
    opened = []

    def open_page(name: str, fragment: str = "", **context):
        out = files(name)
        context.setdefault("viewport", {"width": 1440, "height": 900})
        page = chromium.new_context(**{"reduced_motion": "reduce", **context}).new_page()
        page.set_default_timeout(PATIENCE)
        trouble = []
        page.on("console", lambda message: trouble.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: _ours(request.url, out) or trouble.append(request.url))
        page.goto(out.as_uri() + fragment)
        if context.get("java_script_enabled", True):
            page.locator("html.scripted").wait_for()
        opened.append((page, trouble))
        return page

    yield open_page
    for page, trouble in opened:
        assert page.evaluate("window.struck") is None
        page.context.close()
        assert trouble == []


def _ours(url: str, out: Path) -> bool:
    # a download is a request for a Blob of the page itself
    return url.split("#")[0] == out.as_uri() or url.startswith("blob:")
