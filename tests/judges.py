"""What a PDF says, and the judge of how it is made."""

from __future__ import annotations

import io
import os
import re
import subprocess
from pathlib import Path

import pytest
from pypdf import PdfReader

ROOT = Path(__file__).resolve().parents[1]
JUDGE = Path(os.environ.get("PDF_CHECK") or ROOT.parent / "shared" / "tools" / "pdf_check")


def text_of(content: bytes) -> str:
    """What a reader finds in the file, page after page, spaces of any kind as one."""
    pages = (page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    return re.sub(r"\s+", " ", "\n".join(pages))


def pages_of(content: bytes) -> list[str]:
    return [re.sub(r"\s+", " ", page.extract_text()) for page in PdfReader(io.BytesIO(content)).pages]


def judged(*, flavour: str, files: list[Path]) -> tuple[bool, str]:
    """Whether veraPDF accepts every file, and what it said; skips where the judge is not installed."""
    if not JUDGE.exists():
        pytest.skip(
            f"veraPDF is not here: set PDF_CHECK to its command (looked for {JUDGE.name} beside the repository)"
        )
    said = subprocess.run(
        [str(JUDGE), flavour, *map(str, files)], capture_output=True, text=True, check=False, timeout=240
    )
    return said.returncode == 0, said.stdout + said.stderr
