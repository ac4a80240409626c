"""What no document or payment may hold, checked before the database would refuse it less politely."""

from __future__ import annotations

import unicodedata
from decimal import Decimal

from django.db.models import CharField, DecimalField, Model
from django.utils.functional import lazy
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts import formats
from organizations.refusals import Refusal

UNPRINTABLE = {"Cc", "Cs"}  # control characters and halves of a pair, as Unicode classes them


class TextMissing(Refusal):
    """A text no document goes without."""

    sentence = _("“%(field)s” is empty.")


class TextTooLong(Refusal):
    """A text longer than its column."""

    sentence = _("“%(field)s” has %(length)d characters; at most %(limit)d fit.")


class TextUnprintable(Refusal):
    """A text with characters no document can print."""

    sentence = _("“%(field)s” holds a character that cannot be printed.")


class DocumentNumberUnfit(Refusal):
    """A number that no address can hold."""

    sentence = _("“%(number)s” cannot be the number of a document.")


class NotANumber(Refusal):
    sentence = _("“%(field)s” is not a number: %(number)s.")


class NegativeNumber(Refusal):
    sentence = _("“%(field)s” cannot be negative: %(number)s.")


class TooManyDecimals(Refusal):
    sentence = _("“%(field)s” has too many decimal places: %(number)s.")


class NumberTooLarge(Refusal):
    sentence = _("“%(field)s” is too large: %(number)s.")


def _in_money(amount: Decimal) -> str:
    return formats.money(amount, get_language() or "fr-ca")


# For the sentence of a refusal, in the language of whoever reads it.
in_money = lazy(_in_money, str)


def refuse_unfit_text(*, model: type[Model], **texts: str) -> None:
    """Refuse what does not fit the model's columns of these names."""
    for name, text in texts.items():
        column = model._meta.get_field(name)  # noqa: SLF001 - the documented way to read a model
        assert isinstance(column, CharField)  # noqa: S101 - tells the type
        limit = column.max_length or 0
        if len(text) > limit:
            raise TextTooLong(field=column.verbose_name, length=len(text), limit=limit)
        if any(unicodedata.category(character) in UNPRINTABLE for character in text):
            raise TextUnprintable(field=column.verbose_name)


def refuse_missing_text(*, model: type[Model], **texts: str) -> None:
    """Refuse what is empty, or does not fit the model's columns of these names."""
    for name, text in texts.items():
        if not text.strip():
            raise TextMissing(field=getattr(model._meta.get_field(name), "verbose_name", name))  # noqa: SLF001 - same
    refuse_unfit_text(model=model, **texts)


def refuse_unfit_document_number(*, model: type[Model], number: str) -> None:
    """A number is a name in an address: no space around it, and no part that an address would swallow."""
    refuse_missing_text(model=model, number=number)
    if number != number.strip() or {"", ".", ".."} & set(number.split("/")):
        raise DocumentNumberUnfit(number=number)


def refuse_unfit_numbers(*, model: type[Model], **numbers: Decimal) -> None:
    """Refuse a negative number, or one with more places or digits than the column keeps."""
    for name, number in numbers.items():
        column = model._meta.get_field(name)  # noqa: SLF001 - the documented way to read a model
        assert isinstance(column, DecimalField)  # noqa: S101 - tells the type
        words = {"field": column.verbose_name, "number": f"{number:f}"}
        if not number.is_finite():
            raise NotANumber(**words)
        if number < 0:
            raise NegativeNumber(**words)
        exponent = number.normalize().as_tuple().exponent
        if isinstance(exponent, int) and -exponent > column.decimal_places:
            raise TooManyDecimals(**words)
        if number >= Decimal(10) ** (column.max_digits - column.decimal_places):
            raise NumberTooLarge(**words)
