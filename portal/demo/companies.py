"""Companies of the demo declare themselves and are decided, one for each verdict, around two editions."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from allauth.account.models import EmailAddress
from django.utils import timezone

from accounts.models import User
from organizations.models import Customer, Membership, Verification
from organizations.permissions import Role
from organizations.services.observations import record_observation
from organizations.services.recognition import recognize
from organizations.services.verification import (
    ask_for_more,
    refuse_organization,
    submit_identity,
    verify_organization,
)
from organizations.services.watch import watch_register
from portal.demo import register
from registry.models import Edition


class Declaration(NamedTuple):
    """What a customer, by its number, declares; by whom when it has no person yet."""

    number: str
    legal_name: str
    neq: str
    administrator: str
    note: str = ""


VERIFIED = [
    Declaration("10482", "Acme Construction inc.", "1170000005", "Alice Tremblay"),
    Declaration("10977", "Globex ltée", "3370000005", "Charlie Roy"),
    Declaration("11111", "Charpentes du Fjord inc.", "1170000039", "Luc Morin"),
]
REFUSED = Declaration("11037", "Excavation Beauchemin ltée", "1170000021", "Sylvie Lapointe")
QUESTIONED = Declaration("11148", "Pavages Rive-Sud inc.", "1170000047", "Rémi Dubé")
WAITING = [
    Declaration("30001", "Rénovations Noname", "2270000005", "Nadia Bouchard"),
    Declaration("11000", "Toitures Gauthier et fils inc.", "1170000013", "Paul Gauthier", "Le nom vient de changer."),
    Declaration("11074", "Maçonnerie Saint-Jean inc.", "1170000062", "Yves Côté", "Immatriculée la semaine dernière."),
    Declaration("11259", "Paysages Verdure s.e.n.c.", "3370000013", "Anne Roy"),
    Declaration("11777", "Festival des Lumières", "2200000018", "Jo Beaulieu"),
]  # fmt: skip


def declare_all() -> None:
    """Declare, decide, then import the next edition and notice what it changed; nothing where a register is loaded."""
    if Edition.objects.current() is not None:
        return
    today = timezone.localdate()
    register.load(published_on=today - timedelta(days=24))
    agent = User.objects.get(email="sam@boreal.example")
    for declaration in VERIFIED:
        verify_organization(verification=_declare(declaration), by=agent)
    refused = _declare(REFUSED)
    _observe(refused, by=agent)
    words = "Le nom en vigueur au registre est « Excavation Beauchemin Mirabel ltée »."
    refuse_organization(verification=refused, reasons=["name"], words=words, by=agent)
    ask_for_more(verification=_declare(QUESTIONED), words="L’entreprise est radiée : laquelle la remplace?", by=agent)
    register.load(published_on=today - timedelta(days=9), is_second=True)
    for declaration in WAITING:
        _declare(declaration)
    watch_register()


def _declare(declaration: Declaration) -> Verification:
    customer = Customer.objects.get(merchant__slug="boreal", number=declaration.number)
    return submit_identity(
        customer=customer,
        by=_somebody_of(customer, called=declaration.administrator),
        legal_name=declaration.legal_name,
        neq=declaration.neq,
        administrator_name=declaration.administrator,
        address_line1=customer.address_line1,
        address_line2="",
        city=customer.city,
        province=customer.province,
        postal_code=customer.postal_code,
        note=declaration.note,
    )


def _somebody_of(customer: Customer, *, called: str) -> User:
    """Its first person; one is made for a company that has none."""
    membership = customer.memberships.filter(user__isnull=False).select_related("user").order_by("pk").first()
    if membership is not None and membership.user is not None:
        return membership.user
    first_name, last_name = called.split()
    email = customer.email or f"direction{customer.number}@entreprise.example"
    user = User.objects.create_user(email, None, first_name=first_name, last_name=last_name)
    EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
    if customer.kind == Customer.Kind.MEMBER:
        Membership.objects.create(
            customer=customer, email=email, first_name=first_name, last_name=last_name, role=Role.ADMINISTRATOR
        )
    recognize(user=user)
    return user


def _observe(verification: Verification, *, by: User) -> None:
    record_observation(
        verification=verification,
        fact=Verification.Fact.NAME,
        seen="Excavation Beauchemin Mirabel ltée, depuis le 1er octobre 2026",
        verdict=Verification.Verdict.DIFFERS,
        seen_on=timezone.localdate(),
        capture=None,
        by=by,
    )
