"""Why a signature cannot be asked for, given or refused now: the refusals more than one service answers with."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.refusals import Refusal


class LinkUnknown(Refusal):
    sentence: str | Promise = _("This link is incomplete, or was never ours")


class NothingToSign(Refusal):
    """The request is over; its page says more."""


class AlreadySigned(NothingToSign):
    sentence: str | Promise = _("This document is already signed.")


class AlreadyDeclined(NothingToSign):
    sentence: str | Promise = _("The signature was declined.")


class RequestCancelled(NothingToSign):
    sentence: str | Promise = _("This signature is no longer asked for.")


class RequestExpired(NothingToSign):
    sentence: str | Promise = _("The time to sign is over.")


class SignerAbsent(Refusal):
    sentence: str | Promise = _("Sign in to sign: this document names the person who must.")


class SignerOther(Refusal):
    sentence: str | Promise = _("This document is for another person to sign.")
