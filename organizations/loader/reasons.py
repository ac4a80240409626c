"""Why a line was rejected, in words: one sentence a code."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

REASONS = {
    "cells": _("The header has %(known)s cells, this line has another number of them."),
    "control_character": _("It holds a control character."),
    "too_long": _("It is longer than %(known)s characters."),
    "empty": _("It is empty."),
    "unknown_code": _("It is none of: %(known)s."),
    "not_a_number": _("It is not a number written like 1234.56."),
    "not_a_whole_number": _("It is not a whole number."),
    "negative": _("It is negative."),
    "zero": _("It is zero."),
    "too_precise": _("It has more than %(known)s decimals."),
    "too_large": _("It is too large."),
    "out_of_range": _("It is outside %(known)s."),
    "not_a_date": _("It is not a date written like 2026-11-22."),
    "no_such_day": _("There is no such day."),
    "not_an_email": _("It is not an e-mail address."),
    "unknown_country": _("It is not an ISO 3166 country code of two letters."),
    "unknown_province": _("It is none of: %(known)s."),
    "not_a_postal_code": _("It is not a Canadian postal code (A1A 1A1)."),
    "neq_business_number": _(
        "This looks like a federal business number (nine digits). "
        "An NEQ has ten digits and begins with 11, 22, 33 or 88."
    ),
    "neq_not_digits": _("An NEQ holds digits only."),
    "neq_length": _("An NEQ has ten digits."),
    "neq_prefix": _("An NEQ begins with 11, 22, 33 or 88."),
    "neq_check_digit": _("The check digit of this NEQ is wrong: a digit is mistyped."),
    "repeated": _("It is already on line %(known)s of this file."),
    "not_adjacent": _("The lines of a document must follow each other: this number is also on line %(known)s."),
    "header_differs": _("The first line of this document says “%(known)s”."),
    "line_order": _("The line numbers of a document must increase."),
    "too_many_lines": _("A document has at most %(known)s lines."),
    "unknown_customer": _("No customer has this number."),
    "unknown_branch": _("No branch has this code or name."),
    "due_before_issue": _("It is before the date of the document, %(known)s."),
    "corrects_not_allowed": _("Only a credit note corrects an invoice."),
    "corrects_missing": _("There is no such invoice, or it was rejected."),
    "corrects_other_customer": _("It is an invoice of another customer."),
    "differs_from_computed": _("The lines give %(known)s."),
    "issued_differently": _(
        "It is already issued with other content. An issued document is never edited: send a credit note."
    ),
    "recorded_differently": _("It is already recorded with other content. A payment is never edited."),
    "not_an_allocation": _("It is not written like number:amount;number:amount."),
    "allocated_beyond_payment": _("The allocations are more than the payment, %(known)s."),
    "allocated_beyond_invoice": _("Only %(known)s is open on this invoice."),
    "allocated_to_missing": _("There is no such invoice."),
    "allocated_to_other_customer": _("It is an invoice of another customer."),
    "unknown_topic": _("No topic has this code."),
    "topic_closed": _("This topic is closed: nobody can subscribe to it any more."),
    "no_implied": _("The topic “%(known)s” takes express consent only."),
    "in_future": _("It is in the future."),
    "consent_expired": _("This implied consent has ended, on %(known)s."),
    "consent_withdrawn": _(
        "This person left the newsletter: no file brings them back. They subscribe again themselves, or ask an agent."
    ),
    "suppressed": _("This address bounced or complained: nothing is sent to it."),
    "not_a_member": _("This customer is not a member company: only those have a team."),
    "access_ended": _("The access of this person was ended. Give it again in the portal, not by import."),
    "managed_by_company": _("It is %(known)s: the company itself manages the access of this person, in its space."),
    "ends_before_start": _("It is before the first day, %(known)s."),
}


def sentence(*, code: str, known: str = "") -> str:
    """The reason in the language of the command."""
    return str(REASONS[code]) % {"known": known}
