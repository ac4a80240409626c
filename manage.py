#!/usr/bin/env python
"""Django's command line, with the embedded servers running for as long as the command."""

import os
import sys
import warnings

from django.core.management import execute_from_command_line

from portal.embedded.processes import ServiceFailed
from portal.embedded.servers import for_command


def main() -> None:
    """Run the command; a service that cannot run is one message, not a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    # makemigrations compares the files with the models; without a database it only loses a cross-check.
    warnings.filterwarnings("ignore", message="Got an error checking a consistent migration history")
    try:
        with for_command(arguments=sys.argv[1:]):
            execute_from_command_line(sys.argv)
    except ServiceFailed as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
