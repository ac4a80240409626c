"""The register's public ZIP, streamed into tables of their own that then take the place of the live ones."""
