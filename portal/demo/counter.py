"""Days at the counters of Boréal: people let go and refused, cards, a hold, a question; and a group of companies."""

from __future__ import annotations

from decimal import Decimal

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from organizations.branches import Place
from organizations.models import Card, CounterDecision, Customer, Membership
from organizations.permissions import Role
from organizations.services.cards import make_card
from organizations.services.cases import answer_case, open_case
from organizations.services.counter import record_decision, refuse_unlisted
from organizations.services.groups import ask_link, confirm_link
from organizations.services.holds import hold_customer
from organizations.services.recognition import open_space
from portal.demo.story import PASSWORD

Act = CounterDecision.Act
ACME, GLOBEX, HELD, SUBSIDIARY, NAMED = "10482", "10977", "11148", "11296", "11370"


@transaction.atomic
def tell_counter() -> bool:
    """After the team, whose people come to the counter. False when it was told already."""
    acme = _company(ACME)
    if CounterDecision.objects.filter(customer=acme).exists():
        return False
    sam = User.objects.get(email="sam@boreal.example")
    _days(acme, agent=sam)
    _group(acme, agent=sam)
    return True


def _company(number: str) -> Customer:
    return Customer.objects.select_related("merchant").get(merchant__slug="boreal", number=number)


def _days(acme: Customer, *, agent: User) -> None:
    laval, longueuil, quebec = (
        Place(merchant=acme.merchant, branch=acme.merchant.branches.get(code=code))
        for code in ("laval", "longueuil", "quebec")
    )
    alice = User.objects.get(email="alice@acme.example")
    bob, rita, lea = (_member(acme, f"{name}@acme.example") for name in ("bob", "rita", "lea"))
    make_card(membership=bob, kind=Card.Kind.PHONE, by=alice)
    make_card(membership=rita, kind=Card.Kind.PRINTED, by=alice)
    _decide(bob, laval, Act.RENTED, agent=agent, amount=Decimal("1185.00"))
    _decide(lea, laval, Act.RENTED, agent=agent, amount=Decimal("985.00"))
    _decide(rita, longueuil, Act.PICKED_UP, agent=agent)
    elsewhere = _decide(lea, quebec, Act.REFUSED, agent=agent)
    unlisted = refuse_unlisted(customer=acme, person="Steeve Gagné", place=longueuil, by=agent)
    open_case(decision=elsewhere, message="Léa suit le chantier de Québec ce mois-ci. Peut-elle y louer?", by=alice)
    case = open_case(decision=unlisted, message="Qui était-ce?", by=alice)
    words = "La personne s’est dite sous-traitante, sans rien pour le montrer. Rien ne lui a été remis."
    answer_case(case=case, answer=words, by=agent)
    held = _company(HELD)
    hold_customer(customer=held, reason="Compte en souffrance depuis 60 jours", by=agent)
    somebody = held.memberships.filter(user__isnull=False).order_by("pk").first()
    if somebody is not None:
        _decide(somebody, laval, Act.REFUSED, agent=agent)


def _decide(
    membership: Membership, place: Place, act: CounterDecision.Act, *, agent: User, amount: Decimal | None = None
) -> CounterDecision:
    return record_decision(
        membership_id=membership.pk, place=place, act=act, by=agent, language="fr-ca", amount=amount
    )  # fmt: skip


def _member(customer: Customer, email: str) -> Membership:
    return Membership.objects.get(customer=customer, user__email=email, removed_at=None)


def _group(acme: Customer, *, agent: User) -> None:
    """Acme has a subsidiary that an agent confirmed; Globex has named one that waits."""
    subsidiary = _company(SUBSIDIARY)
    user = User.objects.create_user("chantal@demolition.example", PASSWORD, first_name="Chantal", last_name="Fortin")
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    Membership.objects.create(
        customer=subsidiary, user=user, linked_at=timezone.now(), email=user.email, role=Role.ADMINISTRATOR,
        first_name=user.first_name, last_name=user.last_name,
    )  # fmt: skip
    open_space(customer=subsidiary, by=user)
    words = "Acquise en mars; Chantal Fortin, sa directrice, le confirmera."
    alice, charlie = (User.objects.get(email=email) for email in ("alice@acme.example", "charlie@globex.example"))
    link = ask_link(parent=acme, customer_number=SUBSIDIARY, message=words, by=alice)
    confirm_link(link=link, decision="Vu au registre, et confirmé au téléphone par Mme Fortin.", by=agent)
    ask_link(parent=_company(GLOBEX), customer_number=NAMED, message="Notre atelier de peinture.", by=charlie)
