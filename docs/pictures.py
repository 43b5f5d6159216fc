"""Takes the README's pictures of a finished report: ``make pictures``.

The report is that of the 2023 board with every released system in reach (``bayling-bench fetch`` first, or set
``BAYLING_BENCH_MIRROR``). Chromium is Debian's (``apt-get install chromium fonts-noto-cjk``); where Inter is installed
(``fonts-inter``) the page uses it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture of the page."""

    name: str
    fragment: str
    width: int = 1360
    height: int = 900
    scheme: str = "light"
    look_at: str = ""
    """Selector of what is scrolled to the top; its charts are waited for."""
    scale: float = 1


PICTURES = (
    Picture(name="report", fragment="#lang=en", height=1180),
    Picture(
        name="report_items", fragment="#task=wmt22_en_zh&a=bayling-13b&b=gpt-3.5-turbo&item=17&lang=en", height=640
    ),
    Picture(name="report_pictures", fragment="#lang=en", look_at="#pictures", height=1000),
    Picture(
        name="report_phone", fragment="#lang=zh", width=390, height=844, scheme="dark", look_at="#leaderboard", scale=2
    ),
)


def main() -> None:
    """Write the report, then its pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", type=Path, help="a report that is written already (default: writes the board's)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where they go (default: beside this script)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        page = arguments.page or written(Path(folder) / "report.html")
        for path in taken(page, arguments.folder):
            print(path)


def written(out: Path) -> Path:
    """Return the board's report, written by the command of this environment."""
    script = str(Path(sys.executable).with_name("bayling-bench"))
    done = subprocess.run([script, "report", "--board", "bayling_2023", "-o", str(out)], check=False)
    if done.returncode:
        sys.exit(done.returncode)
    return out


def taken(page: Path, folder: Path) -> list[Path]:
    """Take every picture and return the files."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if path is None:
        sys.exit("chromium is not installed; on Debian: apt-get install chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            return [take(browser, page, picture, folder) for picture in PICTURES]
        finally:
            browser.close()


def take(browser: Any, page: Path, picture: Picture, folder: Path) -> Path:
    """Take one picture and return its file."""
    out = folder / f"{picture.name}.png"
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme=picture.scheme,
        device_scale_factor=picture.scale,
        reduced_motion="reduce",
    )
    tab = context.new_page()
    tab.goto(page.absolute().as_uri() + picture.fragment)
    tab.locator("html.scripted").wait_for()
    if "task=" in picture.fragment:
        tab.locator("article.item").wait_for()
    if picture.look_at:
        tab.locator(picture.look_at).evaluate("place => place.scrollIntoView()")
    if picture.look_at == "#pictures":
        tab.locator(".chart[data-drawn]").first.wait_for()
    tab.evaluate("document.activeElement.blur()")
    tab.wait_for_timeout(500)
    tab.screenshot(path=str(out))
    context.close()
    return out


if __name__ == "__main__":
    main()
