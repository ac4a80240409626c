"""Keeping the bytes of a file where a row says they are. Who may read them is for the app that has them."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import Storage


def store(*, storage: Storage, path: str, content: bytes) -> None:
    """Put the bytes at exactly this path, whole or not at all, over what may be there."""
    try:
        target = Path(storage.path(path))
    except NotImplementedError:  # object storage: its settings overwrite, and a put is atomic there
        storage.save(path, ContentFile(content))
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f".{target.name}.*"):  # by a worker killed while it wrote
        left.unlink(missing_ok=True)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
