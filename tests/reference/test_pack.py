"""Packing: nothing is lost, nothing overlaps, labels are the next tokens, and the order belongs to the seed."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_model import settings
from reference_model.conversation import load_template
from reference_model.errors import TrainingError
from reference_model.network import make_tokenizer
from reference_model.pack import IGNORED, Rows, Tokens, assemble, describe, pack, read_tokens, tokenize


def made_up_tokens(lengths, seed=0) -> Tokens:
    draw = np.random.default_rng(seed)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    ids = draw.integers(1, 50, starts[-1]).astype(np.uint32)
    return Tokens(ids, draw.random(starts[-1]) < 0.5, starts, {})


@given(st.lists(st.integers(1, 40), min_size=1, max_size=200))
def test_every_conversation_is_in_one_row_and_no_row_is_too_long(lengths):
    rows = pack(lengths, 40)
    assert sorted(index for row in rows for index in row) == list(range(len(lengths)))
    assert all(0 < sum(lengths[index] for index in row) <= 40 for row in rows)
    sums = sorted(sum(lengths[index] for index in row) for row in rows)
    assert len(rows) == 1 or sums[0] + sums[1] > 40  # two rows that fit into one would be waste


def test_rows_are_laid_end_to_end_with_labels_one_ahead_and_positions_from_zero():
    tokens = Tokens(
        np.array([5, 6, 7, 8, 9], dtype=np.uint32), np.array([0, 1, 1, 0, 1], dtype=bool), np.array([0, 3, 5]), {}
    )
    block = assemble(tokens, [[1, 0], [0]], 6, padding=99)
    assert block.ids.tolist() == [[8, 9, 5, 6, 7, 99], [5, 6, 7, 99, 99, 99]]
    assert block.labels.tolist() == [[9, -100, 6, 7, -100, -100], [6, 7, -100, -100, -100, -100]]
    assert block.positions.tolist() == [[0, 1, 0, 1, 2, 0], [0, 1, 2, 0, 1, 2]]
    assert (block.tokens, block.learned, block.visible) == (8, 5, (1 + 2) + (1 + 2 + 3) * 2)


def test_the_order_is_endless_and_belongs_to_the_seed():
    tokens = made_up_tokens(np.random.default_rng(1).integers(3, 30, 300))
    rows, again, other = Rows(tokens, 64, 1), Rows(tokens, 64, 1), Rows(tokens, 64, 2)
    first = len(rows.one_pass(0))
    listed = [rows[index] for index in range(2 * first)]
    assert [again[index] for index in reversed(range(2 * first))] == listed[::-1]
    assert [other[index] for index in range(first)] != listed[:first]
    assert sorted(index for row in listed[:first] for index in row) == list(range(300))
    assert listed[:first] != listed[first:]
    assert rows.count(2.0) == first + len(rows.one_pass(1))
    assert rows.count(0.5) == first // 2
    assert "300 conversations" in describe(rows)


def test_rows_of_real_conversations_are_nearly_full(small_data, tmp_path, chatml_tokenizer):
    tokenize(small_data / "conversations.jsonl", load_template("chatml"), chatml_tokenizer, 1024, tmp_path / "tokens")
    tokens = read_tokens(tmp_path / "tokens")
    rows = Rows(tokens, 1024, 1).one_pass(0)
    assert tokens.counts["conversations"] == 300
    assert tokens.lengths.sum() / (len(rows) * 1024) > 0.9  # four or five to a row, so no packing fills them all


def talk(*contents):
    return json.dumps(
        {"messages": [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(contents)]}
    )


def test_long_conversations_are_cut_after_a_turn_and_hopeless_ones_counted(tmp_path, chatml_tokenizer):
    lines = [talk("a", "b"), talk("a", "b", "c", "d " * 100), talk("a " * 100, "b"), talk("a<|im_end|>", "b")]
    (tmp_path / "c.jsonl").write_text("\n".join(lines), encoding="utf-8")
    tokenize(tmp_path / "c.jsonl", load_template("chatml"), chatml_tokenizer, 64, tmp_path / "tokens")
    tokens = read_tokens(tmp_path / "tokens")
    assert tokens.counts["read"] == 4 and tokens.counts["conversations"] == 2 and tokens.counts["cut"] == 1
    assert tokens.counts["left out: too long"] == 1
    assert sum("holds <|im_end|>" in what for what in tokens.counts) == 1
    one, two = (tokens.ids[tokens.starts[i] : tokens.starts[i + 1]].tolist() for i in (0, 1))
    assert one == two
    assert assemble(tokens, [[0]], 64, 0).learned == int(tokens.mask[: tokens.starts[1]].sum())
    assert (assemble(tokens, [[0]], 64, 0).labels != IGNORED).any()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty"),
        ("{}", "c.jsonl:1: is not a conversation"),
        (talk("a", 3), "c.jsonl:1: is not a conversation"),
        (talk("a " * 99, "b"), "1 left out: too long"),
    ],
)
def test_nothing_to_train_on_is_an_error(text, words, tmp_path, chatml_tokenizer):
    (tmp_path / "c.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(TrainingError, match=words):
        tokenize(tmp_path / "c.jsonl", load_template("chatml"), chatml_tokenizer, 64, tmp_path / "tokens")
    assert not (tmp_path / "tokens").exists()


def test_a_tokenizer_is_not_trained_on_what_is_no_conversation(tmp_path, small_config):
    (tmp_path / "c.jsonl").write_text(talk("a", "b") + "\n{}\n", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"c\.jsonl:2: is not a conversation"):
        make_tokenizer(settings.load(str(small_config)), tmp_path / "c.jsonl")


def test_damaged_tokens_are_named(tmp_path, chatml_tokenizer):
    (tmp_path / "c.jsonl").write_text(talk("a", "b"), encoding="utf-8")
    tokenize(tmp_path / "c.jsonl", load_template("chatml"), chatml_tokenizer, 64, tmp_path / "tokens")
    (tmp_path / "tokens" / "ids.npy").write_bytes(b"")
    with pytest.raises(TrainingError, match=r"tokens is damaged .*--resume makes it again"):
        read_tokens(tmp_path / "tokens")
