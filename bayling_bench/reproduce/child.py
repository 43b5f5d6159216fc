"""The reference model's commands as processes: their output goes through, and no kill leaves one of them behind."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping

from bayling_bench.errors import BenchError, Interrupted, RunError

STOPPED = "stopped. Everything finished is kept: the same command goes on from here."
_HEARD_S = 1.0
_PATIENCE_S = 120.0
_PR_SET_PDEATHSIG = 1
_SIGINT_CODE = 130


def bayling_model(*arguments: str, lock: int, environment: Mapping[str, str]) -> None:
    """Run one command to its end; it says on this process's standard error how it goes.

    Raises BenchError where it fails, its own message standing above, and Interrupted where it was stopped.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "reference_model.cli", *arguments],
        stdout=2, env={**os.environ, **environment}, pass_fds=(lock,), preexec_fn=_die_with_parent(),
    )  # fmt: skip
    code = _wait(process)
    if code == 0:
        return
    named = f"bayling-model {' '.join(arguments)}"
    if code == _SIGINT_CODE:
        raise Interrupted(STOPPED)
    if code < 0:
        raise RunError(
            f"`{named}` was ended by signal {-code} ({signal.strsignal(-code)}). Everything finished is kept: the same "
            "command goes on from here."
        )
    raise BenchError(f"`{named}` failed; why stands above. Mend that, then give the same command again.")


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait; on Ctrl-C pass it on and let the process keep what it has, a second time end it at once."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        _end(process)
    raise Interrupted(STOPPED)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that Ctrl-C has reached, and tell it where it has not: `kill -INT` reaches one process."""
    try:
        try:
            process.wait(_HEARD_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            process.wait(_PATIENCE_S)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        process.kill()
        process.wait()


def _die_with_parent() -> Callable[[], None] | None:
    """Return what has a child told to end, by SIGTERM, when this process is killed; None where Linux is not."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
