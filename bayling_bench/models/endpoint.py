"""Where a chat-completions server is and with which secrets it is asked; what of that may be shown."""

from __future__ import annotations

import base64
import json
import os
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit, urlunsplit

from bayling_bench.config import ModelOptions
from bayling_bench.data.store import redact
from bayling_bench.errors import ModelError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

DEFAULT_URL = "https://api.openai.com/v1"
_NO_KEY = "no-key-needed"
_CONNECT_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A model on a server, and how it is asked."""

    model: str
    """The server's name for it."""
    url: str
    """Address as given, maybe with user, password and query."""
    key: str = _NO_KEY
    """Sent as a bearer token, unless the address names a user."""
    concurrency: int = 16
    """Requests under way at once."""
    timeout_s: float = 900.0
    """Longest wait for one answer; a server on a CPU may need minutes for a thousand tokens."""

    @property
    def public_url(self) -> str:
        """Return the address without secrets."""
        return redact_url(self.url)

    def client(self) -> AsyncOpenAI:
        """Return a client that tries once; it belongs to the event loop that first uses it."""
        from openai import AsyncOpenAI, Timeout

        login = _login(_split(self.url))
        return AsyncOpenAI(
            api_key=self.key,
            base_url=self.public_url,
            default_query=dict(parse_qsl(_split(self.url).query)),
            default_headers={"Authorization": f"Basic {_basic(login)}"} if login else None,
            max_retries=0,
            timeout=Timeout(self.timeout_s, connect=min(_CONNECT_S, self.timeout_s)),
        )

    def request(self, path: str, body: Any) -> urllib.request.Request:
        """Return a request that posts JSON beside the API, for what the ``openai`` package does not know."""
        parts = _split(self.url)
        root = self.public_url.removesuffix("/v1")
        login = _login(parts)
        headers = {
            "Authorization": f"Basic {_basic(login)}" if login else f"Bearer {self.key}",
            "Content-Type": "application/json",
        }
        address = f"{root}{path}?{parts.query}" if parts.query else f"{root}{path}"
        return urllib.request.Request(address, json.dumps(body).encode(), headers)

    def secrets(self) -> list[str]:
        """Return every form in which the server sees a secret, the longest first."""
        parts = _split(self.url)
        values = [value for _, value in parse_qsl(parts.query)]
        if self.key != _NO_KEY:
            values.append(self.key)
        if login := _login(parts):
            values += [login, _basic(login), login.partition(":")[2]]
        forms = {form for value in values if value for form in (value, quote(value, safe=""))}
        return sorted(forms, key=len, reverse=True)

    def hide(self, text: str, *, shortest: int = 1) -> str:
        """Return ``text`` with ``***`` for each secret of at least ``shortest`` characters."""
        for secret in self.secrets():
            if len(secret) >= shortest:
                text = text.replace(secret, "***")
        return text


def of(model: str, options: ModelOptions) -> Endpoint:
    """Return the endpoint that the options name; ModelError when the address or the key cannot be used."""
    url = options.base_url or DEFAULT_URL
    _split(url)
    return Endpoint(model=model, url=url, key=api_key(options), concurrency=options.concurrency)


def limit_name(url: str) -> str:
    """Return the name of the token limit: OpenAI's newer models know only the longer, others mostly the shorter."""
    return "max_completion_tokens" if url == DEFAULT_URL else "max_tokens"


def redact_url(url: str) -> str:
    """Return an address without user, password, query and fragment; ModelError when it is none."""
    parts = _split(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))


def api_key(options: ModelOptions) -> str:
    """Return the key from ``--api-key-file`` or ``OPENAI_API_KEY``; servers on one's own machine need none.

    Raises ModelError when neither is given for OpenAI's own address, and for a key that no request can carry.
    """
    where = "OPENAI_API_KEY"
    key = os.environ.get(where, "").strip()
    if options.api_key_file:
        where = f"--api-key-file {options.api_key_file}"
        try:
            key = Path(options.api_key_file).expanduser().read_text(encoding="utf-8-sig").strip()
        except OSError as error:
            raise ModelError(f"{where}: cannot be read ({error.strerror}).") from None
        except UnicodeDecodeError:
            raise ModelError(f"{where}: is not UTF-8 text. Save the key alone in a plain text file.") from None
        if not key:
            raise ModelError(f"{where}: the file is empty. Save the key in it.")
    if not key and not options.base_url:
        raise ModelError("No key: set OPENAI_API_KEY, or give --api-key-file FILE, or --base-url of your own server.")
    if not all("!" <= character <= "~" for character in key):
        raise ModelError(f"{where}: holds spaces, line ends or letters that no key has. Give the key alone.")
    return key or _NO_KEY


def _split(url: str) -> SplitResult:
    parts = urlsplit(url.strip())
    try:
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and "@" not in parts.path
    except ValueError:  # a port that is no number: urllib's message would quote what may be a password
        usable = False
    if not usable:
        raise ModelError(
            f"--base-url {redact(url)} is no address of a server. Give one like http://localhost:8000/v1; a user and a "
            "password in it must be percent-encoded."
        )
    return parts


def _login(parts: SplitResult) -> str | None:
    return None if parts.username is None else f"{unquote(parts.username)}:{unquote(parts.password or '')}"


def _basic(login: str) -> str:
    return base64.b64encode(login.encode()).decode()
