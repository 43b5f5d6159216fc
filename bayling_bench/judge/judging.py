"""A judging: one system's answers against one opponent's (or alone), by one judge under one protocol, in one place.

``judgements/<name>.jsonl`` holds a line for each reply wanted, ``judgements/<name>.json`` what they add up to, and
``judgements/completions/<name>/`` the journal of raw replies, from which the two others can be made again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bayling_bench.errors import BenchError
from bayling_bench.journal import Journal, digest
from bayling_bench.judge import answers, client, config, items, sources
from bayling_bench.judge.answers import AnswerSet
from bayling_bench.judge.completions import Asking, Call, Completion, Place
from bayling_bench.judge.config import JudgeConfig
from bayling_bench.judge.items import Item
from bayling_bench.judge.judgements import Judgement, Sides, of_replies, wants_fresh_sample
from bayling_bench.models.endpoint import DEFAULT_URL, redact_url


@dataclass(frozen=True, kw_only=True)
class Judging:
    """What is asked, of whom, and where it is kept."""

    folder: Path
    """``judgements/`` of the run."""
    own: AnswerSet
    other: AnswerSet | None
    items: list[Item]
    asking: Asking
    settings: Mapping[str, Any]
    """How to build the same judging again."""

    @property
    def sides(self) -> Sides:
        """Return who is judged by whom."""
        own, other = self.own.label, self.other.label if self.other else None
        if other == own:
            own, other = f"{own} ({answers.key_of(self.own)})", f"{own} ({answers.key_of(self.other or self.own)})"
        return Sides(judge=self.asking.model, system1=own, system2=other, protocol=self.asking.protocol)

    @cached_property
    def name(self) -> str:
        """Return the name of its files: readable, and with a hash of all that must be equal to go on with it."""
        asking = self.asking
        other = None if self.other is None else self.other.identity
        references = [item.references for item in self.items if item.references]
        known = [asking.model, asking.url, asking.protocol.sha256, asking.seed, self.own.identity, other]
        # Of the references only whether there are any: their texts are part of each request, and of its key.
        opponent = f"vs-{self.other.label}" if self.other else "alone"
        readable = f"{Path(asking.model).name}-{asking.protocol.name}-{opponent}"
        return f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', readable)}-{digest(known, bool(references))[:8]}"

    @property
    def completions(self) -> Path:
        """Return the folder of the journal of raw replies."""
        return self.folder / "completions" / self.name

    @property
    def results_file(self) -> Path:
        """Return the file of results."""
        return self.folder / f"{self.name}.json"

    @property
    def lines_file(self) -> Path:
        """Return the file of judgements."""
        return self.folder / f"{self.name}.jsonl"

    def places(self) -> Iterator[tuple[Item, Place]]:
        """Yield every reply that is wanted, samples of all items before second samples of any."""
        protocol = self.asking.protocol
        for sample in range(protocol.samples):
            for order in protocol.directions:
                yield from ((item, Place(order, sample)) for item in self.items)

    def open_journal(self) -> Journal[Completion]:
        """Return the journal of raw replies."""
        return Journal(self.completions, 0, Completion, "the same `bayling-bench judge` command goes on")


@dataclass(frozen=True)
class Judged:
    """One judgement and what it rests on."""

    judgement: Judgement
    replies: list[tuple[Call, Completion]]
    outstanding: Call | None = None
    """The request that another command would send next: the first, one that failed, or that for a fresh sample."""

    @property
    def finished(self) -> bool:
        """Return whether the command came to an end with it, be it a failure."""
        if self.judgement["failure_kind"] == "not_asked":
            return False
        return self.outstanding is None or (bool(self.replies) and self.outstanding.key == self.replies[-1][0].key)


def prepare(asked: JudgeConfig) -> list[Judging]:
    """Return the judgings of a configuration, one an opponent.

    Raises BenchError where the answers cannot be judged, or not against each other.
    """
    protocol = asked.protocol
    if protocol.kind == "pairwise" and not asked.against:
        raise BenchError(
            f"the protocol {protocol.name} compares two systems: give --against RUN or --against "
            "published:gpt-3.5-turbo, or judge answers alone with --single."
        )
    own = _own(asked)
    asking = Asking(
        model=config.model_of(asked.judge),
        url=redact_url(asked.server.base_url or DEFAULT_URL),
        protocol=protocol,
        seed=asked.seed,
    )
    folder = folder_of(asked.run, asked.samples, asked.output) / "judgements"
    made = []
    for against in asked.against or (None,):
        other = None if against is None else sources.read(against, list(own.tasks), option="--against")
        if other is not None and other.identity == own.identity:
            raise BenchError(f"--against {against}: these are the answers that are judged. Name another system's.")
        built = items.build(own, other, asked.limit)
        if asked.references:
            built = items.with_references(built, asked.references)
        settings = config.recorded(asked, against)
        made.append(Judging(folder=folder, own=own, other=other, items=built, asking=asking, settings=settings))
    names = [each.name for each in made]
    if len(set(names)) < len(names):
        raise BenchError("--against names the same opponent twice. Leave one out.")
    return made


def _own(asked: JudgeConfig) -> AnswerSet:
    if asked.samples:
        return sources.samples(asked.samples, asked.tasks)
    if asked.run is None:
        raise BenchError("RUN is missing. For example: bayling-bench judge runs/mine --against published:gpt-3.5-turbo")
    return sources.read(asked.run, asked.tasks)


def folder_of(run: str | None, samples: Sequence[str], output: Path | None) -> Path:
    """Return the folder whose ``judgements/`` are meant: the run folder, or beside the samples, or that of --output."""
    if output is not None:
        return output
    first = samples[0] if samples else str(run)
    if first.startswith("published:"):
        return Path("runs") / f"judged-{first.partition(':')[2].lower()}"
    return Path(first).parent if Path(first).is_file() else Path(first)


def judge_place(judging: Judging, journal: Journal[Completion], item: Item, place: Place) -> Judged:
    """Return the judgement that the journal gives of one place, and the requests and replies that it rests on."""
    found: list[tuple[Call, Completion]] = []
    judgement = of_replies(item, place, (), judging.sides)
    for attempt in (0, 1) if not item.problem else ():
        call = judging.asking.call(item, Place(place.order, place.sample, attempt))
        kept = journal.get(call.key)
        if kept is None or (attempt and not kept.came):
            return Judged(judgement, found, call)
        found.append((call, kept))
        judgement = of_replies(item, place, [reply for _, reply in found], judging.sides)
        if not kept.final:
            return Judged(judgement, found, call)
        if not wants_fresh_sample(judgement):
            break
    return Judged(judgement, found)


def judge_all(judging: Judging, journal: Journal[Completion]) -> list[Judged]:
    """Return all that the journal gives today, in the order of `in_order`."""
    return in_order(judging, [judge_place(judging, journal, item, place) for item, place in judging.places()])


def in_order(judging: Judging, judged: Sequence[Judged]) -> list[Judged]:
    """Return judgements in the order of tasks and questions, those of a question together."""
    at = {place: number for number, place in enumerate(item.place for item in judging.items)}
    return sorted(judged, key=lambda each: at[each.judgement["task"], each.judgement["item"]])


def snapshots_of(journal: Journal[Completion]) -> tuple[str | None, ...]:
    """Return the models whose replies a journal holds, None for one that the server does not name, oldest first."""
    kept = journal.entries().values()
    return tuple(dict.fromkeys(each.snapshot for each in kept if each.text is not None and each.of is None))


def pinned(judgings: Sequence[Judging]) -> tuple[str | None, ...]:
    """Return the model that answered so far, by its name or None; empty where none has.

    Raises RunError where several did, or where replies of another have come since.
    """
    journals = [judging.open_journal() for judging in judgings]
    found = tuple(dict.fromkeys(name for journal in journals for name in snapshots_of(journal)))
    others = [each.snapshot for journal in journals for each in journal.entries().values() if each.of]
    if len(found) > 1 or others:
        raise client.changed(judgings[0].asking.model, [*found, *others][-1], found[0] if found else None)
    return found


def set_aside(judging: Judging) -> str | None:
    """Move the replies of an earlier model out of the way, so that a new judging begins; return that model's name.

    Replies of the newer model that have come already begin it. None where there are no replies to be kept apart.
    """
    earlier = judging.open_journal()
    snapshots = snapshots_of(earlier)
    if not snapshots:
        return None
    snapshot = snapshots[0] or "an unnamed model"
    mark = "@" + re.sub(r"[^A-Za-z0-9_.-]+", "-", snapshot)
    number = 1
    while judging.completions.with_name(judging.name + mark).exists():
        number += 1
        mark = f"{mark.partition('~')[0]}~{number}"
    judging.completions.rename(judging.completions.with_name(judging.name + mark))
    for path in (judging.lines_file, judging.results_file):
        if path.exists():
            path.rename(path.with_name(judging.name + mark + path.suffix))
    others = [each for each in earlier.entries().values() if each.of]
    begun = judging.open_journal()
    for each in others:
        if each.of and each.snapshot == others[-1].snapshot:
            begun.append(replace(each, key=each.of[0], task=each.of[1], of=None))
    begun.close()
    return snapshot
