"""PostgreSQL and Valkey as child processes, for a machine that has neither.

Nothing here imports Django: the settings call environment() before anything else.
"""

from portal.embedded.register import environment, var_dir

__all__ = ["environment", "var_dir"]
