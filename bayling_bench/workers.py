"""Processes that share work, and end with the process that they work for."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process


def pool(processes: int) -> ProcessPoolExecutor:
    """Return a pool of fresh processes that end when this one does, even by SIGKILL.

    They are spawned: a forked copy of a process that holds threads and a GPU may hang.
    """
    return ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_end_with_parent)


def _end_with_parent() -> None:
    parent = parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
