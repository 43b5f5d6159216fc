"""A board of released translations against sacrebleu's command line, cold (nothing kept) and warm.

Theirs: ``sacrebleu REF -i SYSTEMS -m bleu chrf --paired-bs``, once a direction, one direction after the other, as its
users do. Ours: one ``bayling-bench rank`` over the same directions, systems and metrics, which tests every pair instead
of each against the first, by approximate randomization too. Both run in turn, as whole processes; the statistics that
ours keeps are deleted before a cold run. Scores must agree to six decimals, interval widths and p-values within what
1,000 resamples tell.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bayling_bench.data import catalogue, published, store, wmt22

MAIN = ("zh-en", "en-zh", "de-en", "en-de")
ZERO_SHOT = ("cs-en", "ja-en", "ru-en", "uk-en", "en-cs", "en-ja", "en-ru", "en-uk", "de-fr", "fr-de")
METRICS = ("bleu", "chrf")
_RESAMPLING_ERROR = 0.15
"""Relative difference of interval widths that two draws of 1,000 resamples may show (about three standard errors)."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="runs of each side (default: 3)")
    parser.add_argument("--directions", nargs="+", default=[*MAIN, *ZERO_SHOT], metavar="PAIR")
    parser.add_argument("--peer-jobs", type=int, default=1, help="sacrebleu's --paired-jobs (default: 1, as its own)")
    arguments = parser.parse_args()
    store.set_mirror(None)
    systems = [system for system in published.systems() if _has_all(system, arguments.directions)]
    pairs = len(arguments.directions) * (len(systems) - 1) * len(METRICS)
    print(
        f"{len(arguments.directions)} directions, {len(systems)} systems ({', '.join(systems)}), {pairs} paired tests"
    )
    times: dict[str, list[float]] = {"sacrebleu": [], "cold": [], "warm": []}
    with tempfile.TemporaryDirectory() as folder:
        board = _board(Path(folder), arguments.directions, systems)
        for _ in range(arguments.repeats):
            seconds, theirs = _theirs(arguments.directions, systems, arguments.peer_jobs)
            times["sacrebleu"].append(seconds)
            shutil.rmtree(board / "cache" / "statistics", ignore_errors=True)
            for state in ("cold", "warm"):
                seconds, ours = _ours(board)
                times[state].append(seconds)
                _agree(ours, theirs)
        shutil.rmtree(board / "cache" / "statistics")
        peak = _memory(board)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, values in times.items():
        spread = ", ".join(f"{value:.1f}" for value in values)
        ratio = "" if name == "sacrebleu" else f", {medians['sacrebleu'] / medians[name]:.1f} times as fast"
        print(f"{name}: median {medians[name]:.1f} s ({spread}){ratio}")
    print(f"scores, widths and p-values agree; ours holds {peak:.0f} MB at most, cold, all its processes together")


def _has_all(system: str, directions: list[str]) -> bool:
    paths = [f"exp/translation_benchmark/{system}/{direction}.hypo" for direction in directions]
    found = [catalogue.match(published.REPOSITORY, path) for path in paths]
    return all(files and store.is_present(files[0]) for files in found)


def _path(file: catalogue.File) -> Path:
    cached = store.cache_dir() / file.tail
    return cached if cached.is_file() else Path(store.mirror() or "") / file.tail


def _theirs(directions: list[str], systems: list[str], jobs: int) -> tuple[float, dict]:
    """Return the seconds of all calls together, and per direction, system and metric (score, half width, p)."""
    found, total = {}, 0.0
    for direction in directions:
        source, target = direction.split("-")
        reference = _path(wmt22.reference_files(source, target)[0])
        outputs = [
            _path(catalogue.find(published.REPOSITORY, f"exp/translation_benchmark/{system}/{direction}.hypo"))
            for system in systems
        ]
        command = [
            str(Path(sys.executable).with_name("sacrebleu")), str(reference), "-i", *map(str, outputs), "-l", direction,
            "-m", *METRICS, "--paired-bs", "-f", "text", "-w", "6", "-nc", "-j", str(jobs),
        ]  # fmt: skip
        seconds, printed = _timed(command, dict(os.environ))
        total += seconds
        found.update(_parsed(direction, systems, printed))
    return total, found


def _parsed(direction: str, systems: list[str], printed: str) -> dict:
    cells = re.findall(r"([\d.]+) \([\d.]+ ± ([\d.]+)\)", printed)
    p_values = iter(re.findall(r"\(p = ([\d.]+)\)", printed))
    assert len(cells) == len(systems) * len(METRICS), printed
    found = {}
    for place, (score, half) in enumerate(cells):
        system, metric = systems[place // len(METRICS)], METRICS[place % len(METRICS)]
        p = None if system == systems[0] else float(next(p_values))
        found[direction, system, metric] = (float(score), float(half), p)
    return found


def _board(folder: Path, directions: list[str], systems: list[str]) -> Path:
    header = "group,task,system,metric,value,items,source\n"
    (folder / "figures.csv").write_text(header, encoding="utf-8")
    parts = ['title = "benchmark"', 'figures = ["figures.csv"]', 'outputs = "published:{system}"', "rules = []"]
    for metric in METRICS:
        tasks = json.dumps([f"wmt22-{direction}" for direction in directions])
        parts += [
            "[[rankings]]", f'title = "{metric}"', f'metric = "{metric}"', f"tasks = {tasks}",
            "task_pattern = 'wmt22-(?P<direction>.+)'", f"systems = {json.dumps(systems)}", 'measure = "corpus_score"',
            f'arguments = {{ direction = "{{direction}}", score = "{metric}" }}',
        ]  # fmt: skip
    (folder / "board.toml").write_text("\n".join(parts) + "\n", encoding="utf-8")
    return folder


def _ours(board: Path) -> tuple[float, dict]:
    """Return the seconds, and per direction, system and metric what the contest says, with its pairs."""
    # Upstream files stay where they are: only what is computed is kept apart, so that it can be deleted.
    cache = board / "cache"
    cache.mkdir(exist_ok=True)
    for repository in {file.repo.split("/")[0] for file in catalogue.files()}:
        link = cache / repository
        if not link.exists() and (store.cache_dir() / repository).is_dir():
            link.symlink_to(store.cache_dir() / repository)
    output = board / "rankings.json"
    command = [str(Path(sys.executable).with_name("bayling-bench")), "rank", str(board), "--format", "json"]
    seconds, _ = _timed([*command, "-o", str(output)], {**os.environ, store.CACHE_VARIABLE: str(cache)})
    found = {}
    for contest in json.loads(output.read_text(encoding="utf-8"))["contests"]:
        direction = contest["task"].removeprefix("wmt22-")
        pairs = {frozenset((pair["first"], pair["second"])): pair["p_bootstrap"] for pair in contest["pairs"]}
        for standing in contest["standings"]:
            found[direction, standing["system"], contest["metric"]] = (standing, pairs)
    return seconds, found


def _agree(ours: dict, theirs: dict) -> None:
    baseline = next(iter(theirs))[1]
    for key, (score, half, p) in theirs.items():
        standing, pairs = ours[key]
        assert abs(standing["value"] - score) < 1e-6, (key, standing["value"], score)
        width = (standing["high"] - standing["low"]) / 2
        assert abs(width / half - 1) < _RESAMPLING_ERROR, (key, width, half)
        if p is not None:
            mine = pairs[frozenset((baseline, key[1]))]
            assert abs(mine - p) < 4 * (p * (1 - p) / 1000) ** 0.5 + 0.002, (key, mine, p)


def _timed(command: list[str], environment: dict[str, str]) -> tuple[float, str]:
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return time.perf_counter() - started, done.stdout


def _memory(board: Path) -> float:
    """Return the most memory in MB that one of our commands holds, all its processes together, pages they share once.

    Watched from /proc four times a second, in a run of its own: watching takes time.
    """
    command = [str(Path(sys.executable).with_name("bayling-bench")), "rank", str(board), "--format", "csv"]
    environment = {**os.environ, store.CACHE_VARIABLE: str(board / "cache")}
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    peak = 0.0
    while running.poll() is None:
        peak = max(peak, _held(running.pid) / 1024)
        time.sleep(0.25)
    return peak


def _held(process: int) -> int:
    """Return the proportional set size of a process and its children in kB; 0 once it is gone."""
    folder = Path("/proc") / str(process)
    try:
        sizes = (folder / "smaps_rollup").read_text(encoding="ascii")
        children = (folder / "task" / str(process) / "children").read_text(encoding="ascii").split()
    except OSError:
        return 0
    own = next(int(line.split()[1]) for line in sizes.splitlines() if line.startswith("Pss:"))
    return own + sum(_held(int(child)) for child in children)


if __name__ == "__main__":
    main()
