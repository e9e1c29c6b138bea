"""How much code there is: `python -m tools.count_lines [folder]`. Blank lines, comments and docstrings do not count.

The product is `src/` without `shop_testing`. Verification is `src/shop_testing` and `verification`. Benchmarks stand
aside. Of `shop_http` each part is shown. `tools.check_claims` fails where there is more than `past_limits` allows.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = {
    "product": ("src/shop_core", "src/shop_adapters", "src/shop_http"),
    "verification": ("src/shop_testing", "verification"),
    "tests": ("tests",),
    "benchmarks": ("benchmarks",),
}
HTTP = "src/shop_http"
HTTP_PARTS = ("routes", "schemas", "middleware", "server", "documentation", "pages", "cli")
"""Folders; what is in none of them is "the root"."""
HTTP_SHARED = ("the root", "middleware", "server")
CHECKS_PER_LINE_MAX = 1.4
"""So many lines of verification and tests there may be for each line of the product."""
SHARED_LINES_MAX, OPERATION_LINES_MAX = 3_800, 31
"""Of `shop_http`: of what all operations share, and of the routes and schemas of one operation on the average. Decision
0029 says why."""
NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def code_lines(source: str) -> int:
    """The lines of `source` that hold a token of code."""
    lines = {
        line
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(source)):  # docstrings, those below an attribute too
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def count(folder: Path) -> int:
    """The lines of code of all Python files below a folder."""
    return sum(code_lines(file.read_text()) for file in folder.rglob("*.py"))


def count_parts(root: Path) -> dict[str, int]:
    """The lines of code of each of `PARTS`."""
    return {name: sum(count(root / folder) for folder in folders) for name, folders in PARTS.items()}


def count_http(root: Path) -> dict[str, int]:
    """The lines of code of each part of `shop_http`."""
    lines = {name: count(root / HTTP / name) for name in HTTP_PARTS}
    return {"the root": count(root / HTTP) - sum(lines.values())} | lines


def count_operations(root: Path) -> int:
    """How many operations are declared, outside of the panel."""
    declared = re.compile(r"^@(?:get|post|put|patch|delete)\(", re.MULTILINE)
    return sum(len(declared.findall(file.read_text())) for file in (root / HTTP / "routes").glob("*.py"))


def figures(root: Path) -> list[tuple[str, float, float]]:
    """What is bounded: its name, how much there is, and how much there may be."""
    parts, http, operations = count_parts(root), count_http(root), count_operations(root)
    return [
        (
            "verification and tests, for each line of the product",
            (parts["verification"] + parts["tests"]) / parts["product"],
            CHECKS_PER_LINE_MAX,
        ),
        (f"shop_http: {', '.join(HTTP_SHARED)}", sum(http[name] for name in HTTP_SHARED), SHARED_LINES_MAX),
        (
            f"shop_http: routes and schemas, for each of {operations} operations",
            (http["routes"] + http["schemas"]) / operations,
            OPERATION_LINES_MAX,
        ),
    ]


def past_limits(root: Path = ROOT) -> list[str]:
    """What is more than it may be."""
    return [
        f"{name}: {lines:,.{0 if lines > 100 else 2}f} lines; {maximum:,} are allowed"
        for name, lines, maximum in figures(root)
        if lines > maximum
    ]


def main() -> None:
    """Print the figures."""
    root = Path(sys.argv[1]) if sys.argv[1:] else ROOT
    http = {f"shop_http: {name}": lines for name, lines in count_http(root).items()}
    for name, lines in (count_parts(root) | http).items():
        print(f"{name:24} {lines:6,}")
    for name, amount, maximum in figures(root):
        print(f"{name}: {amount:,.{0 if amount > 100 else 2}f}, at most {maximum:,}")


if __name__ == "__main__":
    main()
