"""A real HTTP server on loopback that speaks chat completions, and that breaks in the ways that such servers break."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest


def echo(messages: list[dict[str, str]]) -> str:
    """The answer of the server's model: it depends on every message, so a turn that was left out would show."""
    return f"{len(messages)} messages: " + " / ".join(message["content"] for message in messages)


class ChatServer(http.server.ThreadingHTTPServer):
    """Answers with ``echo``; a fault whose key is part of the last message is handled first, one a request."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults: dict[str, list[Fault]] = {}
        self.always: Fault | None = None
        self.requests: list[Request] = []
        self.under_way = self.most_under_way = 0
        self.lock = threading.Lock()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.address}/v1"

    def fault(self, question: str) -> Fault | None:
        with self.lock:
            waiting = next((faults for key, faults in self.faults.items() if key in question and faults), None)
            return waiting.pop(0) if waiting else self.always

    def questions(self) -> list[str]:
        return [request.question for request in self.requests]

    def handle_error(self, request, client_address) -> None:  # a client that hangs up is no news
        pass


class Request:
    """What the server was sent."""

    def __init__(self, handler: Handler, body: dict[str, Any]) -> None:
        self.path = handler.path
        self.headers = handler.headers
        self.body = body
        self.messages: list[dict[str, str]] = body["messages"]
        self.question = self.messages[-1]["content"]
        self.at = time.monotonic()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ChatServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        if urlsplit(self.path).path != "/v1/chat/completions":
            return self.answer(404, b'{"detail": "Not Found"}')
        self.request_ = Request(self, body)
        with server.lock:
            server.requests.append(self.request_)
            server.under_way += 1
            server.most_under_way = max(server.most_under_way, server.under_way)
        try:
            (server.fault(self.request_.question) or whole)(self)
        finally:
            with server.lock:
                server.under_way -= 1

    def answer(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_) -> None:
        pass


Fault = Callable[[Handler], None]


def completion(text: Any, **choice: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, **choice.pop("message", {})}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "echo",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", **choice}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 11, "total_tokens": 18},
    }


def whole(handler: Handler) -> None:
    handler.answer(200, json.dumps(completion(echo(handler.request_.messages))).encode())


def says(value: Any) -> Fault:
    """Answer 200 with ``value``: bytes as they are, anything else as JSON."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return lambda handler: handler.answer(200, body)


def page(status: int) -> Fault:
    """Answer with a page for people, as proxies do."""
    return lambda handler: handler.answer(status, b"<html><h1>Bad gateway</h1></html>", "text/html")


def refuses(status: int, message: str = "no", headers: dict[str, str] | None = None, **error: Any) -> Fault:
    """Answer with an error in OpenAI's form."""
    body = json.dumps({"error": {"message": message, "type": "error", "param": None, "code": None, **error}}).encode()
    return lambda handler: handler.answer(status, body, **(headers or {}))


def slow(seconds: float) -> Fault:
    def fault(handler: Handler) -> None:
        time.sleep(seconds)
        whole(handler)

    return fault


def waits_for(event: threading.Event) -> Fault:
    def fault(handler: Handler) -> None:
        event.wait(60)
        whole(handler)

    return fault


def hangs_up(handler: Handler) -> None:
    handler.close_connection = True


def half(handler: Handler) -> None:
    """Announce an answer and end in its middle."""
    body = json.dumps(completion("cut")).encode()
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.wfile.flush()
    handler.close_connection = True
    handler.connection.close()


def trickles(handler: Handler) -> None:
    """Send a space now and then, so that no single read ever waits long."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


@contextmanager
def running(monkeypatch: pytest.MonkeyPatch):
    """A running server, and no proxy or key of the developer's between it and the tests."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    server = ChatServer()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
