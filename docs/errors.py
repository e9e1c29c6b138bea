"""Writes docs/errors.md from the refusals in the code: `python docs/errors.py`."""

from __future__ import annotations

from pathlib import Path

import shop_http.app  # with everything that refuses
import shop_http.documentation.error_reference

PAGE = Path(__file__).with_suffix(".md")

if __name__ == "__main__":
    PAGE.write_text(shop_http.documentation.error_reference.markdown())
