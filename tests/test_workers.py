"""Processes that share work end with a command that is killed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

COMMAND = """
import os, time
from bayling_bench.workers import pool
if __name__ == "__main__":
    with pool(2) as processes:
        list(processes.map(time.sleep, [0.5, 0.5]))
        print(*processes._processes, flush=True)
        list(processes.map(time.sleep, [300, 300]))
"""


def test_workers_end_with_a_killed_command(tmp_path: Path):
    (tmp_path / "command.py").write_text(COMMAND, encoding="utf-8")
    parent = subprocess.Popen([sys.executable, str(tmp_path / "command.py")], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    workers = parent.stdout.readline().split()
    parent.kill()
    parent.wait()
    assert len(workers) == 2
    end = time.monotonic() + 60
    while any(_runs(worker) for worker in workers) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(_runs(worker) for worker in workers)


def _runs(worker: str) -> bool:
    # a worker that has ended may stay as a zombie where nobody collects orphans
    status = Path(f"/proc/{worker}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
