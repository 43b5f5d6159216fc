"""A conversation at the terminal, or over a pipe: a line is a turn, a line like ``/reset`` a command."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reference_model.errors import ModelError, UserError, did_you_mean

if TYPE_CHECKING:
    from reference_model.speaker import Decoding, Speaker, Turn

BLOCK = '"""'
"""Alone on a line, it begins and ends a text of several lines."""
HIDDEN = {code: None for code in (*range(9), *range(11, 32), *range(127, 160))}
"""Control characters, with which a model could move the cursor or worse; tab and line feed stay."""


class Left(Exception):
    """The user is done."""


class Chat:
    """Turns so far, and what the user may do with them."""

    def __init__(self, speaker: Speaker, decoding: Decoding, system: str, say: Callable[[str], None]) -> None:
        """``say`` tells notes that are not the model's words. ModelError where the form knows no system message."""
        self.speaker, self.decoding, self.say = speaker, decoding, say
        self.turns: list[Turn] = []
        self.stopped = False
        """Whether Ctrl-C ended the last answer."""
        self.system = ""
        if system:
            self._set_system(system)

    @property
    def messages(self) -> list[Turn]:
        """Return the conversation, with its system message."""
        return [*([{"role": "system", "content": self.system}] if self.system else []), *self.turns]

    def take(self, text: str) -> None:
        """Do what a line or block of the user asks. Raises UserError for what cannot be done, Left at the end."""
        text = text.strip()
        word, _, rest = text.partition(" ")
        if word in COMMANDS:
            COMMANDS[word][0](self, rest.strip())
        elif re.fullmatch(r"/[a-z]+", text):
            raise ModelError(f"{text} is no command.{did_you_mean(text, COMMANDS)} /help lists them.")
        elif text:
            self._ask(text)

    def _ask(self, text: str) -> None:
        self.turns.append({"role": "user", "content": text})
        try:
            answer = self.speaker.answer(self.messages, self.decoding, _write)
        except BaseException:
            self.turns.pop()
            raise
        _write("\n")
        self.stopped = answer.end == "interrupted"
        if answer.end != "stop":
            self.say({"interrupted": "(stopped)", "length": f"(cut off after {answer.tokens} tokens)"}[answer.end])
        if answer.text.strip():
            self.turns.append({"role": "assistant", "content": answer.text})
        else:
            self.turns.pop()
            self.say("(there are no words in this answer; the turn is taken back)")

    def _set_system(self, text: str) -> None:
        if text and not self.speaker.takes_system():
            raise ModelError("This model's form of conversations has no place for a system prompt. Leave it out.")
        self.system, self.turns = text, []

    def _reset(self, _: str) -> None:
        self.turns = []
        self.say("(a new conversation)")

    def _undo(self, _: str) -> None:
        if not self.turns:
            raise ModelError("There is no turn to take back.")
        del self.turns[-2:]
        self.say(f"({len(self.turns) // 2} turns are left)")

    def _retry(self, _: str) -> None:
        if not self.turns:
            raise ModelError("There is no turn to answer again.")
        asked = self.turns[-2]["content"]
        del self.turns[-2:]
        self._ask(asked)

    def _change_system(self, text: str) -> None:
        self._set_system(text)
        self.say("(a new conversation with this system prompt)" if text else "(a new conversation without one)")

    def _set(self, text: str) -> None:
        name, _, value = (part.strip() for part in text.partition("="))
        known = {field.name.replace("_", "-"): field.name for field in fields(self.decoding)}
        if name not in known:
            shown = "  ".join(f"{name}={getattr(self.decoding, key)}" for name, key in known.items())
            raise ModelError(f"/set NAME=VALUE changes one of: {shown}")
        try:
            number = type(getattr(self.decoding, known[name]))(value)
        except ValueError:
            raise ModelError(f"/set {name}: {value!r} is no number of that kind.") from None
        self.decoding = replace(self.decoding, **{known[name]: number})
        self.say(f"({name} is {number})")

    def _save(self, text: str) -> None:
        if not text or not self.turns:
            raise ModelError("/save FILE writes a conversation, once there is one.")
        try:
            with Path(text).expanduser().open("a", encoding="utf-8") as file:
                file.write(json.dumps({"messages": self.messages}, ensure_ascii=False) + "\n")
        except OSError as error:
            raise ModelError(f"/save {text}: {error.strerror}.") from None
        self.say(f"(added to {text}, in the form that `bayling-model data` reads as `messages`)")

    def _help(self, _: str) -> None:
        width = max(map(len, COMMANDS)) + 2
        self.say("\n".join(f"{name:<{width}}{told}" for name, (_, told) in COMMANDS.items() if told))
        self.say(f"{BLOCK:<{width}}begins and ends a text of several lines")
        self.say("Ctrl-C stops an answer and, at the prompt, leaves; so does Ctrl-D.")

    def _exit(self, _: str) -> None:
        raise Left


COMMANDS: dict[str, tuple[Callable[[Chat, str], None], str]] = {
    "/help": (Chat._help, "lists the commands"),
    "/reset": (Chat._reset, "begins a new conversation, with the same system prompt"),
    "/undo": (Chat._undo, "takes the last turn back"),
    "/retry": (Chat._retry, "answers the last turn again"),
    "/system": (Chat._change_system, "begins a new conversation with the system prompt that follows, or without one"),
    "/set": (Chat._set, "NAME=VALUE changes temperature, top-p or max-new-tokens"),
    "/save": (Chat._save, "FILE adds the conversation to a JSONL file"),
    "/exit": (Chat._exit, "leaves"),
    "/quit": (Chat._exit, ""),
}
"""What a command does, and how it is told; an empty text is another name for one that is told."""


def run(chat: Chat, *, terminal: bool) -> None:
    """Converse until the input ends: at a terminal with a prompt, otherwise a line a turn and answers only.

    Mistakes are told at a terminal and end the rest: UserError. KeyboardInterrupt where the user leaves so.
    """
    with suppress(Left):
        for text in _typed() if terminal else _piped():
            try:
                chat.take(text)
            except UserError as error:
                if not terminal:
                    raise
                chat.say(str(error))
            if chat.stopped and not terminal:
                raise KeyboardInterrupt


def _typed() -> Iterator[str]:
    with suppress(ImportError):
        import readline  # noqa: F401  # gives input() editing and a history
    while True:
        try:
            line = input("you> ")
            if line.strip() == BLOCK:
                line = "\n".join(iter(lambda: input("...> "), BLOCK))
        except EOFError:
            _write("\n")
            return
        yield line


def _piped() -> Iterator[str]:
    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError:
            raise ModelError(f"Line {number} of the input is not UTF-8.") from None


def _write(piece: str) -> None:
    sys.stdout.write(piece.translate(HIDDEN) if sys.stdout.isatty() else piece)
    sys.stdout.flush()
