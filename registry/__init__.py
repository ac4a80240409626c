"""The local copy of the enterprise register. Imports nothing of ours."""
