"""Reads a Lightning checkpoint without running what was pickled into it: tensors, numbers, text and containers only.

torch's ``weights_only`` unpickler calls nothing but what is allowed by name. Checkpoints of Lightning also name its own
classes (hyper-parameter containers, states of callbacks); those names are answered with stand-ins that do nothing.
Any other name is refused.
"""

from __future__ import annotations

import pickle
import re
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from bayling_bench.errors import ModelError

_HARMLESS = re.compile(
    r"(pytorch_lightning|lightning|lightning_fabric|lightning_utilities)\..+|argparse\.Namespace"
    r"|collections\.defaultdict|builtins\.(dict|list|int|float|str|bool)|pathlib\.(Pure)?(Posix|Windows)Path"
    r"|numpy\.dtype|numpy\.dtypes\..+|numpy\.(_core|core)\.multiarray\.scalar"
)


class _StandIn:
    """Takes the place of a class that is not needed: an empty mapping, into which its content is put."""

    def __new__(cls, *_: Any, **__: Any) -> Any:
        """Return what torch's unpickler may put items and attributes into."""
        return OrderedDict()


def read(path: Path) -> dict[str, Any]:
    """Return the checkpoint's top level; its tensors stay on disk until they are used, where the format allows.

    ModelError when the file is no torch checkpoint, is damaged, or names code that would have to run.
    """
    try:
        foreign = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except (ValueError, RuntimeError, OSError, pickle.UnpicklingError, EOFError) as error:
        raise ModelError(
            f"{path} is no checkpoint that can be read without running code from it ({_first_line(error)}). Expected: "
            "a file that torch.save wrote in its zip format (torch 1.6 or newer). Fetch it again, or save it again."
        ) from None
    refused = [name for name in foreign if not _HARMLESS.fullmatch(name)]
    if refused:
        raise ModelError(
            f"{path} holds pickled code ({', '.join(refused[:5])}), which is never run. A COMET checkpoint needs only "
            "`state_dict` and `hyper_parameters`; save it again with these two, as plain containers."
        )
    stand_ins: list[Any] = [(type("StandIn", (_StandIn,), {}), name) for name in foreign]
    try:
        with torch.serialization.safe_globals(stand_ins):
            found = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (RuntimeError, OSError, pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} is damaged or of another format ({_first_line(error)}). Fetch it again.") from None
    if not isinstance(found, dict) or not isinstance(found.get("state_dict"), Mapping):
        raise ModelError(f"{path} has no `state_dict`, so it is not a COMET checkpoint, which Lightning writes.")
    other = next((name for name, value in found["state_dict"].items() if not isinstance(value, torch.Tensor)), None)
    if other is not None:
        raise ModelError(f"{path}: {other!r} of its `state_dict` is no tensor, so it is not a COMET checkpoint.")
    return found


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).split("\n")[0][:200]
