"""How much code there is: `python -m tools.count_lines [folder]`. Blank lines, comments and docstrings do not count.

The product is `src/` without `shop_testing`. Verification is `src/shop_testing` and `verification`. Benchmarks stand
aside.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from pathlib import Path

VERIFICATION = ("src/shop_testing", "verification")
PARTS = {"product": ("src",), "verification": VERIFICATION, "tests": ("tests",), "benchmarks": ("benchmarks",)}
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


def count(root: Path, folders: tuple[str, ...], without: tuple[str, ...] = ()) -> int:
    """The lines of code of all Python files below these folders."""
    left_out = [root / folder for folder in without]
    files = [file for folder in folders for file in (root / folder).rglob("*.py")]
    return sum(
        code_lines(file.read_text()) for file in files if not any(file.is_relative_to(folder) for folder in left_out)
    )


def main() -> None:
    root = Path(sys.argv[1] if sys.argv[1:] else ".")
    lines = {name: count(root, folders, VERIFICATION if name == "product" else ()) for name, folders in PARTS.items()}
    for name, number in lines.items():
        print(f"{name:12} {number:6,}")
    print(f"verification and tests / product: {(lines['verification'] + lines['tests']) / lines['product']:.2f}")


if __name__ == "__main__":
    main()
