"""`make mutants`: each small change of connector/decide that none of its tests notices.

A copy of the project in build/mutants/tree is changed, never the project itself. A change that
nothing notices is a missing test, or makes no difference: then docs/mutants.md says why, with the
changed line in it. 1 where there is one that it does not explain.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
BUILD = PROJECT / "build" / "mutants"
TREE = BUILD / "tree"
TOOLS = BUILD / "venv" / "bin"
CONFIGURATION = "tests/decide/mutants.toml"
SESSION = "../session.sqlite"
EXPLAINED = PROJECT / "docs" / "mutants.md"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: where it is, the line as it became, and whether a test failed."""

    module: str
    line: int
    changed: str
    killed: bool


def run() -> list[Mutant]:
    """Make them and try them all, one at a time; takes a quarter of an hour.

    Raises:
        CalledProcessError: the tool failed, or the tests do as they are.
    """
    shutil.rmtree(TREE, ignore_errors=True)
    (BUILD / "session.sqlite").unlink(missing_ok=True)
    for name in ("connector", "tests"):
        without = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / name, TREE / name, ignore=without)
    shutil.copy(PROJECT / "pyproject.toml", TREE)
    _tool("cosmic-ray", "init", CONFIGURATION, SESSION)
    _tool("cr-filter-operators", SESSION, CONFIGURATION)
    _tool("cosmic-ray", "baseline", CONFIGURATION)
    _tool("cosmic-ray", "exec", CONFIGURATION, SESSION)
    told = [json.loads(line) for line in _tool("cosmic-ray", "dump", SESSION).splitlines()]
    return [_mutant(item, result) for item, result in told if not _is_left_out(result)]


def _tool(name: str, *arguments: str) -> str:
    command = [str(TOOLS / name), *arguments]
    return subprocess.run(command, cwd=TREE, stdout=subprocess.PIPE, text=True, check=True).stdout


def _is_left_out(result: dict[str, Any] | None) -> bool:
    """Whether mutants.toml leaves its kind out."""
    return result is None or result["worker_outcome"] == "skipped"


def _mutant(item: dict[str, Any], result: dict[str, Any]) -> Mutant:
    (mutation,) = item["mutations"]
    lines = (result["diff"] or "").splitlines()
    added = [line[1:].strip() for line in lines if line[:1] == "+" and line[:3] != "+++"]
    return Mutant(
        module=mutation["module_path"],
        line=mutation["start_pos"][0],
        changed=" ".join(added),
        killed=result["test_outcome"] == "killed",
    )


def main() -> int:
    """1 where a change that nothing notices is not explained."""
    mutants = run()
    if not mutants:
        print("no mutant was made", file=sys.stderr)
        return 1
    every = Counter(mutant.module for mutant in mutants)
    left = [mutant for mutant in mutants if not mutant.killed]
    survived = Counter(mutant.module for mutant in left)
    print(f"{'module':<32} {'mutants':>8} {'killed':>8} {'survived':>9}")
    for module, number in sorted(every.items()):
        alive = survived[module]
        print(f"{module:<32} {number:>8} {number - alive:>8} {alive:>9}")
    print(f"{'':<32} {len(mutants):>8} {len(mutants) - len(left):>8} {len(left):>9}")
    page = EXPLAINED.read_text(encoding="utf-8")
    unexplained = [mutant for mutant in left if f"`{mutant.changed}`" not in page]
    for mutant in unexplained:
        print(f"{mutant.module}:{mutant.line}: no test notices `{mutant.changed}`")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
