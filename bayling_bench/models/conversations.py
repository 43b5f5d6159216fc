"""Training conversations as baselines read them: ``conversations.jsonl`` of a folder, a JSON record a line."""

from __future__ import annotations

import json
from pathlib import Path

from bayling_bench.errors import ModelError

NAME = "conversations.jsonl"
Conversation = list[dict[str, str]]
"""Messages with ``role`` and ``content``."""


def file_of(folder: Path) -> Path:
    """Return the file of conversations in a folder; ModelError where there is none."""
    path = folder / NAME
    if not path.is_file():
        raise ModelError(
            f"{folder} holds no {NAME}. Name a folder that holds one; `bayling-model miniature -o FOLDER` and "
            "`bayling-model data` make such folders."
        )
    return path


def read(folder: Path) -> list[Conversation]:
    """Return the conversations of a folder; ModelError naming the line that holds none."""
    path, found = file_of(folder), []
    with path.open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                messages = json.loads(line)["messages"]
                found.append([{"role": message["role"], "content": message["content"]} for message in messages])
            except (ValueError, LookupError, TypeError):
                raise ModelError(f"{path}, line {number}: is no conversation. Make the folder again.") from None
    return found
