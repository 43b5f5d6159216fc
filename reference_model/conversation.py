"""Conversations: one function turns messages into token ids and a loss mask, for training and for running.

A template is data (``templates/*.toml``); ``jinja`` writes the same form as a chat template into the tokenizer, so
that whatever reads the exported folder renders the same tokens. The whole text is tokenized at once and the mask
follows from character offsets: pieces tokenized one by one would differ where a tokenizer joins neighbours.
A record of a conversation file::

    {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…", "learn": false}], …}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reference_model.errors import ConversationError, did_you_mean
from reference_model.toml_files import read_toml

FOLDER = Path(__file__).parent / "templates"
ROLES = ("system", "user", "assistant")
BOS = "<s>"
PROBE = "⟨probe⟩"


@dataclass(frozen=True, kw_only=True)
class Message:
    """What one side says."""

    role: str
    """``system`` (only first), ``user`` or ``assistant``."""
    content: str
    """The text, without the template's marks; white space at its ends is dropped when it is rendered."""
    learn: bool = True
    """Whether an assistant's message is a response to learn; false for a draft that the user goes on to correct."""


@dataclass(frozen=True, kw_only=True)
class Template:
    """The form of a conversation."""

    name: str
    """Its file's name."""
    bos: bool
    """Whether the tokenizer's first-token stands before everything."""
    system: str
    """Form of a system message."""
    user: str
    """Form of a user's message."""
    answer: str
    """What stands before a response, in training and as the end of a prompt."""
    end: str
    """The token that ends a response; it is learned with it."""
    after: str
    """What follows the end token."""
    tokens: tuple[str, ...]
    """Marks that must be single tokens of the tokenizer and may not occur inside a message."""
    needs_opening: bool
    """Whether the weights come with a text that opens every conversation."""
    opening: str = ""
    """The text that opens a conversation without a system message of its own, exactly as it stands."""

    def __post_init__(self) -> None:
        for name in ("system", "user"):
            if getattr(self, name).count("{content}") != 1:
                raise ConversationError(f"Template {self.name}: `{name}` must hold {{content}} exactly once.")


@dataclass(frozen=True)
class Rendered:
    """Token ids, and for each whether it is learned: equally long."""

    ids: list[int]
    mask: list[bool]


def load_template(name: str, *, opening_file: Path | None = None, tokenizer: Any = None) -> Template:
    """Return a template by name or TOML file, opened by the user's file or else by what ``tokenizer`` says.

    Raises ConversationError for an unknown name and where a template needs an opening text and none is found.
    """
    known = sorted(path.stem for path in FOLDER.glob("*.toml"))
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        raise ConversationError(f"Template {name!r} is unknown.{did_you_mean(name, known)} Known: {', '.join(known)}.")
    values = read_toml(path, Template, ConversationError, name=path.stem)
    template = Template(**{**values, "tokens": tuple(values["tokens"])})
    if opening_file is not None:
        try:
            return replace(template, opening=opening_file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ConversationError(f"Opening text {opening_file}: cannot be read ({error}).") from None
    if not template.needs_opening:
        return template
    opening = opening_of(tokenizer, template)
    if opening is None:
        raise ConversationError(
            f"Template {name} opens each conversation with a text that belongs to the released weights; their "
            "tokenizer has no chat template of this form. Put the text (upstream: bayling/conversation.py) into a "
            "file and name it: --set template.opening_file=FILE."
        )
    return replace(template, opening=opening)


def opening_of(tokenizer: Any, template: Template) -> str | None:
    """Return what the tokenizer's own chat template puts before the first turn; None where it has another form."""
    if tokenizer is None or not tokenizer.chat_template:
        return None
    messages = [{"role": "user", "content": PROBE}]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    before, found, after = text.partition(template.user.replace("{content}", PROBE) + template.answer)
    if not found or after or not before:
        return None
    return before.removeprefix(tokenizer.bos_token or "")


def segments(messages: Sequence[Message], template: Template, *, prompt: bool = False) -> list[tuple[str, bool]]:
    """Return the text of a conversation, without the first-token, as pieces with whether each is learned.

    ``prompt`` ends it where a response begins. Raises ConversationError for roles out of order, empty messages and
    messages that hold one of the template's tokens.
    """
    check(messages, template, prompt=prompt)
    own_system = messages[0].role == "system"
    pieces = [] if own_system or not template.opening else [(template.opening, False)]
    for message in messages:
        content = message.content.strip()
        if message.role != "assistant":
            form = template.system if message.role == "system" else template.user
            pieces.append((form.replace("{content}", content), False))
        else:
            pieces += [(template.answer, False), (content + template.end, message.learn), (template.after, False)]
    return [*pieces, (template.answer, False)] if prompt else pieces


def check(messages: Sequence[Message], template: Template, *, prompt: bool = False) -> None:
    """Raise ConversationError unless a system message, if any, comes first and user and assistant then take turns."""
    turns = [message.role for message in messages if message.role != "system"]
    wanted = ["user", "assistant"] * (len(turns) // 2) + ["user"] * prompt
    if not turns or turns != wanted or any(message.role == "system" for message in messages[1:]):
        order = ", ".join(message.role for message in messages) or "no message"
        raise ConversationError(f"Roles must be [system,] user, assistant, user …: found {order}.")
    for message in messages:
        if not message.content.strip():
            raise ConversationError(f"A message of the {message.role} is empty.")
        for token in template.tokens:
            if token in message.content:
                raise ConversationError(f"A message holds {token}, which means its end in template {template.name}.")


def render(messages: Sequence[Message], template: Template, tokenizer: Any, *, prompt: bool = False) -> Rendered:
    """Return ids and mask of a conversation, or of a prompt that a response is to follow.

    Raises ConversationError as ``segments`` and where a token lies across the start of a response.
    """
    pieces = segments(messages, template, prompt=prompt)
    first = tokenizer.bos_token if template.bos else ""
    encoded = tokenizer(
        first + "".join(text for text, _ in pieces),
        add_special_tokens=False, return_offsets_mapping=True, verbose=False,
    )  # fmt: skip
    spans, position = [], len(first)
    for text, learned in pieces:
        if learned:
            spans.append((position, position + len(text)))
        position += len(text)
    return Rendered(encoded["input_ids"], _mask(encoded["offset_mapping"], spans))


def _mask(offsets: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]) -> list[bool]:
    mask, remaining = [False] * len(offsets), iter(spans)
    start, end = next(remaining, (-1, -1))
    for index, (left, right) in enumerate(offsets):
        while start >= 0 and left >= end:
            start, end = next(remaining, (-1, -1))
        if start < 0:
            break
        if left < start < right or left < end < right:
            raise ConversationError(
                "A token lies across the edge of a response: this tokenizer needs another template."
            )
        mask[index] = left >= start
    return mask


def jinja(template: Template) -> str:
    """Return the template as a chat template of Hugging Face tokenizers, with `generation` marks round responses."""
    bos = "{{ bos_token }}" if template.bos else ""
    opening = f"{{% else %}}{{{{ {_quoted(template.opening)} }}}}" if template.opening else ""
    return (
        f"{bos}{{% if messages[0]['role'] == 'system' %}}{_jinja_form(template.system, 'messages[0]')}{opening}"
        "{% endif %}{% for message in messages %}{% if message['role'] == 'user' %}"
        f"{_jinja_form(template.user, 'message')}{{% elif message['role'] == 'assistant' %}}"
        f"{{{{ {_quoted(template.answer)} }}}}{{% generation %}}{{{{ message['content'] | trim }}}}"
        f"{{{{ {_quoted(template.end)} }}}}{{% endgeneration %}}{{{{ {_quoted(template.after)} }}}}"
        "{% endif %}{% endfor %}"
        f"{{% if add_generation_prompt %}}{{{{ {_quoted(template.answer)} }}}}{{% endif %}}"
    )


def _jinja_form(form: str, message: str) -> str:
    before, after = form.split("{content}")
    return f"{{{{ {_quoted(before)} }}}}{{{{ {message}['content'] | trim }}}}{{{{ {_quoted(after)} }}}}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # JSON's string escapes are Jinja's, which are Python's


def install(template: Template, tokenizer: Any) -> None:
    """Give a tokenizer the template and its end token; ConversationError where it lacks one of the tokens."""
    if not getattr(tokenizer, "is_fast", False):
        raise ConversationError(f"{type(tokenizer).__name__} gives no character offsets; a fast tokenizer is needed.")
    wanted = [*template.tokens, *([tokenizer.bos_token or BOS] if template.bos else [])]
    vocabulary = tokenizer.get_vocab()
    for token in wanted:
        if token not in vocabulary or len(tokenizer(token, add_special_tokens=False)["input_ids"]) != 1:
            raise ConversationError(
                f"The tokenizer of {tokenizer.name_or_path or 'the model'} has no single token {token}, which template "
                f"{template.name} needs: --set tokenizer.add_tokens=true adds such tokens, or choose another template."
            )
    tokenizer.eos_token = template.end
    tokenizer.chat_template = jinja(template)


def add_tokens(template: Template, tokenizer: Any) -> int:
    """Add the tokens that a template needs to a tokenizer as special tokens; return how many were new."""
    first = [tokenizer.bos_token or BOS] if template.bos else []
    added = tokenizer.add_tokens([*first, *template.tokens], special_tokens=True)
    if first:
        tokenizer.bos_token = first[0]
    return added


def to_json(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """Return messages as they stand in a conversation file."""
    return [
        {"role": message.role, "content": message.content, **({} if message.learn else {"learn": False})}
        for message in messages
    ]


def from_json(records: Any) -> tuple[Message, ...]:
    """Return the messages that ``to_json`` wrote; ConversationError for anything else."""
    try:
        messages = tuple(Message(**record) for record in records)
    except TypeError as error:
        raise ConversationError(f"Messages must be records with role and content: {error}.") from None
    for message in messages:
        if message.role not in ROLES:
            near = did_you_mean(message.role, ROLES)
            raise ConversationError(f"Role {message.role!r} is unknown.{near} Known: {', '.join(ROLES)}.")
        if not isinstance(message.content, str):
            raise ConversationError(f"Content of a {message.role}'s message is not text: {message.content!r:.60}.")
    return messages
