"""The ZIP: which of its members is which file, when it was published, its digest."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from pathlib import Path, PurePosixPath

from registry.loader.flaws import Unusable

# What a ZIP says of a file whose date nobody gave.
NO_DATE = date(1980, 1, 1)


class File(StrEnum):
    """The files of the register, by the beginning of their names: real ones are plural, the guide's are not."""

    ENTERPRISES = "Entreprise"
    NAMES = "Nom"
    ESTABLISHMENTS = "Etablissement"
    MERGERS = "FusionScission"
    CONTINUATIONS = "ContinuationTransformation"
    LABELS = "DomaineValeur"

    @property
    def pattern(self) -> re.Pattern[str]:
        """Each word singular or plural, then anything that does not prolong the word."""
        words = re.findall("[A-Z][a-z]+", self.value)
        return re.compile("".join(f"{word}s?" for word in words) + r"(?![a-z]).*\.csv", re.IGNORECASE)


# Without its names an edition verifies nobody. The others may be absent.
REQUIRED = (File.ENTERPRISES, File.NAMES)


class Archive:
    """An open ZIP whose members are known."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.members = {file: member for file in File if (member := self._member(file)) is not None}
        for file in REQUIRED:
            if file not in self.members:
                raise Unusable("no_member", name=f"{file}*.csv")

    def _member(self, file: File) -> zipfile.ZipInfo | None:
        found = [member for member in self.archive.infolist() if _is_data(member, file.pattern)]
        if len(found) > 1:
            raise Unusable("two_members", name=f"{file}*.csv", names=", ".join(member.filename for member in found))
        return found[0] if found else None

    @property
    def size(self) -> int:
        """Bytes there are to read, unpacked."""
        return sum(member.file_size for member in self.members.values())

    @property
    def published_on(self) -> date | None:
        """The day of its newest file; None when the ZIP does not say."""
        newest = max((member.date_time for member in self.members.values()), default=(1980, 1, 1))
        try:
            day = date(*newest[:3])
        except ValueError:
            return None
        return None if day == NO_DATE else day


def _is_data(member: zipfile.ZipInfo, pattern: re.Pattern[str]) -> bool:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    # A Mac puts a shadow of each file beside it.
    return not member.is_dir() and pattern.fullmatch(path.name) is not None and "__MACOSX" not in path.parts


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """The ZIP, its members found; Unusable when it is none or lacks what we need, and when reading it fails."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield Archive(archive)
    except zipfile.BadZipFile as error:
        raise Unusable("not_a_zip", error=error) from error


def digest(path: Path) -> str:
    """The SHA-256 of the ZIP itself."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
