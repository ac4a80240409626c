"""How a page of ours becomes a printed file: one engine for every app, whatever its documents say."""
