"""`make reset`: empties the folder of everything this installation wrote.  Run with -m."""

import shutil
import sys

from portal.embedded.register import AlreadyRunning, default_var_dir, ownership


def main() -> None:
    """Delete the contents of VAR_DIR; refuses while its servers run."""
    var_dir = default_var_dir()
    if not var_dir.exists():
        return
    try:
        with ownership(var_dir=var_dir, patience=1):
            for path in var_dir.iterdir():
                # The lock goes last: until then nobody else may start.
                if path.name != "run":
                    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            shutil.rmtree(var_dir / "run")
    except AlreadyRunning as refusal:
        sys.exit(f"{refusal} Stop them first.")


if __name__ == "__main__":
    main()
