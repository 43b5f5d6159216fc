"""What a judging is asked to do: one definition an option, checked once, passed whole."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bayling_bench.config import DEFAULT_SEED, ModelOptions
from bayling_bench.errors import BenchError, did_you_mean
from bayling_bench.judge.protocol import Protocol, build
from bayling_bench.judge.protocol_checks import SAMPLING
from bayling_bench.models import spec as model_spec


@dataclass(frozen=True, kw_only=True)
class JudgeConfig:
    """Everything that ``bayling-bench judge`` was asked for."""

    judge: str
    """``openai:MODEL``."""
    protocol: Protocol
    run: str | None = None
    """A run folder, ``published:SYSTEM`` or a samples file; None where ``samples`` are given."""
    samples: tuple[str, ...] = ()
    """Samples that plain lm-eval logged, in place of a run."""
    against: tuple[str, ...] = ()
    """Opponents; none for a protocol that judges one answer."""
    tasks: tuple[str, ...] = ()
    """Names of tasks; none: all that can be judged."""
    limit: int | None = None
    """Only the first ``limit`` questions of each task."""
    references: str | None = None
    """File of known good answers."""
    output: Path | None = None
    """Folder whose ``judgements/`` take the results; None: the run folder."""
    server: ModelOptions = field(default_factory=ModelOptions)
    """Address, key file and concurrency."""
    timeout_s: float = 180.0
    """Longest wait for one reply."""
    retries: int | None = None
    """Requests that may be repeated in all; None: as many as there are requests, and at least 50."""
    max_cost: float | None = None
    """US dollars that are never passed."""
    prices: str | None = None
    """File of prices, in place of ours."""
    seed: int = DEFAULT_SEED
    """Seed of sampled replies."""

    def __post_init__(self) -> None:
        model_of(self.judge)
        for option, value in (("--limit", self.limit), ("--timeout", self.timeout_s)):
            if value is not None and not 0 < value < math.inf:
                raise BenchError(f"{option} {value:g} must be a number above 0.")
        for option, amount in (("--retries", self.retries), ("--max-cost", self.max_cost)):
            if amount is not None and not 0 <= amount < math.inf:
                raise BenchError(f"{option} {amount:g} must be a number, and not below 0.")
        if self.protocol.kind == "single" and self.against:
            raise BenchError(
                f"--against has no effect on the protocol {self.protocol.name}, which judges one answer. Leave out "
                "--against, or --single."
            )


def model_of(judge: str) -> str:
    """Return the server's name of a judge; BenchError when it is not ``openai:MODEL``."""
    kind, colon, name = judge.partition(":")
    if not (colon and kind == "openai" and name):
        raise BenchError(
            f"--judge {judge!r} is not of the form openai:MODEL. Judges are asked through OpenAI-compatible servers: "
            "with --base-url also those that `vllm serve`, llama.cpp or `transformers serve` make of your own model."
        )
    return model_spec.parse(judge).name


def adapted(protocol: Protocol, samples: int | None, settings: Sequence[str]) -> Protocol:
    """Return a protocol with another number of samples, and with settings ``NAME=VALUE`` for its sampling.

    The value ``none`` leaves a setting out of the request. Raises BenchError for what the protocol cannot take.
    """
    sampling: dict[str, Any] = {}
    for pair in settings:
        name, equals, text = pair.partition("=")
        if not equals or name not in SAMPLING:
            raise BenchError(
                f"--set {pair!r} is not NAME=VALUE with a known name.{did_you_mean(name, SAMPLING)} "
                f"Known: {', '.join(SAMPLING)}."
            )
        sampling[name] = _value(pair, name, text)
    if samples is not None and samples < 1:
        raise BenchError(f"--samples-per-order {samples} must be at least 1.")
    if samples is None and not sampling:
        return protocol
    changed = replace(protocol, samples=samples or protocol.samples, sampling={**protocol.sampling, **sampling})
    return build(changed.to_json(), f"--protocol {protocol.name}")


def _value(pair: str, name: str, text: str) -> float | int | None:
    if text.lower() == "none":
        return None
    try:
        return int(text) if name in ("max_tokens", "seed") else float(text)
    except ValueError:
        raise BenchError(f"--set {pair!r}: the value is no number.") from None


def recorded(config: JudgeConfig, other: str | None) -> Mapping[str, Any]:
    """Return what a record keeps of a configuration, to read the same judging again from its completions.

    ``selections`` are the tasks, limits and references of every command that its results tell of.
    """
    selection = {"tasks": list(config.tasks), "limit": config.limit, "references": _absolute(config.references)}
    return {
        "run": _absolute(config.run),
        "samples": [_absolute(path) for path in config.samples],
        "against": _absolute(other),
        **selection,
        "seed": config.seed,
        "selections": [selection],
    }


def _absolute(path: str | None) -> str | None:
    """Return a path that means the same wherever it is read."""
    return path if path is None or path.startswith("published:") else str(Path(path).expanduser().resolve())
