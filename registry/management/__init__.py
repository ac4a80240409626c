"""Commands of registry."""
