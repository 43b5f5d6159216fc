"""How close judging comes to what a server allows: 640 reviews of 200 ms each, 32 at once, and a plain loop beside it.

The server is a process of its own that answers each request after the same time, however many there are; the ideal is
then 640 / 32 rounds of 200 ms, 4.0 s. Timed is all of asking: requests rendered, sent and received by the ``openai``
package, replies journalled and read. The plain loop asks one after the other with the same package and writes nothing;
its time for 640 is extrapolated from ``--loop`` requests, as it is the same for each. A bare client that only moves
bytes, with the same number under way, shows what the machine permits at the time. All sides alternate.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import multiprocessing
import statistics
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from openai import OpenAI

from bayling_bench.judge import protocol, run, tokens
from bayling_bench.judge.answers import Answer, AnswerSet
from bayling_bench.judge.completions import Asking, Place
from bayling_bench.judge.items import build
from bayling_bench.judge.judging import Judging
from bayling_bench.judge.purse import Purse
from bayling_bench.models.endpoint import Endpoint

WANTED = 1.15
REVIEW = "Evaluation evidence: both are fine.\nScore of the Assistant 1: 8\nScore of the Assistant 2: 7"


def serve(ready: Connection, seconds: float) -> None:
    """Answer every request with the same review after ``seconds``; for ever."""
    message = {"role": "assistant", "content": REVIEW}
    body = json.dumps(
        {
            "id": "x", "object": "chat.completion", "created": 1, "model": "judge-1",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 900, "completion_tokens": 30, "total_tokens": 930},
        }
    ).encode()  # fmt: skip
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                headers = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(headers.partition(b"content-length:")[2].split(b"\r\n", 1)[0]))
                await asyncio.sleep(seconds)
                writer.write(head + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def forever() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


def answers(name: str, count: int) -> AnswerSet:
    """Return made-up answers of the length that BayLing-80's have (1500 characters)."""
    made = [
        Answer(
            task="made_up", index=place, question_id=place, category="generic", language="en",
            questions=(f"Question {place}: " + "what then " * 8,), texts=(f"{name} on {place}. " + "and so on " * 150,),
        )
        for place in range(count)
    ]  # fmt: skip
    return AnswerSet(label=name, spec=name, identity={"name": name}, tasks={"made_up": made})


def judged(url: str, count: int, concurrency: int) -> float:
    """Return the seconds that judging takes."""
    made = protocol.load("bayling_2023")
    one, two = answers("one", count), answers("two", count)
    with tempfile.TemporaryDirectory() as folder:
        judging = Judging(
            folder=Path(folder), own=one, other=two, items=build(one, two, None),
            asking=Asking(model="judge", url=url, protocol=made), settings={},
        )  # fmt: skip
        server = Endpoint(model="judge", url=url, concurrency=concurrency)
        means = run.Means(
            server=server, purse=Purse(None, tokens.at_most()), course=run.course([judging], None), caller=run.Caller()
        )
        start = time.perf_counter()
        found = run.ask(judging, means)
        seconds = time.perf_counter() - start
    assert sum(each.judgement["verdict"] == "win" for each in found.judged) == count
    return seconds


def bare(url: str, count: int, concurrency: int) -> float:
    """Return the seconds that sockets alone take for as many requests: what this machine permits just now."""
    body = b"x" * 5000
    request = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" + body
    left = iter(range(count))

    async def worker() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2].partition("/")[0]))
        for _ in left:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.partition(b"Content-Length:")[2].split(b"\r\n", 1)[0]))
        writer.close()

    async def together() -> None:
        await asyncio.gather(*(worker() for _ in range(concurrency)))

    start = time.perf_counter()
    asyncio.run(together())
    return time.perf_counter() - start


def looped(url: str, count: int) -> float:
    """Return the seconds a request that a plain loop takes."""
    made = protocol.load("bayling_2023")
    items = build(answers("one", count), answers("two", count), None)
    asking = Asking(model="judge", url=url, protocol=made)
    client = OpenAI(api_key="none", base_url=url)
    start = time.perf_counter()
    for item in items:
        reply = client.chat.completions.create(**dict(asking.call(item, Place(0, 0)).request))
        assert reply.choices[0].message.content == REVIEW
    return (time.perf_counter() - start) / count


def main() -> None:
    """Time both sides in turn and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reviews", type=int, default=640)
    parser.add_argument("--seconds", type=float, default=0.2, help="what the server takes for each")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--loop", type=int, default=20, help="requests of the plain loop that are really sent")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    ready, at_server = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(at_server, options.seconds), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ready.recv()}/v1"
    ours, bares, loops = [], [], []
    for repeat in range(options.repeats):
        ours.append(judged(url, options.reviews, options.concurrency))
        bares.append(bare(url, options.reviews, options.concurrency))
        loops.append(options.reviews * looped(url, options.loop))
        print(f"  {repeat + 1}: judge {ours[-1]:.2f} s; bare {bares[-1]:.2f} s; loop {loops[-1]:.1f} s (extrapolated)")
    server.terminate()
    ideal = math.ceil(options.reviews / options.concurrency) * options.seconds
    mine, loop = statistics.median(ours), statistics.median(loops)
    verdict = "as wanted" if mine <= WANTED * ideal else f"MORE than the {WANTED} wanted"
    milliseconds = 1000 * options.seconds
    print(f"{options.reviews} reviews of {milliseconds:.0f} ms, {options.concurrency} at once, ideal {ideal:.2f} s")
    print(f"judge: {mine:.2f} s ({min(ours):.2f} to {max(ours):.2f}), {mine / ideal:.3f} of the ideal, {verdict}")
    print(
        f"bare client: {statistics.median(bares):.2f} s; judging takes {mine / statistics.median(bares):.3f} times that"
    )
    print(f"plain loop: {loop:.1f} s, extrapolated; judging is {loop / mine:.1f} times as fast")


if __name__ == "__main__":
    main()
