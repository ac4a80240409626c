"""A company asks the credit desk about a refusal at a counter; an agent answers. One question for each refusal."""

from __future__ import annotations

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from organizations import audit
from organizations.counter import as_decided
from organizations.letters import absolute, write_to
from organizations.models import AuditEvent, CounterCase, CounterDecision
from organizations.readers import readers_of
from organizations.refusals import Refusal
from organizations.services.mandates import lock_customer

Event = AuditEvent.Event


class NotRefused(Refusal):
    sentence: str | Promise = _("Nobody was refused there: there is nothing to ask.")


class AnswerMissing(Refusal):
    sentence: str | Promise = _("Write the answer: whoever asked reads it.")


class AlreadyAnswered(Refusal):
    sentence: str | Promise = _("Somebody already answered this question. Nothing was changed.")


@transaction.atomic
def open_case(*, decision: CounterDecision, message: str, by: User) -> CounterCase:
    """Ask about one refusal, and write to the credit desk; the second press finds it open and changes nothing."""
    customer = lock_customer(pk=decision.customer_id)  # two presses come one after the other
    if decision.act != CounterDecision.Act.REFUSED:
        raise NotRefused
    known = CounterCase.objects.select_related("asked_by", "answered_by").filter(decision=decision).first()
    if known is not None:
        return known
    decision.customer = customer
    case = CounterCase.objects.create(decision=decision, message=message.strip(), asked_by=by)
    audit.record(event=Event.CASE_OPENED, customer=customer, by=by, person=decision.person, case=case.pk)
    language = customer.language
    write_to(
        merchant=customer.merchant,
        to=customer.merchant.email,
        template="organizations/emails/case_opened",
        context={
            "customer": customer,
            "case": case,
            "decision": decision,
            "why": why_refused(decision=decision, language=language),
            "action_url": absolute(reverse("admin:organizations_countercase_change", args=[case.pk])),
        },
        language=language,
    )
    return case


@transaction.atomic
def answer_case(*, case: CounterCase, answer: str, by: User) -> CounterCase:
    """The desk answers, which closes it; whoever asked, or who took over from them, is written to.

    Raises AnswerMissing, AlreadyAnswered.
    """
    if not (answer := answer.strip()):
        raise AnswerMissing
    rows = CounterCase.objects.select_for_update(of=("self",))
    case = rows.select_related("decision__customer__merchant", "decision__branch", "asked_by").get(pk=case.pk)
    if case.answered_at is not None:
        raise AlreadyAnswered
    case.answer, case.answered_at, case.answered_by = answer, timezone.now(), by
    case.save(update_fields=["answer", "answered_at", "answered_by"])
    decision, customer = case.decision, case.decision.customer
    audit.record(event=Event.CASE_ANSWERED, customer=customer, by=by, person=decision.person, case=case.pk)
    for person in readers_of(customer=customer, asked_by=case.asked_by):
        write_to(
            merchant=customer.merchant,
            to=person.email,
            template="organizations/emails/case_answered",
            context={
                "customer": customer,
                "case": case,
                "decision": decision,
                "person": person,
                "action_url": page_of_refusal(decision=decision),
            },
            language=person.language,
        )
    return case


def page_of_refusal(*, decision: CounterDecision) -> str:
    """Where a letter leads."""
    return absolute(reverse("organizations:refusal", args=[decision.customer.public_id, decision.pk]))


def why_refused(*, decision: CounterDecision, language: str, sees_prices: bool = True) -> str:
    """The reason in words, as the counter said it that day."""
    said, company = as_decided(row=decision), decision.customer.name
    return said.sentence(person=decision.person, customer=company, language=language, sees_prices=sees_prices)
