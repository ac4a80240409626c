"""What a team is sorted and searched by: one text a member, written by the database whoever changes a name.

A member is listed under the name in their own profile, else under the one the company wrote; both are found, and the
address. As one column of the row, so that a search of thousands of people reads nothing but their rows.
"""

import pgtrigger

from accounts.models import User
from accounts.spelling import PLAIN

LONGEST = 500  # characters: an entry of an index has its limit


def _listed(member: str) -> str:
    """The text of one member, `u` being their profile or nothing."""
    names = ", ".join(f"nullif(btrim({row}.last_name || ' ' || {row}.first_name), '')" for row in ("u", member))
    words = f"concat_ws(' ', {names}, u.email, nullif(nullif({member}.email, ''), u.email))"
    return f"left({PLAIN % {'expressions': words}}, {LONGEST})"


LISTED_OF_MEMBER = f"""
SELECT {_listed("NEW")} INTO NEW.listed
FROM (SELECT 1) AS one LEFT JOIN accounts_user u ON u.id = NEW.user_id;
RETURN NEW;
"""  # noqa: S608 - put together from our own names
LISTED_OF_PERSON = f"""
UPDATE organizations_membership m SET listed = {_listed("m")} FROM accounts_user u
WHERE u.id = NEW.id AND m.user_id = u.id;
RETURN NULL;
"""  # noqa: S608 - as above


class Profile(User):
    """A person's profile, for the trigger on its table: accounts knows no company."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers = [
            pgtrigger.Trigger(
                name="listed",
                operation=pgtrigger.UpdateOf("first_name", "last_name", "email"),
                when=pgtrigger.After,
                condition=pgtrigger.AnyChange("first_name", "last_name", "email"),
                func=LISTED_OF_PERSON,
            )
        ]
