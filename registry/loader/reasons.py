"""Why a record was rejected, and why a ZIP cannot be used, in words: one sentence a code."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from registry.loader.flaws import Flaw, Unusable

RECORD = {
    "cells": _("The header has %(known)s cells, this record has %(value)s."),
    "control_character": _("It holds a control character."),
    "empty": _("It is empty."),
    "too_long": _("It is longer than %(known)s characters."),
    "unknown_code": _("It is none of: %(known)s."),
    "not_a_date": _("It is not a date written like 2026-11-22."),
    "no_such_day": _("There is no such day."),
    "neq_business_number": _("It is a federal business number, not an NEQ."),
    "neq_not_digits": _("An NEQ holds digits only."),
    "neq_length": _("An NEQ has ten digits."),
    "neq_prefix": _("An NEQ begins with 11, 22, 33 or 88."),
    "neq_check_digit": _("The check digit of this NEQ is wrong: a digit is mistyped."),
    "repeated": _("This NEQ is already in this file: its first record was taken."),
    "unknown_neq": _("No enterprise of this edition has this NEQ."),
}
ZIP = {
    "not_a_zip": _("This is not a ZIP, or not all of it (%(error)s)."),
    "no_member": _("The ZIP holds no %(name)s."),
    "two_members": _("The ZIP holds more than one %(name)s: %(names)s."),
    "truncated": _("%(name)s cannot be unpacked to its end (%(error)s). Download the ZIP again."),
    "locked": _("%(name)s cannot be unpacked (%(error)s)."),
    "empty_member": _("%(name)s is empty, or begins with an empty line: a header is required."),
    "missing_columns": _("%(name)s lacks these columns: %(columns)s. Has the register changed its files?"),
    "not_utf8": _("%(name)s, line %(line)s: this is not UTF-8."),
    "not_csv": _("%(name)s, line %(line)s: this record does not end. Is a quote left open?"),
    "too_many_rejects": _("More than %(count)s records cannot be taken: this is not the register as we know it."),
    "no_enterprises": _("The ZIP holds no enterprise."),
    "no_names": _("The ZIP holds no name of its enterprises."),
    "no_date": _("The ZIP does not say when it was published (%(day)s). Say it: --published-on YYYY-MM-DD."),
    "older": _("This edition, of %(day)s, is older than the current one, of %(current)s."),
    "already_running": _("Another import of the register is running."),
    "depended_on": _("Something else in the database is made of the tables of the register: %(error)s"),
    "readers_stay": _("The register is being read without a pause. Try again later."),
}


def sentence(flaw: Flaw) -> str:
    """The reason in the language of the command."""
    return str(RECORD[flaw.code]) % {"known": flaw.known, "value": flaw.value}


def refusal(error: Unusable) -> str:
    """Why nothing was imported, in the language of the command."""
    return str(ZIP[error.code]) % error.values
