"""`bayling-model chat`: what it says is what transformers generates; turns, commands, Ctrl-C, pipes and mistakes."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from itertools import pairwise

import pytest

from reference_model import cli, conversation
from reference_model.chat import Chat, run
from reference_model.errors import ConversationError, ModelError
from reference_model.model_source import Source, find
from reference_model.settings import TemplateChoice
from reference_model.speaker import Decoding, Placing, load

from .made_up_texts import byte_level, llama_like

NO_FORM = TemplateChoice(name="")


def make_model(folder, tokenizer, context: int):
    """A LLaMA of random weights, which babbles until its context is full."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = LlamaConfig(
        vocab_size=len(tokenizer), **shape, max_position_embeddings=context, eos_token_id=tokenizer.eos_token_id,
        initializer_range=0.2,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def babbler(chatml_tokenizer, tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("models") / "babbler", chatml_tokenizer, 60_000)


@pytest.fixture
def speaker(babbler):
    return load(Source(str(babbler)), Placing(), NO_FORM)


def generated(folder, messages, tokens: int) -> str:
    """What transformers generates, without streaming, without anything kept from before."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True, return_tensors="pt")
    with torch.inference_mode():
        output = model.generate(**ids, max_new_tokens=tokens, do_sample=False, pad_token_id=tokenizer.pad_token_id)
    return tokenizer.decode(output[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)


def test_each_turn_is_what_transformers_generates_for_the_whole_conversation(babbler, speaker, monkeypatch):
    computed = []
    forward = type(speaker.model.model).forward
    monkeypatch.setattr(
        type(speaker.model.model), "forward",
        lambda self, *rest, **more: (computed.append(more["input_ids"].shape[1]), forward(self, *rest, **more))[1],
    )  # fmt: skip
    messages, lengths = [{"role": "system", "content": "Antworte kurz."}], []
    for text in ("I drink tea. 我喜欢喝茶。", "Make it shorter.", "And again, 老师"):
        messages.append({"role": "user", "content": text})
        pieces, before = [], len(computed)
        answer = speaker.answer(messages, Decoding(max_new_tokens=30), pieces.append)
        lengths.append((computed[before], len(speaker.prompt(messages))))
        assert "".join(pieces) == answer.text == generated(babbler, messages, 30)
        assert (answer.end, answer.tokens) == ("length", 30) and len(pieces) > 10
        messages.append({"role": "assistant", "content": answer.text})
    assert lengths[0][0] == lengths[0][1]
    for (_, before), (new, whole) in pairwise(lengths):
        assert new <= whole - before  # what was computed for the turn before was kept


def test_the_end_token_ends_an_answer_and_is_not_shown(babbler, speaker):
    speaker.model.generation_config.eos_token_id = None
    messages = [{"role": "user", "content": "I drink tea."}]
    shown: list[str] = []
    ids: list[int] = []
    forward = speaker.model.forward

    def third_is_the_end(*rest, **more):
        output = forward(*rest, **more)
        ids.append(0)
        if len(ids) == 3:
            output.logits[..., speaker.tokenizer.eos_token_id] = 1e4
        return output

    speaker.model.forward = third_is_the_end
    answer = speaker.answer(messages, Decoding(), shown.append)
    assert (answer.end, answer.tokens) == ("stop", 3) and "<|im_end|>" not in answer.text
    assert answer.text == "".join(shown) == generated(babbler, messages, 2)


def test_characters_come_whole_and_words_with_their_spaces(babbler):
    from reference_model.speaker import _Stream

    text = "Das alte Haus: 老房子 😀 é"
    for tokenizer in (byte_level(), llama_like()):
        import torch

        pieces: list[str] = []
        stream = _Stream(tokenizer, pieces.append)
        stream.put(torch.tensor([[1, 2, 3]]))  # the prompt
        for token in tokenizer(text, add_special_tokens=False)["input_ids"]:
            stream.put(torch.tensor([token]))
        assert stream.rest() == "".join(pieces) == text
        assert "\ufffd" not in "".join(pieces) and len(pieces) > 5


def talk(speaker, lines: str, monkeypatch, capsys, **decoding) -> tuple[Chat, str, str]:
    """Send lines over a pipe; return the conversation, what was written and the notes."""
    notes: list[str] = []
    chat = Chat(speaker, Decoding(max_new_tokens=6, **decoding), "", notes.append)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    run(chat, terminal=False)
    return chat, capsys.readouterr().out, "\n".join(notes)


def test_lines_are_turns_and_commands_change_the_conversation(speaker, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = "I drink tea.\n\nShorter!\n/save a.jsonl\n/undo\n/save b.jsonl\n/retry\n/reset\n我喝茶\n/exit\nnever\n"
    chat, out, notes = talk(speaker, lines, monkeypatch, capsys)
    first, second, *_ = saved = json.loads((tmp_path / "a.jsonl").read_text())["messages"]
    assert [message["role"] for message in saved] == ["user", "assistant"] * 2
    assert conversation.from_json(saved) and first["content"] == "I drink tea."
    assert json.loads((tmp_path / "b.jsonl").read_text())["messages"] == [first, second]
    assert chat.turns[0]["content"] == "我喝茶" and len(chat.turns) == 2
    assert out.count(second["content"]) >= 2 and "never" not in out
    assert "(1 turns are left)" in notes and "(a new conversation)" in notes and "cut off after 6 tokens" in notes


def test_what_is_drawn_depends_on_seed_and_temperature(speaker, monkeypatch, capsys):
    import torch

    answers = []
    for seed, setting in ((1, ""), (1, ""), (2, ""), (2, "/set temperature=0\n"), (3, "/set temperature = 0\n")):
        torch.manual_seed(seed)
        lines = f"{setting}I drink tea.\n"
        answers.append(talk(speaker, lines, monkeypatch, capsys, temperature=2.0)[1])
    assert answers[0] == answers[1] != answers[2] and answers[3] == answers[4] != answers[2]


def test_a_system_prompt_goes_where_the_form_has_a_place_for_it(speaker, babbler, monkeypatch, capsys):
    chat, _, notes = talk(speaker, "/system Be brief.\nI drink tea.\n/system\n", monkeypatch, capsys)
    assert chat.messages == [] and "with this system prompt" in notes and "without one" in notes
    chat, _, _ = talk(speaker, "/system Be brief.\nI drink tea.\n", monkeypatch, capsys)
    assert speaker.tokenizer.decode(speaker.prompt(chat.messages[:2])).startswith("<|im_start|>system\nBe brief.")
    speaker.tokenizer.chat_template = (
        "{% for m in messages %}{% if m['role'] == 'user' %}{{ m['content'] }}{% endif %}{% endfor %}"
    )
    with pytest.raises(ModelError, match="no place for a system prompt"):
        Chat(speaker, Decoding(), "Be brief.", print)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/resett", "/resett is no command. Did you mean /reset"),
        ("/undo", "no turn to take back"),
        ("/retry", "no turn to answer again"),
        ("/save", "once there is one"),
        ("/set heat=3", "temperature=0.0  top-p=1.0  max-new-tokens=6"),
        ("/set temperature=nan", "temperature must be a number from 0 up"),
        ("/set top-p=much", "'much' is no number"),
        ("/set top-p=2", "top-p lie in"),
        ("I say <|im_end|>", r"holds <\|im_end\|>"),
    ],
)
def test_mistakes_are_told_and_at_a_terminal_the_conversation_goes_on(speaker, line, words, monkeypatch, capsys):
    with pytest.raises(ModelError, match=words):
        talk(speaker, line, monkeypatch, capsys)
    notes: list[str] = []
    typed = iter([line, "I drink tea.", "/exit"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed))
    chat = Chat(speaker, Decoding(max_new_tokens=6), "", notes.append)
    run(chat, terminal=True)
    assert re.search(words, "\n".join(notes)) and len(chat.turns) == 2


def test_a_conversation_that_no_longer_fits_is_told_and_left_as_it_was(chatml_tokenizer, tmp_path, monkeypatch, capsys):
    speaker = load(Source(str(make_model(tmp_path / "short", chatml_tokenizer, 48))), Placing(), NO_FORM)
    notes: list[str] = []
    typed = iter(["I drink tea.", "I drink tea. " * 9, "/reset", "I drink tea.", "/exit"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed))
    chat = Chat(speaker, Decoding(max_new_tokens=5), "", notes.append)
    run(chat, terminal=True)
    assert len(chat.turns) == 2
    (told,) = (note for note in notes if "no room is left" in note)
    assert "the model reads 48" in told and "/reset" in told
    answer = speaker.answer(chat.messages[:1], Decoding(), lambda piece: None)
    assert answer.end == "length" and len(speaker.prompt(chat.messages[:1])) + answer.tokens == 48


def test_several_lines_and_control_characters(speaker, monkeypatch, capsys):
    typed = iter(['"""', "One", "two", '"""', EOFError])
    monkeypatch.setattr("builtins.input", lambda prompt: _next(typed))
    chat = Chat(speaker, Decoding(max_new_tokens=3), "", lambda note: None)
    run(chat, terminal=True)
    assert chat.turns[0]["content"] == "One\ntwo"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    from reference_model.chat import _write

    capsys.readouterr()
    _write("a\x1b[2Jb\n\x07")
    assert capsys.readouterr().out == "a[2Jb\n"


def _next(typed):
    value = next(typed)
    if value is EOFError:
        raise EOFError
    return value


def test_what_is_no_model_is_told_with_the_next_command(babbler, chatml_tokenizer, tmp_path, monkeypatch):
    run_folder = tmp_path / "run"
    (run_folder / "checkpoints" / "step-00000005").mkdir(parents=True)
    (run_folder / "run.json").write_text("{}")
    for inside in (run_folder, run_folder / "checkpoints" / "step-00000005"):
        with pytest.raises(ModelError, match=f"bayling-model export {run_folder} -o {run_folder / 'model'}"):
            find(str(inside))
    make_model(run_folder / "model", chatml_tokenizer, 64)
    with pytest.raises(ModelError, match=f"its exported model is {run_folder / 'model'}"):
        find(str(run_folder))
    assert find(str(run_folder / "model")).name == str(run_folder / "model")
    (tmp_path / "difference").mkdir()
    (tmp_path / "difference" / "delta.json").write_text("{}")
    (tmp_path / "empty").mkdir()
    make_model(tmp_path / "reproduced" / "tiny", chatml_tokenizer, 64)
    (tmp_path / "text.txt").write_text("")
    for name, words in (
        ("difference", "apply-delta"), ("empty", "no config.json.*bayling-model export"),
        ("reproduced", f"Did you mean {tmp_path / 'reproduced' / 'tiny'}"), ("text.txt", "no .gguf file"),
        ("no.gguf", "no such file"), ("no/such/folder", "no such folder"),
    ):  # fmt: skip
        with pytest.raises(ModelError, match=words):
            find(str(tmp_path / name))
    assert find("owner/name") == Source("owner/name")


def test_a_tokenizer_without_a_form_is_given_one_by_name(tmp_path):
    folder = make_model(tmp_path / "plain", llama_like(), 256)
    with pytest.raises(ModelError, match="--template chatml, --template bayling_v1"):
        load(Source(str(folder)), Placing(), NO_FORM)
    with pytest.raises(ConversationError, match=r"no single token <\|im_start\|>"):
        load(Source(str(folder)), Placing(), TemplateChoice(name="chatml"))
    opening = tmp_path / "opening.txt"
    opening.write_text("Below is a dialog.\n\n")
    speaker = load(Source(str(folder)), Placing(), TemplateChoice(name="bayling_v1", opening_file=str(opening)))
    messages = [conversation.Message(role="user", content="I drink tea.")]
    form = conversation.load_template("bayling_v1", opening_file=opening)
    expected = conversation.render(messages, form, speaker.tokenizer, prompt=True).ids
    assert speaker.prompt([{"role": "user", "content": "I drink tea."}]) == expected


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"eight_bit": True}, "--load-in-8bit needs a GPU"),
        ({"device": "cuda:1"}, "finds no GPU"),
        ({"device": "gpu"}, "'gpu' is unknown"),
        ({"dtype": "bf16"}, "Known: auto, bfloat16"),
    ],
)
def test_what_this_machine_lacks_is_named(given, words, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ModelError, match=words):
        Placing(**given)


def test_eight_bits_name_the_package_that_they_need(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("reference_model.speaker.find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install 'bayling-bench\[eight-bit\]'"):
        Placing(eight_bit=True)


def command(folder, *options: str) -> list[str]:
    return [sys.executable, "-m", "reference_model.cli", "chat", str(folder), *options]


class Terminal:
    """A program on a pseudo-terminal of its own."""

    def __init__(self, words: list[str]) -> None:
        self.pid, self.screen = pty.fork()
        if not self.pid:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a background job's children are deaf to it
            os.execve(words[0], words, {**os.environ, "TERM": "dumb", "OMP_NUM_THREADS": "1"})
        self.seen = ""

    def until(self, pattern: str, seconds: float = 90.0) -> str:
        """Read until a pattern is on the screen; return what came up to it, and forget it."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.seen)):
            ready, _, _ = select.select([self.screen], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{pattern!r} did not come: {self.seen[-500:]!r}"
            self.seen += os.read(self.screen, 4096).decode("utf-8", "replace")
        before, self.seen = self.seen[: found.end()], self.seen[found.end() :]
        return before

    def type(self, text: str) -> None:
        os.write(self.screen, text.encode())

    def leave(self, seconds: float = 60.0) -> int:
        """Press Ctrl-C at the prompt until the program has ended; return its exit code.

        Once is not always enough: a signal that comes after readline wrote the prompt and before it waits for a key
        is only noticed with the next one (CPython's Modules/readline.c, readline_until_enter_or_signal).
        """
        deadline = time.monotonic() + seconds
        while True:
            assert time.monotonic() < deadline, f"it has not ended: {self.seen[-500:]!r}"
            self.type("\x03")
            try:
                while select.select([self.screen], [], [], 5.0)[0]:
                    self.seen += os.read(self.screen, 4096).decode("utf-8", "replace")
            except OSError:  # Linux's word for the end of a terminal
                return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.mark.slow
def test_on_a_terminal_ctrl_c_stops_the_answer_and_at_the_prompt_leaves(babbler):
    screen = Terminal(command(babbler, "--max-new-tokens", "50000"))
    screen.until(r"million weights in float32 on cpu, 60,000 tokens of context[\s\S]*you> ")
    screen.type("I drink tea.\n")
    screen.until(r"I drink tea\.\r?\n[\s\S]{200}")  # it streams, long before it would end
    screen.type("\x03")
    screen.until(r"\(stopped\)[\s\S]*you> ")
    screen.type("/set max-new-tokens=4\n")
    screen.until(r"max-new-tokens is 4[\s\S]*you> ")
    screen.type("And now?\n")
    screen.until(r"cut off after 4 tokens[\s\S]*you> ")
    screen.type("/help\n")
    screen.until(r"/reset +begins a new conversation[\s\S]*you> ")
    assert screen.leave() == 130


@pytest.mark.slow
def test_over_a_pipe_answers_are_plain_and_sigint_ends_it(babbler):
    asking = subprocess.Popen(
        command(babbler, "--max-new-tokens", "4"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # as above
    )  # fmt: skip
    assert asking.stdin and asking.stdout
    asking.stdin.write(b"I drink tea.\nShorter.\n/set max-new-tokens=50000\nLonger.\nnever\n")
    asking.stdin.flush()
    texts = [{"role": "user", "content": "I drink tea."}]
    first = generated(babbler, texts, 4)
    texts += [{"role": "assistant", "content": first}, {"role": "user", "content": "Shorter."}]
    expected = f"{first}\n{generated(babbler, texts, 4)}\n".encode()
    assert asking.stdout.read(len(expected)) == expected
    asking.stdout.read(50)
    asking.send_signal(signal.SIGINT)
    _, err = asking.communicate(timeout=60)
    assert asking.returncode == 130 and b"Traceback" not in err and b"you>" not in err


def test_the_verb_reads_its_options_and_tells_mistakes(babbler, tmp_path, monkeypatch, capsys):
    def told(*arguments, lines: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bayling-model", "chat", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        return code, *capsys.readouterr()

    code, out, err = told(babbler, "--max-new-tokens", 3, "--system", "Kurz.", lines="茶\n".encode())
    assert code == 0 and out.strip() and "cut off after 3 tokens" in err
    code, out, err = told(babbler, lines=b"\xff\xfe\n")
    assert code == 2 and "Line 1 of the input is not UTF-8" in err
    code, out, err = told(tmp_path / "nowhere" / "at" / "all")
    assert code == 2 and "no such folder" in err
    (babbler.parent / "broken").mkdir()
    (babbler.parent / "broken" / "config.json").write_text("{}")
    code, out, err = told(babbler.parent / "broken")
    assert code == 2 and "cannot be loaded" in err and "Traceback" not in err
