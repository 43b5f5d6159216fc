"""What is packed into a page comes back, in Python and by the page's own script, and holds no letter of markup."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayling_bench import report
from bayling_bench.report.packing import packed, unpacked

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)


@settings(max_examples=20, deadline=None)
@given(VALUES)
def test_what_is_packed_comes_back_and_holds_no_markup(value):
    text = packed(value)
    assert unpacked(text) == value
    assert not set(text) & set("<>&\"'\\\n ")


@pytest.fixture(scope="module")
def node() -> str:
    """The JavaScript engine that Playwright brings along."""
    from playwright._impl._driver import compute_driver_executable

    return str(compute_driver_executable()[0])


def test_the_pages_script_unpacks_what_python_packed(node, tmp_path):
    noise = random.Random(3)
    values = [
        "", "a", "abc" * 3000, "中文文本，" * 500, [], {"a": [1, 2.5, None, True]},
        "".join(map(chr, noise.choices(range(0x20, 0x3000), k=30_000))),  # hardly compressible: long literals
        [noise.choice(["the ferry", "渡轮", "sold", "在上周"]) * noise.randrange(9) for _ in range(9000)],
    ]  # fmt: skip
    (tmp_path / "packed.json").write_text(json.dumps([packed(value) for value in values]), "utf-8")
    script = (Path(report.__path__[0]) / "assets" / "scripts" / "packed.js").read_text("utf-8")
    script += """
    const { createHash } = require("crypto");
    const all = JSON.parse(require("fs").readFileSync(process.argv[2], "utf-8"));
    console.log(JSON.stringify(all.map((text) => createHash("sha256").update(unpackLzma(text)).digest("hex"))));
    """
    (tmp_path / "unpack.cjs").write_text(script, "utf-8")
    command = [node, tmp_path / "unpack.cjs", tmp_path / "packed.json"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    texts = [json.dumps(value, ensure_ascii=False, separators=(",", ":")) for value in values]
    assert json.loads(told) == [hashlib.sha256(text.encode()).hexdigest() for text in texts]
