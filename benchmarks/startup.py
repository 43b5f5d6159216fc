"""Time to the first answer: ``bayling-bench`` against ``lm_eval`` for ``--help`` and for the list of tasks.

Each command is a process of its own; the two sides take turns, and the medians are compared. ``lm_eval ls tasks`` also
reads the tasks that lm-eval ships, which is what a user of it waits for; ``bayling-bench tasks`` reads ours alone.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

PAIRS = {
    "--help": (["bayling-bench", "--help"], ["lm_eval", "--help"]),
    "tasks": (["bayling-bench", "tasks"], ["lm_eval", "ls", "tasks"]),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="runs of each command (default: 5)")
    parser.add_argument("--only", choices=tuple(PAIRS), help="measure this alone")
    arguments = parser.parse_args()
    for name, pair in PAIRS.items():
        if arguments.only in (None, name):
            show(pair, [[seconds(command) for command in pair] for _ in range(arguments.repeats)])


def seconds(command: list[str]) -> float:
    """Return the time that a command of this environment takes."""
    script = Path(sys.executable).with_name(command[0])
    started = time.perf_counter()
    done = subprocess.run([str(script), *command[1:]], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return time.perf_counter() - started


def show(pair: tuple[list[str], list[str]], rows: list[list[float]]) -> None:
    """Print the medians of a pair of commands, and their ratio."""
    ours, theirs = (statistics.median(column) for column in zip(*rows, strict=True))
    left, right = (" ".join(command) for command in pair)
    print(f"{left}: {ours:.2f} s; {right}: {theirs:.2f} s; {theirs / ours:.1f} times as fast ({len(rows)} runs each)")


if __name__ == "__main__":
    main()
