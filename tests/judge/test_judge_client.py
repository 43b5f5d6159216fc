"""The client and its limit against a server on loopback that fails in every way that servers fail."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from chat_server import ChatServer, completion, half, hangs_up, page, refuses, running, says, slow, trickles

from bayling_bench.errors import ModelError
from bayling_bench.journal import Journal
from bayling_bench.judge import client as judge_client
from bayling_bench.judge import protocol, tokens
from bayling_bench.judge.answers import Answer
from bayling_bench.judge.client import Course, JudgeClient, Stopped
from bayling_bench.judge.completions import Asking, Call, Completion, Place
from bayling_bench.judge.items import Item
from bayling_bench.judge.limit import AdaptiveLimit
from bayling_bench.judge.prices import Price
from bayling_bench.judge.purse import Purse
from bayling_bench.models.endpoint import Endpoint

PROTOCOL = protocol.load("bayling_2023")


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(judge_client, "BACKOFF_S", 0.01)
    with running(monkeypatch) as started:
        yield started


def item(number: int) -> Item:
    answers = [
        Answer(
            task="t", index=number, question_id=number, category="c", language="en",
            questions=(f"question {number}.",), texts=(f"{name} {number}",),
        )
        for name in ("one", "two")
    ]  # fmt: skip
    return Item(answers=tuple(answers))


class Asker:
    """A client with a journal in a folder of its own, asked for the first order of some items."""

    def __init__(self, server: ChatServer, folder: Path, **options) -> None:
        self.retries = options.pop("retries", 100)
        self.server = Endpoint(**{"model": "echo", "url": server.url, "concurrency": 4, "timeout_s": 5.0, **options})
        self.asking = Asking(model="echo", url=self.server.public_url, protocol=PROTOCOL)
        self.journal = Journal(folder, 0, Completion)
        self.purse = Purse(None, tokens.at_most())
        self.client: JudgeClient | None = None

    def call(self, number: int) -> Call:
        return self.asking.call(item(number), Place(0, 0))

    def ask(self, *numbers: int) -> list[Completion | BaseException]:
        async def all_of_them() -> list:
            self.client = JudgeClient(self.server, self.journal, self.purse, Course(self.retries))
            asked = [self.client.ask(self.call(number)) for number in numbers]
            found = await asyncio.gather(*asked, return_exceptions=True)
            await self.client.close()
            return found

        return asyncio.run(all_of_them())


PASSING = {
    "429": refuses(429, "slow down"),
    "500": refuses(500),
    "502 page": page(502),
    "hangs up": hangs_up,
    "half": half,
    "an HTML page": says(b"<html>"),
    "not JSON": says(b'{"choices": [{"mess'),
    "no choices": says({"choices": []}),
    "choices of another kind": says({"choices": "no"}),
    "null": says(None),
    "no text": says(completion(None)),
    "text of another kind": says(completion(["a"])),
}


@pytest.mark.parametrize("fault", PASSING)
def test_what_may_pass_is_asked_again_and_every_reply_is_kept_once(server, tmp_path, fault: str):
    server.faults = {"question 1.": [PASSING[fault]] * 2}
    asker = Asker(server, tmp_path)
    found = asker.ask(0, 1, 2)
    assert all(isinstance(each, Completion) and each.text for each in found)
    assert len(server.requests) == 5 and asker.client and asker.client.tally.retries == 2
    assert Journal(tmp_path, 0, Completion).entries() == asker.journal.entries() and len(asker.journal.entries()) == 3


@pytest.mark.parametrize("fault", [slow(3.0), trickles])
def test_a_reply_that_does_not_come_in_time_is_asked_for_again(server, tmp_path, fault):
    server.faults = {"question 0.": [fault]}
    start = time.monotonic()
    (found,) = Asker(server, tmp_path, timeout_s=0.3).ask(0)
    assert isinstance(found, Completion) and found.text and found.lost == 1 and time.monotonic() - start < 2


def test_a_kept_reply_is_not_asked_for_and_a_failed_one_is(server, tmp_path):
    server.faults = {"question 1.": [refuses(403)]}
    Asker(server, tmp_path, concurrency=1).ask(0, 1)
    server.requests.clear()
    found = Asker(server, tmp_path).ask(0, 1)
    assert len(server.requests) == 1 and all(isinstance(each, Completion) and each.text for each in found)


def test_retry_after_holds_back_every_request(server, tmp_path):
    server.faults = {"question 0.": [refuses(429, "later", {"Retry-After": "0.5"})]}
    Asker(server, tmp_path, concurrency=2).ask(*range(8))
    limited = next(request.at for request in server.requests if "question 0." in request.question)
    # One other request was under way when the answer came; the rest keep away for half a second.
    early = [request for request in server.requests if limited < request.at < limited + 0.45]
    assert len(early) <= 2


def test_overload_halves_the_requests_under_way_and_success_raises_them_again(server, tmp_path):
    server.faults = {f"question {number}.": [refuses(503)] for number in range(8)}
    server.always = slow(0.02)
    asker = Asker(server, tmp_path, concurrency=8)
    asker.ask(*range(60))
    assert asker.client and asker.client.tally.lowest_limit == 4
    assert 6 < asker.client._limit.limit <= 8


def test_the_budget_of_repetitions_ends_the_judging_with_all_replies_kept(server, tmp_path):
    server.always = refuses(500, "broken")
    server.faults = {"question 0.": [says(completion("fine"))]}
    asker = Asker(server, tmp_path, retries=3, concurrency=1)
    found = asker.ask(0, 1, 2)
    assert isinstance(found[0], Completion) and all(isinstance(each, Stopped) for each in found[1:])
    assert isinstance(asker.client and asker.client.stopped, ModelError) and "all that --retries allows" in str(
        asker.client and asker.client.stopped
    )
    assert len(server.requests) == 1 + 1 + 3 and asker.journal.get(asker.call(0).key)


def test_an_account_without_quota_ends_the_judging_at_once(server, tmp_path):
    server.always = refuses(429, "You exceeded your current quota", code="insufficient_quota")
    asker = Asker(server, tmp_path, concurrency=1)
    assert isinstance(asker.ask(0, 1)[0], Stopped) and len(server.requests) == 1
    assert asker.client and "has no quota left" in str(asker.client.stopped)


def test_a_server_that_refuses_everything_from_the_start_is_not_asked_640_times(server, tmp_path):
    server.always = refuses(400, "Unknown field: seed")
    asker = Asker(server, tmp_path, concurrency=1)
    asker.ask(*range(100))
    assert len(server.requests) == 20
    assert asker.client and "refused the first 20 requests" in str(asker.client.stopped)


def test_long_questions_do_not_end_a_judging_that_works(server, tmp_path):
    too_long = refuses(400, "too long", code="context_length_exceeded")
    server.faults = {f"question {number}.": [too_long] for number in range(24)}
    found = Asker(server, tmp_path, concurrency=1).ask(*range(26))
    assert all(isinstance(each, Completion) for each in found) and len(server.requests) == 26


def test_a_server_that_is_slow_to_answer_beside_many_refusals_is_waited_for(server, tmp_path):
    server.faults = {f"question {number}.": [refuses(400, "no")] for number in range(1, 30)}
    server.faults["question 0."] = [slow(0.5)]
    found = Asker(server, tmp_path, concurrency=4).ask(*range(33))
    assert all(isinstance(each, Completion) for each in found) and len(server.requests) == 33


def test_replies_of_an_earlier_command_show_that_the_server_works(server, tmp_path):
    Asker(server, tmp_path).ask(99)
    server.faults = {f"question {number}.": [refuses(400, "no")] for number in range(25)}
    found = Asker(server, tmp_path, concurrency=1).ask(*range(27))
    assert all(isinstance(each, Completion) for each in found)


def test_a_server_that_says_come_back_in_an_hour_is_not_asked_on(server, tmp_path):
    server.always = refuses(429, "daily limit", {"Retry-After": "3600"})
    asker = Asker(server, tmp_path, concurrency=1)
    assert all(isinstance(each, Stopped) for each in asker.ask(0, 1, 2)) and len(server.requests) == 1
    assert asker.client and "come back in 3600 s" in str(asker.client.stopped)


def test_a_cap_is_spent_though_promises_of_requests_under_way_fill_it(server, tmp_path):
    server.always = slow(0.02)
    asker = Asker(server, tmp_path, concurrency=16)
    price = Price(0.0, 100.0, "")
    bound, paid = price.usd(0, 1024), price.usd(0, 11)  # as the server counts its replies
    asker.purse = Purse(price, tokens.at_most(), 2.5 * bound)
    found = asker.ask(*range(60))
    assert all(isinstance(each, Completion) for each in found) and len(server.requests) == 60
    assert asker.purse.spent_usd == pytest.approx(60 * paid)
    asker.purse = Purse(price, tokens.at_most(), 0.5 * bound)
    assert all(isinstance(each, Stopped) for each in asker.ask(*range(60, 64))) and len(server.requests) == 60


def test_what_was_under_way_at_a_kill_counts_as_lost_and_paid(server, tmp_path):
    asker = Asker(server, tmp_path, concurrency=1)
    asker.purse = Purse(Price(0.0, 100.0, ""), tokens.at_most())
    asker.ask(0)
    (path,) = tmp_path.glob("*.jsonl")
    sent = path.read_bytes().split(b"\n")[0] + b"\n"
    path.write_bytes(sent)  # as a kill leaves it that comes after the request
    kept = Journal(tmp_path, 0, Completion).get(asker.call(0).key)
    assert kept and kept.lost == 1 and asker.purse.cost(kept) == pytest.approx(0.1024)
    again = Asker(server, tmp_path)
    (found,) = again.ask(0)
    assert isinstance(found, Completion) and found.text and found.lost == 1


def test_an_end_in_the_middle_keeps_how_many_replies_were_lost(server, tmp_path):
    server.faults = {"question 0.": [hangs_up, refuses(429, "no money", code="insufficient_quota")]}
    asker = Asker(server, tmp_path, concurrency=1)
    asker.ask(0)
    kept = Journal(tmp_path, 0, Completion).get(asker.call(0).key)
    assert kept and kept.lost == 1 and kept.error and kept.error.reason == "given_up"


def test_the_key_and_a_password_are_sent_and_stand_in_no_reply(server, tmp_path):
    def tells(handler) -> None:
        says(completion(f"You sent {handler.headers['Authorization']} {handler.path}"))(handler)

    server.always = tells
    (found,) = Asker(server, tmp_path, key="sk-planted-1234", url=f"{server.url}?token=planted-5678").ask(0)
    assert isinstance(found, Completion) and found.text == "You sent Bearer *** /v1/chat/completions?token=***"
    (path,) = tmp_path.glob("*.jsonl")
    assert b"planted" not in path.read_bytes()


# ---- the limit by itself


def test_one_wave_of_overload_halves_once_and_a_round_of_successes_adds_one():
    async def play() -> None:
        limit = AdaptiveLimit(16)
        sent = time.monotonic()
        for _ in range(16):
            limit.overloaded(sent)
        assert limit.limit == 8
        limit.overloaded(time.monotonic())
        assert limit.limit == 4
        for _ in range(4):
            limit.succeeded()
        assert 4.8 < limit.limit <= 5
        for _ in range(500):
            limit.succeeded()
        assert limit.limit == 16
        for _ in range(9):
            limit.overloaded(time.monotonic())
        assert limit.limit == 1

    asyncio.run(play())


def test_slots_are_never_more_than_the_limit_and_all_come_to_an_end():
    async def play() -> None:
        limit, under_way, most = AdaptiveLimit(5), 0, 0

        async def work(number: int) -> None:
            nonlocal under_way, most
            async with limit.slot():
                under_way += 1
                most = max(most, under_way)
                await asyncio.sleep(0.001)
                under_way -= 1
                if number == 20:
                    limit.overloaded(time.monotonic())

        waiting = [asyncio.create_task(work(number)) for number in range(100)]
        await asyncio.sleep(0.002)
        waiting[50].cancel()
        done = await asyncio.gather(*waiting, return_exceptions=True)
        assert sum(isinstance(each, asyncio.CancelledError) for each in done) == 1
        assert most == 5 and under_way == 0

    asyncio.run(asyncio.wait_for(play(), 10))


def test_a_closed_limit_lets_nobody_in():
    async def play() -> None:
        limit = AdaptiveLimit(1)
        async with limit.slot():
            waiting = asyncio.create_task(limit.slot().__aenter__())
            await asyncio.sleep(0)
            limit.close(Stopped())
            with pytest.raises(Stopped):
                await waiting
        with pytest.raises(Stopped):
            async with limit.slot():
                pass

    asyncio.run(play())
