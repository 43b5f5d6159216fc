"""A whole ``judge`` command: estimate, ask, write, for one opponent after the other, out of one purse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bayling_bench.config import ModelOptions
from bayling_bench.errors import BenchError, ModelError, RunError
from bayling_bench.judge import calibrate, calibrations, config, estimate, prices, protocol, results, run, tokens
from bayling_bench.judge import judging as judgings
from bayling_bench.judge.config import JudgeConfig
from bayling_bench.judge.judgements import Judgement
from bayling_bench.judge.judging import Judging
from bayling_bench.judge.purse import Purse
from bayling_bench.models import endpoint
from bayling_bench.models.endpoint import Endpoint

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Session:
    """Everything that is ready before the first request."""

    asked: JudgeConfig
    judgings: list[Judging]
    server: Endpoint
    purse: Purse


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What a command did."""

    results: list[Row]
    judgements: list[list[Judgement]]
    stopped: BaseException | None
    """Why it ended early."""


def open_session(asked: JudgeConfig, *, dry: bool = False) -> Session:
    """Return a session; BenchError for whatever can be refused before the first request.

    A ``dry`` one needs no key.
    """
    made = judgings.prepare(asked)
    model = config.model_of(asked.judge)
    server = replace(_server(model, asked.server, dry), timeout_s=asked.timeout_s)
    price = prices.find(model, server.public_url, asked.prices)
    purse = Purse(price, tokens.counter(server), asked.max_cost)
    estimate.require_price(purse, model)
    return Session(asked=asked, judgings=made, server=server, purse=purse)


def _server(model: str, options: ModelOptions, dry: bool) -> Endpoint:
    try:
        return endpoint.of(model, options)
    except ModelError:
        if not dry or options.base_url or options.api_key_file:
            raise
        return Endpoint(model=model, url=endpoint.DEFAULT_URL)


def lines(session: Session) -> list[str]:
    """Return what the session will ask and can cost."""
    estimates = [estimate.estimate(each, session.purse) for each in session.judgings]
    return list(estimate.lines(session.judgings, estimates, session.purse))


def judge(session: Session, caller: run.Caller) -> Finished:
    """Ask, write and return the results of every judging; one that stops ends those after it too."""
    written, given = [], []
    stopped: BaseException | None = None
    journals = [judging.open_journal() for judging in session.judgings]
    session.purse.spent_usd = sum(
        session.purse.cost(each) for journal in journals for each in journal.entries().values()
    )
    course = run.course(session.judgings, session.asked.retries)
    means = run.Means(server=session.server, purse=session.purse, course=course, caller=caller)
    for judging in session.judgings:
        asked = run.ask(judging, means)
        stopped = asked.stopped
        if stopped is None or any(reply.came or reply.lost for each in asked.judged for _, reply in each.replies):
            written.append(results.write(judging, asked.judged, session.purse, caller.command, asked.tally))
            given.append([each.judgement for each in asked.judged])
        if stopped is not None:
            break
    return Finished(results=written, judgements=given, stopped=stopped)


def set_aside(session: Session) -> list[str]:
    """Keep the replies of an earlier model apart, so that everything is judged again; return what was moved, in words.

    Raises RunError where there are none.
    """
    moved = [(judging.name, judgings.set_aside(judging)) for judging in session.judgings]
    told = [f"{name}: the replies of {snapshot} are kept apart" for name, snapshot in moved if snapshot]
    if not told:
        raise RunError(f"--new-snapshot: {session.judgings[0].folder} holds no replies of this judging to keep apart.")
    return told


def reparse(folder: Path, command: str) -> list[Row]:
    """Read the saved completions of every judging in a folder again, with no call, and return the new results.

    Raises RunError when there are none, or when the answers are no longer those that were judged.
    """
    found = results.read_all(folder)
    if not found:
        raise RunError(
            f"{folder} holds no judgements to read again. `bayling-bench judge {folder} --against …` makes some."
        )
    return [_reparse(folder, earlier, command) for earlier in found]


def _reparse(folder: Path, earlier: Row, command: str) -> Row:
    values = dict(earlier["protocol"])
    values.pop("sha256")
    settings = earlier["settings"]
    where = folder if (folder / "run.json").exists() and settings["run"] and not settings["samples"] else None
    asked = JudgeConfig(
        judge=earlier["judge"]["spec"],
        protocol=protocol.build(values, f"the protocol of {earlier['name']}"),
        run=str(where) if where and not str(settings["run"]).startswith("published:") else settings["run"],
        samples=tuple(settings["samples"]),
        against=(settings["against"],) if settings["against"] else (),
        tasks=tuple(settings["tasks"]),
        limit=settings["limit"],
        references=settings["references"],
        output=folder,
        server=ModelOptions(base_url=earlier["judge"]["base_url"]),
        seed=settings["seed"],
    )
    judging = judgings.prepare(asked)[0]
    if judging.name != earlier["name"]:
        raise RunError(
            f"{folder}: the answers are no longer those that {earlier['name']} judged. Judge them: give the command in "
            f"{judging.folder / earlier['name']}.json again."
        )
    price = earlier["usage"]["price"]
    purse = Purse(None if price is None else prices.Price(**price), tokens.at_most())
    return results.write(judging, judgings.judge_all(judging, judging.open_journal()), purse, command, None)


def calibration_config(asked: JudgeConfig) -> JudgeConfig:
    """Return the configuration that asks about the published pairs; BenchError for a protocol that compares nothing."""
    if asked.protocol.kind != "pairwise":
        raise BenchError(f"--calibrate compares verdicts, and the protocol {asked.protocol.name} gives none.")
    home = asked.output or calibrations.default_folder()
    return replace(
        asked,
        run=f"published:{calibrate.reviews.SYSTEM}",
        against=tuple(f"published:{system}" for system in calibrate.opponents()),
        output=home / "runs",
    )


def calibrated(finished: Finished, output: Path | None) -> tuple[Row, Path]:
    """Write the calibration record of finished judgings, and return it with its place."""
    found = calibrate.record(list(zip(finished.results, finished.judgements, strict=True)))
    return found, calibrate.write(found, output or calibrations.default_folder())
