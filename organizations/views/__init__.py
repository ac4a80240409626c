"""Pages of this app: the ways in, and the identity of a company."""
