#!/usr/bin/env python
"""Django's command line, with the embedded servers running for as long as the command."""

import os
import sys

from django.core.management import execute_from_command_line

from portal.embedded.processes import ServiceFailed
from portal.embedded.servers import for_command


def main() -> None:
    """Run the command; a service that cannot run is one message, not a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    try:
        with for_command(arguments=sys.argv[1:]):
            execute_from_command_line(sys.argv)
    except ServiceFailed as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    main()
