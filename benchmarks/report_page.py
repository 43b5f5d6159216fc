"""How fast a report opens in Chromium: the 2023 board with every released system in reach and all items.

Writes the report (or takes ``--page``), opens it again and again from disk in a fresh context, and prints medians
beside the goals: size; first paint and the moment when the table answers, both from the start of the navigation; one
sort of the leaderboard, and opening the task with the most items, both until the browser has painted the outcome. Also
how long it takes until the first picture stands: the chart library is unpacked for it.

Chromium is Debian's (``apt-get install chromium``), driven by Playwright.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

BOARD = "bayling_2023"
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
PAINTED = "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
SORT = f"""async () => {{
  const heads = [...document.querySelectorAll("#board-table thead button.sort")];
  const started = performance.now();
  heads.at(-1).click();
  await {PAINTED};
  return performance.now() - started;
}}"""
OPEN = f"""async (task) => {{
  const started = performance.now();
  location.hash = `#task=${{task}}`;
  while (document.querySelector("#items-place .rows li") === null) await new Promise((done) => setTimeout(done, 1));
  await {PAINTED};
  return performance.now() - started;
}}"""
PICTURE = """async () => {
  const started = performance.now();
  const chart = document.querySelector(".chart");
  chart.scrollIntoView({ behavior: "instant" });
  while (!chart.dataset.drawn) await new Promise((done) => setTimeout(done, 5));
  return performance.now() - started;
}"""
GOALS = {
    "size, MB": 12,
    "first paint, ms": 1500,
    "table usable, ms": 2500,
    "sort, ms": 100,
    "opening the largest task, ms": 500,
    "first picture, ms": None,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7, help="loads of the page (default: 7)")
    parser.add_argument("--page", type=Path, help="a report that is written already (default: writes the board's)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        page = arguments.page or written(Path(folder) / "report.html")
        found = [{"size, MB": page.stat().st_size / 1e6, **load} for load in loads(page, arguments.repeats)]
    print(f"load of the machine over the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name, goal in GOALS.items():
        values = [each[name] for each in found]
        wanted = "" if goal is None else f", goal {goal:,}: {'held' if statistics.median(values) < goal else 'MISSED'}"
        digits = 1 if name.endswith("MB") else 0
        low, middle, high = (f"{value:,.{digits}f}" for value in (min(values), statistics.median(values), max(values)))
        print(f"{name}: {middle} ({low} to {high}, {len(values)} loads{wanted})")


def written(out: Path) -> Path:
    """Return the board's report with all items, written by the command of this environment."""
    command = [str(Path(sys.executable).with_name("bayling-bench")), "report", "--board", BOARD, "--items", "all"]
    done = subprocess.run([*command, "-o", str(out)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return out


def loads(page: Path, repeats: int) -> list[dict[str, float]]:
    """Return what each of several loads took, in milliseconds."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if path is None:
        sys.exit("chromium is not installed; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            return [measured(browser, page) for _ in range(repeats)]
        finally:
            browser.close()


def measured(browser: Any, page: Path) -> dict[str, float]:
    """Return what one load in a fresh context took."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    tab = context.new_page()
    tab.goto(page.absolute().as_uri(), wait_until="load")
    tab.locator("html.scripted").wait_for()
    paint = tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    usable = tab.evaluate("performance.getEntriesByName('usable')[0].startTime")
    largest = tab.evaluate(
        "Object.entries(JSON.parse(document.getElementById('board').textContent).items)"
        ".reduce((most, each) => each[1].packed > most[1].packed ? each : most)[0]"
    )
    found = {
        "first paint, ms": paint,
        "table usable, ms": usable,
        "sort, ms": tab.evaluate(SORT),
        "opening the largest task, ms": tab.evaluate(OPEN, largest),
        "first picture, ms": tab.evaluate(PICTURE),
    }
    context.close()
    return found


if __name__ == "__main__":
    main()
