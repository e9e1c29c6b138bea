"""The command line; only what is needed is imported."""

from __future__ import annotations

import sys


def run() -> None:
    """The program `shop`, also where its extras are not installed: then it says which to install."""
    try:
        from shop_http.cli.main import main
    except ModuleNotFoundError as missing:
        sys.exit(f"shop: the Python package {missing.name} is not installed: pip install 'shop-no-oversell[all]'")
    main()
