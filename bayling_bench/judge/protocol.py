"""Protocols: how a judge is asked and how its reply is read, as YAML data.

``protocols/*.yaml`` are ours; a file of the user's own has the same keys and may build on one of ours with ``extends``:
keys that it gives replace those of the base, and ``sampling`` is merged. A message is a Jinja template that sees
``questions``, ``answers`` (one list of texts an assistant, in the order of this request), ``references`` (or None),
``boundary``, ``output_form``, ``lowest``, ``highest``, ``category`` and ``language``.

Answers stand between lines that carry a boundary: a hash over the question and the answers themselves, so that nobody
who wrote an answer could have known it, and a line of an answer cannot pass for the end of the material.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import jinja2
import yaml
from jinja2.sandbox import SandboxedEnvironment

from bayling_bench.errors import BenchError, did_you_mean
from bayling_bench.journal import digest
from bayling_bench.judge import protocol_checks

FOLDER = Path(__file__).parent / "protocols"


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A way of judging."""

    name: str
    version: int
    description: str
    citation: str
    kind: str
    """``pairwise``, or ``single`` for one answer without an opponent."""
    orders: str
    """``first``: the answers in one order; ``both``: in that and the other."""
    samples: int
    """Completions an order."""
    scale: tuple[float, float]
    """Lowest and highest score."""
    parser: str
    """Name in ``verdicts.READERS``."""
    sampling: Mapping[str, Any]
    """``temperature``, ``top_p``, ``max_tokens``; ``retry_temperature`` where a reply could not be read."""
    output_form: Mapping[str, str]
    """The form of a reply, by language."""
    messages: Mapping[str, Sequence[Mapping[str, str]]]
    """Templates by language; the first language stands in for those that are absent."""
    response_format: Mapping[str, Any] | None = field(default=None)
    """Sent as it is, for servers that hold a model to a JSON schema."""

    @property
    def sha256(self) -> str:
        """Return a hash of all that changes what is asked or how it is read, apart from the number of samples."""
        values = self.to_json()
        for name in ("name", "version", "description", "citation", "samples"):
            values.pop(name)
        return digest(values)

    @property
    def assistants(self) -> int:
        """Return how many answers a request shows."""
        return 2 if self.kind == "pairwise" else 1

    @property
    def directions(self) -> tuple[int, ...]:
        """Return the orders of a request: 0 as given, 1 swapped."""
        return (0, 1) if self.orders == "both" and self.kind == "pairwise" else (0,)

    def to_json(self) -> dict[str, Any]:
        """Return the protocol as JSON values, which `build` reads back."""
        return {each.name: _plain(getattr(self, each.name)) for each in fields(self)}

    def render(self, language: str, shown: Mapping[str, Any]) -> list[dict[str, str]]:
        """Return the messages of a request that shows ``questions``, ``answers``, ``references`` and ``category``."""
        language = language if language in self.messages else next(iter(self.messages))
        form = self.output_form.get(language) or next(iter(self.output_form.values()))
        lowest, highest = (f"{bound:g}" for bound in self.scale)
        boundary = digest(shown["questions"], shown["answers"], shown["references"], shown["place"])[:16]
        values = {
            **shown, "boundary": boundary, "output_form": form, "lowest": lowest, "highest": highest,
            "language": language,
        }  # fmt: skip
        return [
            {"role": message["role"], "content": _template(message["content"]).render(values).strip()}
            for message in self.messages[language]
        ]


def load(name: str) -> Protocol:
    """Return a protocol that is shipped, or that of a YAML file.

    Raises BenchError naming the file and the key when it cannot be used.
    """
    if name in names():
        path = FOLDER / f"{name}.yaml"
    else:
        path = Path(name).expanduser()
        if not path.is_file():
            raise BenchError(
                f"--protocol {name!r} is neither a protocol nor a file.{did_you_mean(name, names())} "
                f"Known: {', '.join(names())}; or the path of a YAML file like those in {FOLDER}."
            )
    return build(_read(path, ()), str(path))


def names() -> list[str]:
    """Return the protocols that are shipped."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def build(values: Mapping[str, Any], place: str) -> Protocol:
    """Return a protocol from its values; BenchError, naming ``place`` and key, where they are wrong."""
    protocol_checks.check(values, [each.name for each in fields(Protocol)], place)
    scale = (float(values["scale"][0]), float(values["scale"][1]))
    made = Protocol(**{**values, "scale": scale, "response_format": values.get("response_format")})
    protocol_checks.check_rendering(made, place)
    return made


def _read(path: Path, including: tuple[Path, ...]) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BenchError(f"{path}: cannot be read as YAML ({' '.join(str(error).split())}).") from None
    if not isinstance(values, dict):
        raise BenchError(f"{path}: a protocol file must hold a mapping.")
    base = values.pop("extends", None)
    if base is None:
        return values
    if base not in names() or (FOLDER / f"{base}.yaml") in including:
        raise BenchError(f"{path}: extends {base!r}. It can be one of {', '.join(names())}, and not itself.")
    found = _read(FOLDER / f"{base}.yaml", (*including, path))
    merged = {**found, **values}
    if isinstance(values.get("sampling"), dict):
        merged["sampling"] = {**found["sampling"], **values["sampling"]}
    return merged


@functools.cache
def _template(text: str) -> jinja2.Template:
    environment = SandboxedEnvironment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    return environment.from_string(text)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value
