from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayling_bench.display.text import interval, number, visible, visible_all

# the controls of UAX #9 that open or close an embedding, an override or an isolate
BIDI_CONTROLS = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}


@given(st.text(st.characters(), max_size=200))
def test_visible_text_can_be_written_and_hides_nothing(text):
    shown = visible(text)
    shown.encode("utf-8")  # lone surrogates would raise
    assert not {c for c in shown if unicodedata.category(c) in ("Cc", "Cs")} - {"\n", "\t"}
    assert not {c for c in shown if unicodedata.bidirectional(c) in BIDI_CONTROLS}


def test_ordinary_text_of_any_script_stays_as_it_is():
    text = "naïve 中文，日本語 हिन्दी فارسی‌ها 👩‍🔬\n\tx"
    assert visible(text) == text


def test_what_replaces_the_unseen():
    assert visible("a\x00b\r\n\r") == "a⟨U+0000⟩b\n⟨U+000D⟩"
    assert visible("\u202e\ud800") == "⟨U+202E⟩⟨U+D800⟩"


def test_whole_records_become_plain_json():
    shown = visible_all({"\ud800": ["\x00", 1, None, True, float("nan"), float("-inf")]})
    assert json.loads(json.dumps(shown, allow_nan=False)) == {"⟨U+D800⟩": ["⟨U+0000⟩", 1, None, True, "nan", "-inf"]}


@pytest.mark.parametrize(("value", "shown"), [(20.1234567, "20.12"), (0.0, "0.00"), (-0.001, "0.00"), (None, "—")])
def test_numbers(value, shown):
    assert number(value) == shown


def test_intervals():
    assert interval(19.3834, 20.8634) == "[19.4, 20.9]"
    assert interval(0.0, 0.0436) == "[0.00, 0.04]"  # one decimal would say that it is nothing
    assert interval(None, None) == ""
