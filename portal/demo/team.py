"""The team of Acme as months of use leave it: rights, edges, invitations in every state, and what others ask of it."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from accounts.models import OutgoingMessage, User
from organizations.models import Customer, JoinRequest, Mandate, Membership
from organizations.permissions import Feature, Permission, Role
from organizations.services.invitations import accept_as_new
from organizations.services.mandates import Invitee, ask_to_sign, prepare_invitations
from organizations.services.petitions import ask_take_over, ask_to_join
from organizations.services.reviews import begin_review, quarter_of
from organizations.terms import Wish
from portal.demo.story import PASSWORD
from signatures.parties import Origin
from signatures.services import signing
from signatures.wordings import CURRENT

NOWHERE = Origin()
ACME, LEFT_ALONE = "10482", "11185"


def tell_team() -> bool:
    """Load it once; each signature is a transaction of its own, as in life. False when it was told already."""
    acme = Customer.objects.select_related("merchant").get(merchant__slug="boreal", number=ACME)
    if Mandate.objects.filter(customer=acme).exists():
        return False
    alice = User.objects.get(email="alice@acme.example")
    acme.features = [Feature.EQUIPMENT.value, Feature.TREASURY.value]
    acme.save(update_fields=["features"])
    Membership.objects.filter(customer=acme, user__email="rita@acme.example").update(
        requires_purchase_order=True, ceiling=Decimal(750)
    )
    laval = acme.merchant.branches.get(code="laval")
    season = timezone.localdate() + timedelta(days=120)
    buyer = Wish(role=Role.BUYER.value, ceiling=Decimal(2500), branches=frozenset({laval.pk}), ends_on=season)
    accountant = Wish(role=Role.ACCOUNTANT.value, granted=frozenset({Permission.VIEW_TREASURY}))
    visitor = Wish(role=Role.VISITOR.value)
    _invite(acme, alice, [(Invitee("Léa", "Morin", "lea@acme.example"), buyer)])
    _accept("lea@acme.example", first_name="Léa", last_name="Morin")
    _invite(acme, alice, [(Invitee("Marc", "Dubé", "marc@acme.example"), accountant)])
    _invite(acme, alice, [(Invitee("Gilles", "Roy", "", "+15145550166"), visitor)])
    prepare_invitations(customer=acme, people=[(Invitee("Ève", "Caron", "eve@acme.example"), visitor)], by=alice)
    begin_review(customer=acme, quarter=quarter_of(day=timezone.localdate()))
    _ask_of_others(acme)
    return True


def _invite(customer: Customer, by: User, people: list[tuple[Invitee, Wish]]) -> None:
    batch = prepare_invitations(customer=customer, people=people, by=by)
    request = ask_to_sign(customer=customer, batch=batch, by=by, origin=NOWHERE)
    signing.hand_over(request=request, language="fr-ca", by=by, origin=NOWHERE)
    message = signing.send_code(request=request, language="fr-ca", by=by, origin=NOWHERE)
    code = re.findall(r"\b\d{6}\b", message.text)[0]
    signing.sign(request=request, code=code, consent=CURRENT, by=by, origin=NOWHERE)


def _accept(email: str, *, first_name: str, last_name: str) -> None:
    letter = OutgoingMessage.objects.filter(recipient=email, template="organizations/emails/invitation").latest("pk")
    token = re.findall(r"/invitations/([\w-]+)/", letter.text)[0]
    accept_as_new(token=token, password=PASSWORD, first_name=first_name, last_name=last_name, language="fr-ca")


def _ask_of_others(acme: Customer) -> None:
    """Somebody asks to join Acme; and at a company whose administrator is gone, a colleague asks to take over."""
    denise = User.objects.get(email="bureau@ailleurs.example")
    if not JoinRequest.objects.filter(user=denise).exists():
        words = "Je tiendrai vos livres à partir de janvier."
        ask_to_join(merchant=acme.merchant, customer_number=acme.number, message=words, by=denise)
    company = Customer.objects.get(merchant=acme.merchant, number=LEFT_ALONE)
    roles = (("parti@electricite.example", Role.ADMINISTRATOR), ("yves@electricite.example", Role.EDITOR))
    for email, role in roles:
        user = User.objects.create_user(email, PASSWORD, first_name=email.split("@")[0].title(), last_name="Huot")
        Membership.objects.create(
            customer=company, user=user, linked_at=timezone.now(), email=email, role=role,
            first_name=user.first_name, last_name=user.last_name,
        )  # fmt: skip
    asker = User.objects.get(email="yves@electricite.example")
    ask_take_over(customer=company, reason="Notre administrateur a quitté l’entreprise en septembre.", by=asker)
