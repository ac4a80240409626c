"""What the database itself refuses about people, whoever writes: triggers too long for a model."""

from django.conf import settings

from organizations.permissions import OPENING_ROLES

ROLES = ", ".join(f"'{role}'" for role in sorted(OPENING_ROLES))
# The day of the portal: connections are in UTC, where tomorrow begins in the evening.
TODAY = f"(now() AT TIME ZONE '{settings.TIME_ZONE}')::date"
# The last person in who can manage a company's access, for good, never leaves nor steps down: somebody whose profile is
# closed cannot. Two who leave at the same instant wait for each other at the customer's row, and the second counts
# again.
KEEPS_AN_ADMINISTRATOR = f"""
IF OLD.removed_at IS NULL AND OLD.user_id IS NOT NULL AND OLD.role IN ({ROLES}) AND OLD.ends_on IS NULL
    AND (TG_OP = 'DELETE' OR NEW.removed_at IS NOT NULL OR NEW.user_id IS NULL OR NEW.role NOT IN ({ROLES})
         OR NEW.ends_on IS NOT NULL OR NEW.starts_on > {TODAY} OR NEW.customer_id <> OLD.customer_id)
THEN
    PERFORM 1 FROM organizations_customer
        WHERE id = OLD.customer_id AND kind = 'member' AND closed_at IS NULL FOR UPDATE;
    IF FOUND AND NOT EXISTS (
        SELECT 1 FROM organizations_membership m JOIN accounts_user u ON u.id = m.user_id AND u.is_active
        WHERE m.customer_id = OLD.customer_id AND m.removed_at IS NULL
            AND m.role IN ({ROLES}) AND m.ends_on IS NULL AND (m.starts_on IS NULL OR m.starts_on <= {TODAY})
    ) THEN
        RAISE EXCEPTION 'the last administrator of customer % stays', OLD.customer_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'membership_keeps_an_administrator';
    END IF;
END IF;
RETURN NULL;
"""  # noqa: S608 - put together from our own names
