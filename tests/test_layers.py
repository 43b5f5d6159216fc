"""The architecture holds: one straight line of modules, each of which knows only what comes before it."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("bayling_bench", "reference_model")

LINE = (
    "errors", "workers",                                    # what anything may need
    "config", "prompts", "documents", "display",            # words and settings
    "data", "task_index", "listing",                        # what is asked
    "journal", "models", "multi_turn", "evaluate",          # asking it
    "replay", "scoring", "statistics",                      # what came of it
    "signatures", "scores",
    "provenance", "record", "comet", "plan", "run",         # a whole run
    "estimate", "judge",                                    # what one would take; its answers judged
    "leaderboard", "compare", "audit", "ranking", "report", # reading runs
    "reproduce",                                            # the reference model made, run and read
    "terminal", "commands", "cli",                          # showing them
)  # fmt: skip
"""A module, or a package whose modules may also import each other, imports only from what stands before it here."""

SCORING_MAY_IMPORT = ("errors", "workers", "scoring")
MODEL_LIBRARIES = {"torch", "transformers", "lm_eval", "datasets", "accelerate", "vllm", "openai"}


def _modules() -> dict[str, Path]:
    """Return every module of our packages by its dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            found[".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")] = path
    return found


MODULES = _modules()


@cache
def imports(module: str) -> frozenset[str]:
    """Return what a module imports anywhere in it, also inside functions: our modules by name, others as written."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{module}: relative import in line {node.lineno}"
            whole = [f"{node.module}.{name.name}" for name in node.names]
            found |= {name if name in MODULES else node.module for name in whole}
    return frozenset(found)


def room(module: str) -> str | None:
    """Return the place of a module of bayling_bench on the line; None for the package itself and other packages."""
    package, _, rest = module.partition(".")
    return rest.partition(".")[0] or None if package == "bayling_bench" else None


def rooms_imported(module: str) -> set[str]:
    return {place for name in imports(module) if (place := room(name))}


def test_every_module_has_a_place_on_the_line():
    assert {place for module in MODULES if (place := room(module))} <= set(LINE)
    assert len(LINE) == len(set(LINE))


@pytest.mark.parametrize("module", [name for name in MODULES if room(name)])
def test_a_module_imports_only_from_modules_earlier_on_the_line(module: str):
    place = LINE.index(str(room(module)))
    later = {name for name in rooms_imported(module) - {room(module)} if LINE.index(name) > place}
    assert not later, f"{module} imports {', '.join(sorted(later))}, which come after it"


def test_no_modules_import_each_other_in_a_circle():
    graph = {module: imports(module) & MODULES.keys() - {module, "bayling_bench"} for module in MODULES}
    assert len(list(TopologicalSorter(graph).static_order())) >= len(MODULES) - 1  # raises CycleError


@pytest.mark.parametrize("module", [name for name in MODULES if room(name) == "scoring"])
def test_scoring_knows_neither_models_nor_runs(module: str):
    assert rooms_imported(module) <= set(SCORING_MAY_IMPORT)
    assert not {name.partition(".")[0] for name in imports(module)} & MODEL_LIBRARIES


@pytest.mark.parametrize(("one", "other"), [PACKAGES, PACKAGES[::-1]])
def test_the_harness_and_the_reference_model_never_import_each_other(one: str, other: str):
    importers = [
        module
        for module in MODULES
        if module.partition(".")[0] == one and any(name.partition(".")[0] == other for name in imports(module))
    ]
    assert not importers


FOREIGN = {
    "a path of one machine": re.compile(r"(?<![\w.~$}/-])/(?:work|root|tmp|opt|home|Users)\b"),
    "a package registry's host": re.compile(
        r"\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org|anaconda\.org|download\.pytorch\.org)\b"
        r"|(?:index-url|find-links)[ =]+\S*(?:/|file:)"
    ),
}


def project_files() -> list[Path]:
    """Return the files that git has or would take in."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("what", FOREIGN)
def test_no_project_file_holds(what: str):
    files = project_files()
    assert ROOT / "pyproject.toml" in files
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in files
        if path.suffix not in (".png", ".jpg", ".webp")
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1)
        if FOREIGN[what].search(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a path of one machine", 'ROOT = Path("/' + 'home/anna/models")'),
        ("a path of one machine", "cd /" + "root/checkout"),
        ("a package registry's host", "https://pyp" + "i.org/simple/torch"),
        ("a package registry's host", "pip install --find" + "-links=/wheels torch"),
    ],
)
def test_what_must_not_be_held_is_recognised(what: str, line: str):
    assert FOREIGN[what].search(line)
