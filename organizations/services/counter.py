"""What an agent decides about somebody at a counter: kept, and told to the company when it is a refusal."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from organizations import cards, lookup
from organizations.access import permissions_of, who_may_be_asked
from organizations.branches import Place
from organizations.counter import Act, Answer, Decision, Reason, as_decided
from organizations.letters import absolute, write_to
from organizations.lookup import Found
from organizations.models import Card, CounterDecision, Customer
from organizations.permissions import Permission
from organizations.refusals import Refusal

TOLD_AGAIN_AFTER = timedelta(hours=1)
SAME_CLICK = timedelta(seconds=15)


class NotOnTheList(Refusal):
    sentence: str | Promise = _("This person is nobody this merchant knows. Nothing was recorded.")


class NotAllowed(Refusal):
    sentence: str | Promise = _("This cannot be let go. %(why)s")


class AmountMissing(Refusal):
    sentence: str | Promise = _("This person has a ceiling: type the amount of the transaction, taxes included.")


class PurchaseOrderMissing(Refusal):
    sentence: str | Promise = _("The company makes a purchase order compulsory for this person: type its number.")


class CodeUsed(Refusal):
    sentence: str | Promise = _(
        "A decision was already made on this code of the card. Scan the new one the phone shows now."
    )


class CodeForgotten(Refusal):
    sentence: str | Promise = _("The card was scanned too long ago. Scan it again.")


@transaction.atomic
def record_decision(
    *,
    membership_id: int,
    place: Place,
    act: CounterDecision.Act,
    by: User,
    language: str,
    amount: Decimal | None = None,
    purchase_order: str = "",
    seen: str = "",
) -> CounterDecision:
    """Keep what the agent does about one person, judged again at this instant; the same click twice is one decision.

    Nobody is let go against the answer. A refusal is told to who may be asked for access, once an hour for one person.
    """
    found = _found_locked(membership_id, place=place)
    if (same := _same_click(membership_id, act=act, amount=amount, purchase_order=purchase_order, by=by)) is not None:
        return same
    decision = found.decision(at=place.branch, amount=amount)
    if act != Act.REFUSED:
        words = decision.sentence(person=found.name, customer=found.customer.name, language=language)
        _refuse_against(decision, act=act, amount=amount, purchase_order=purchase_order, words=words)
    row = CounterDecision(
        merchant=place.merchant,
        branch=place.branch,
        customer=found.customer,
        membership=found.membership,
        person=found.name,
        agent=by,
        answer=decision.answer,
        reason=decision.reason or (Reason.NOT_THEM if act == Act.REFUSED else Reason.NONE),
        details=decision.details if decision.reason else {},
        act=act,
        shown=_use_card(seen, membership_id=membership_id),
        amount=amount,
        purchase_order=purchase_order,
    )
    return _keep(row)


@transaction.atomic
def refuse_unlisted(*, customer: Customer, person: str, place: Place, by: User) -> CounterDecision:
    """Keep that somebody nobody entered asked in the company's name, and tell it."""
    mine = Customer.objects.filter(merchant=place.merchant).select_related("merchant")
    customer = mine.select_for_update(of=("self",)).get(pk=customer.pk)
    row = CounterDecision(
        merchant=place.merchant,
        branch=place.branch,
        customer=customer,
        person=person,
        agent=by,
        answer=Answer.NO,
        reason=Reason.UNLISTED,
        act=Act.REFUSED,
    )
    return _keep(row)


def _found_locked(membership_id: int, *, place: Place) -> Found:
    """The person as they are once nobody else writes about their customer: access may have ended while this waited."""
    found = lookup.person(merchant_id=place.merchant.pk, pk=membership_id)
    if found is None:
        raise NotOnTheList
    Customer.objects.select_for_update(of=("self",)).get(pk=found.customer.pk)
    found = lookup.person(merchant_id=place.merchant.pk, pk=membership_id) or found
    found.customer.merchant = place.merchant
    return found


def _refuse_against(
    decision: Decision, *, act: CounterDecision.Act, amount: Decimal | None, purchase_order: str, words: str
) -> None:
    if not (decision.may_rent if act == Act.RENTED else decision.may_pick_up):
        raise NotAllowed(why=words)
    if act != Act.RENTED:
        return
    if decision.ceiling is not None and amount is None:
        raise AmountMissing
    if decision.needs_purchase_order and not purchase_order:
        raise PurchaseOrderMissing


def _same_click(
    membership_id: int, *, act: CounterDecision.Act, amount: Decimal | None, purchase_order: str, by: User
) -> CounterDecision | None:
    lately = CounterDecision.objects.filter(membership=membership_id, at__gt=timezone.now() - SAME_CLICK)
    same = lately.filter(act=act, amount=amount, purchase_order=purchase_order, agent=by)
    return same.order_by("-pk").first()


def _use_card(seen: str, *, membership_id: int) -> CounterDecision.Shown:
    """Each code of a phone serves one decision: a picture of it is worth nothing after."""
    if not seen:
        return CounterDecision.Shown.NAME
    known = cards.unseal(seen)
    if known is None:
        raise CodeForgotten
    pk, step = known
    card = Card.objects.live().select_for_update(of=("self",)).filter(pk=pk, membership=membership_id).first()
    if card is None:
        raise CodeForgotten
    if card.kind == Card.Kind.PRINTED:
        return CounterDecision.Shown.PRINTED
    if step <= card.used_step:
        raise CodeUsed
    card.used_step = step
    card.save(update_fields=["used_step"])
    return CounterDecision.Shown.PHONE


def _keep(row: CounterDecision) -> CounterDecision:
    """Written with whether it is told: one letter an hour for one person. Needs the customer's lock."""
    granters = who_may_be_asked(customer=row.customer) if row.act == Act.REFUSED else []
    row.is_told = bool(granters) and not _told_lately(row)
    row.save(force_insert=True)
    why = as_decided(row=row)
    page = absolute(reverse("organizations:refusal", args=[row.customer.public_id, row.pk]))
    for granter in granters if row.is_told else []:
        person = granter.user
        if person is None:
            continue
        write_to(
            merchant=row.customer.merchant,
            to=person.email,
            template="organizations/emails/counter_refused",
            context={
                "decision": row,
                "customer": row.customer,
                "person": person,
                "why": why.sentence(
                    person=row.person,
                    customer=row.customer.name,
                    language=person.language,
                    sees_prices=Permission.VIEW_PRICES in permissions_of(customer=row.customer, user=person),
                ),
                "action_url": page,
            },
            language=person.language,
        )
    return row


def _told_lately(row: CounterDecision) -> bool:
    told = CounterDecision.objects.filter(customer=row.customer, is_told=True, at__gt=timezone.now() - TOLD_AGAIN_AFTER)
    is_same = Q(membership=row.membership_id) if row.membership_id else Q(membership=None, person__iexact=row.person)
    return told.filter(is_same).exists()
