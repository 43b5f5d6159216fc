"""Tokens are counted before they are paid for, or bounded; prices come from a file that can be replaced."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import tiktoken

from bayling_bench.errors import BenchError
from bayling_bench.judge import prices, tokens
from bayling_bench.models.endpoint import DEFAULT_URL, Endpoint

TEXTS = ("plain words", "评测大语言模型", "naïve 🙂", "")


class Tokenizer(BaseHTTPRequestHandler):
    """Counts as vLLM and llama.cpp do: one token a word, at ``/tokenize`` beside the API."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = self.path == "/tokenize"
        reply = json.dumps({"tokens": list(range(len(body["prompt"].split())))} if known else {}).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def server():
    made = HTTPServer(("127.0.0.1", 0), Tokenizer)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_address[1]}"
    made.shutdown()


def test_a_server_with_a_tokenizer_counts_itself(server):
    counter = tokens.counter(Endpoint(model="m", url=f"{server}/v1"))
    assert counter.how == "by the server's tokenizer" and counter.count("one two  three four") == 4
    request = {"messages": [{"role": "user", "content": "one two"}]}
    assert 2 <= counter.request(request) < counter.request(request | {"response_format": {"type": "json_object"}})


def test_without_one_the_bytes_are_an_upper_bound(server):
    counter = tokens.counter(Endpoint(model="m", url=f"{server}/elsewhere/v1"))
    assert counter.how == "by their bytes, an upper bound"
    assert [counter.count(text) for text in TEXTS] == [len(text.encode()) for text in TEXTS]


def test_a_tokenizer_that_fails_later_leaves_the_bound_for_what_it_did_not_count(server, monkeypatch):
    counter = tokens.counter(Endpoint(model="m", url=f"{server}/v1"))
    monkeypatch.setattr(Tokenizer, "do_POST", lambda self: self.send_error(500))
    assert counter.count("four words of text") == len("four words of text")


def test_the_key_is_not_taken_to_another_host(server, monkeypatch):
    heard = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.headers["Authorization"])
            self.send_error(500)

        do_POST = do_GET

    other = HTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=other.serve_forever, daemon=True).start()

    def leads_away(self) -> None:
        self.send_response(302)
        self.send_header("Location", f"http://127.0.0.1:{other.server_address[1]}/tokenize")
        self.end_headers()

    monkeypatch.setattr(Tokenizer, "do_POST", leads_away)
    counter = tokens.counter(Endpoint(model="m", url=f"{server}/v1", key="sk-planted"))
    other.shutdown()
    assert counter.how.startswith("by their bytes") and heard == []


def test_tiktoken_counts_for_openai_where_it_has_its_vocabulary(monkeypatch):
    small = tiktoken.Encoding("small", pat_str=r"\w+|\W", mergeable_ranks={bytes([n]): n for n in range(256)},
                              special_tokens={"<|end|>": 256})  # fmt: skip
    monkeypatch.setattr(tiktoken, "encoding_for_model", lambda model: small)
    counter = tokens.counter(Endpoint(model="gpt-4", url=DEFAULT_URL, key="k"))
    assert counter.how == "by tiktoken (small)" and counter.count("ab <|end|>") == len("ab <|end|>")


def test_a_tiktoken_that_cannot_fetch_or_hangs_leaves_the_bound(monkeypatch):
    monkeypatch.setattr(tokens, "_PATIENCE_S", 0.1)
    for way in (lambda model: (_ for _ in ()).throw(OSError("no network")), lambda model: threading.Event().wait(2)):
        monkeypatch.setattr(tiktoken, "encoding_for_model", way)
        assert tokens.counter(Endpoint(model="gpt-4", url=DEFAULT_URL, key="k")).how.startswith("by their bytes")


def test_our_prices_speak_of_openai_only_and_a_users_file_of_any_server(tmp_path: Path):
    assert prices.find("gpt-4", DEFAULT_URL, None) == prices.Price(30.0, 60.0, "2025-08")
    assert prices.find("gpt-4", "http://localhost:8000/v1", None) is None
    assert prices.find("no-such-model", DEFAULT_URL, None) is None
    (tmp_path / "mine.toml").write_text('as_of = "2026-11"\n[models]\n"mine" = { input = 1, output = 2.5 }\n')
    price = prices.find("mine", "http://localhost:8000/v1", str(tmp_path / "mine.toml"))
    assert price == prices.Price(1.0, 2.5, "2026-11") and price.usd(1_000_000, 100_000) == pytest.approx(1.25)


@pytest.mark.parametrize(
    "text", ["[models", "models = 3", '[models]\n"m" = 3', '[models]\n"m" = { input = -1, output = 2 }']
)
def test_a_price_file_with_a_mistake_is_refused(tmp_path: Path, text: str):
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(BenchError, match=r"--prices .*mine\.toml"):
        prices.find("m", DEFAULT_URL, str(tmp_path / "mine.toml"))
