"""Downloads one file over HTTP into its part: resumes, retries, verifies. The client is urllib, with its proxies.

Retried, with exponential backoff and jitter: broken connections, timeouts, 408, 429 and 5xx (after ``Retry-After``
where the server names it). Not retried: any other status, and content that is not the catalogue's.
"""

from __future__ import annotations

import base64
import random
import re
import ssl
import threading
import time
import urllib.error
import urllib.request
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from bayling_bench import __version__
from bayling_bench.data.catalogue import GITHUB_RAW, File
from bayling_bench.data.part import Part
from bayling_bench.data.store import WITHOUT_NETWORK, redact
from bayling_bench.errors import DataError

CHUNK = 1 << 16
TIMEOUT_S = 15.0
BACKOFF_S = 0.5
LONGEST_WAIT_S = 300.0  # a server that asks for more is told to the user, not waited for


class Unreachable(DataError):
    """No server could be spoken to at all: no other file would fare better."""


class Stopped(Exception):
    """The fetch was told to end; the part stays."""


class _Again(Exception):
    """A failure that may pass: worth another attempt, after ``wait_s`` seconds if the server named a time."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class Server:
    """Where files are downloaded from, and what the downloads of one fetch know of it together."""

    def __init__(self, base: str | None, retries: int, stop: threading.Event) -> None:
        """``base``: a mirror's base URL, maybe with credentials; None is GitHub."""
        self.name = redact(base or GITHUB_RAW)
        self.stop = stop
        self.retries = retries
        self._parts = urlsplit(base or GITHUB_RAW)
        self._opener = urllib.request.build_opener()
        self._answered_at = float("-inf")
        self._quiet_until = float("-inf")
        self._host = self._parts.netloc.rpartition("@")[2]
        try:
            complete = self._parts.hostname and self._parts.port != 0
        except ValueError:  # urllib's message would quote the part of the URL that may be a password
            complete = False
        if not complete:
            raise DataError(f"mirror {self.name} is no base URL; a user and a password in it must be percent-encoded")

    def answered_since(self, moment: float) -> bool:
        """Return whether any download had an answer after ``moment`` (of ``time.monotonic``)."""
        return self._answered_at > moment

    def open(self, file: File, offset: int) -> HTTPResponse:
        """Ask for the file from byte ``offset`` on; the errors are urllib's."""
        self.pause(max(0.0, self._quiet_until - time.monotonic()))
        path = f"{self._parts.path.rstrip('/')}/{quote(file.tail)}"
        request = urllib.request.Request(urlunsplit((self._parts.scheme, self._host, path, self._parts.query, "")))
        request.add_header("User-Agent", f"bayling-bench/{__version__}")
        if offset:
            request.add_header("Range", f"bytes={offset}-")
        if self._parts.username is not None:
            login = f"{unquote(self._parts.username)}:{unquote(self._parts.password or '')}".encode()
            # unredirected: whoever the server redirects to has no business with these
            request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(login).decode()}")
        try:
            response = self._opener.open(request, timeout=TIMEOUT_S)
        except urllib.error.HTTPError:
            self._answered_at = time.monotonic()
            raise
        self._answered_at = time.monotonic()
        return response

    def keep_quiet(self, seconds: float) -> None:
        """Let no download ask anything for so long."""
        self._quiet_until = max(self._quiet_until, time.monotonic() + seconds)

    def pause(self, seconds: float) -> None:
        """Wait. Stopped when the fetch ends meanwhile."""
        if self.stop.wait(seconds):
            raise Stopped


def download(server: Server, part: Part) -> None:
    """Fill the part until it holds the file, verified.

    DataError when the server lacks the file, has another one, or keeps failing; Unreachable when nothing answers.
    """
    begun = time.monotonic()
    attempt = 0
    while True:
        try:
            return _fill(server, part)
        except _Again as failure:
            # before the first answer of all, one more attempt only: without a network the user should hear so at once
            retries = server.retries if server.answered_since(float("-inf")) else min(server.retries, 1)
            if attempt >= retries:
                raise _given_up(server, part.file, failure, begun) from failure
            backoff_s = BACKOFF_S * 2**attempt * random.uniform(0.5, 1.5)
            server.pause(backoff_s if failure.wait_s is None else failure.wait_s)
            attempt += 1


def _fill(server: Server, part: Part) -> None:
    file = part.file
    resumed = part.length > 0
    if part.length < file.bytes:
        _receive(server, part)
    found = part.sha256()
    if found == file.sha256:
        return
    part.restart()
    if not resumed:
        raise _foreign(server, file, f"sha256 {found}, not {file.sha256}")
    _fill(server, part)  # the beginning that an earlier attempt left may have been what was wrong


def _receive(server: Server, part: Part) -> None:
    try:
        response = server.open(part.file, part.length)
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(server, part, error) from error
    except (OSError, HTTPException) as error:
        raise _Again(_reason(error)) from error
    with response:
        _align(server, part, response)
        while part.length < part.file.bytes:
            part.write(_read(server, part, response))


def _align(server: Server, part: Part, response: HTTPResponse) -> None:
    """Make the part's end meet the beginning of the response, and refuse one that announces another size."""
    if response.status == 206:
        announced = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        if announced is None or int(announced[1]) != part.length:
            part.restart()
            raise _Again("the server answered with another range than was asked for")
        size = announced[2]
    else:
        if part.length:
            part.restart()  # a server that knows no ranges sends all again
        size = response.headers.get("Content-Length", str(part.file.bytes))
    if size != str(part.file.bytes):
        part.restart()
        raise _foreign(server, part.file, f"{size} bytes, not {part.file.bytes}")


def _read(server: Server, part: Part, response: HTTPResponse) -> bytes:
    if server.stop.is_set():
        raise Stopped
    try:
        chunk = response.read1(CHUNK)
    except (OSError, HTTPException) as error:
        raise _Again(_reason(error)) from error
    if not chunk:
        raise _Again(f"the connection ended after {part.length} of {part.file.bytes} bytes")
    return chunk


def _refusal(server: Server, part: Part, error: urllib.error.HTTPError) -> Exception:
    """Return what a status other than success means: to try again, or an error."""
    answer = f"{error.code} {error.reason}"
    if error.code == 416 and part.length:
        part.restart()
        return _Again(answer)
    if error.code in (404, 410):
        return DataError(f"{part.file.tail} is not at {server.name} ({answer}).")
    if error.code not in (408, 429) and error.code < 500:
        return DataError(f"{server.name} refuses {part.file.tail}: {answer}.")
    wait_s = _retry_after(error.headers)
    if wait_s is None:
        return _Again(answer)
    if wait_s > LONGEST_WAIT_S:
        return DataError(f"{server.name} answers {answer} and asks to come back in {wait_s:.0f} seconds.")
    server.keep_quiet(wait_s)
    return _Again(answer, wait_s)


def _retry_after(headers: Message) -> float | None:
    """Return the seconds that the header names, as a number or as a date (RFC 9110, 10.2.3), or None."""
    value = headers.get("Retry-After", "")
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _given_up(server: Server, file: File, failure: _Again, begun: float) -> DataError:
    if server.answered_since(begun):
        return DataError(f"{file.tail} could not be fetched from {server.name}: {failure}.")
    return Unreachable(
        f"{server.name} cannot be reached: {failure}.\n"
        f"With a network (https_proxy is honoured), the same command goes on where it stopped. {WITHOUT_NETWORK}"
    )


def _foreign(server: Server, file: File, found: str) -> DataError:
    return DataError(f"{server.name} has another file as {file.tail}: {found}. It was not kept; try another mirror.")


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"{cause.verify_message}; set SSL_CERT_FILE to the certificates that your network uses"
    return str(cause) or type(cause).__name__
