"""What the csv module writes to, so that rows leave as they are made."""


class Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text
