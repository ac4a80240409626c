"""PostgreSQL and Valkey as child processes, for a machine that has neither.

Nothing here imports Django: the settings call environment() before anything else.
"""

from portal.embedded.register import default_var_dir, environment

__all__ = ["default_var_dir", "environment"]
