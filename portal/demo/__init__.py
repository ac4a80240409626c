"""An equipment rental in Québec that does not exist: two merchants, their customers, eighteen months of invoices."""

from portal.demo.counter import tell_counter
from portal.demo.story import PASSWORD, tell
from portal.demo.team import tell_team

__all__ = ("PASSWORD", "tell", "tell_counter", "tell_team")
