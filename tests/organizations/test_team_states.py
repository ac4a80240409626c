"""Any sequence of acts on a team: never without an administrator, no right without a mandate, none after removal."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from accounts.models import User
from accounts.refusals import Refusal
from organizations.models import Customer, Invitation, Mandate, Membership, TakeOver
from organizations.permissions import ROLE_PERMISSIONS, Permission, Role
from organizations.services import invitations, members, petitions
from organizations.services.authority import take_effect
from organizations.services.mandates import PURPOSE, cancel_mandate, prepare_invitations
from organizations.terms import Wish, known
from signatures.models import Document, SignatureRequest
from tests import factories
from tests.organizations.signing import invitee

FREE = [permission for permission in Permission if not permission.needs_proof]
WISHES = st.builds(
    Wish,
    role=st.sampled_from(list(Role.values)),
    granted=st.frozensets(st.sampled_from(FREE), max_size=2),
    ceiling=st.sampled_from([None, 0, 100]),
    requires_purchase_order=st.booleans(),
)
NUMBERS = st.integers(min_value=0, max_value=50)


class Team(RuleBasedStateMachine):
    """One company, a few people, and everything that can be done to it, by anybody."""

    def __init__(self) -> None:
        super().__init__()
        self.merchant = factories.MerchantFactory()
        self.customer = factories.CustomerFactory(merchant=self.merchant, kind=Customer.Kind.MEMBER)
        self.people = factories.UserFactory.create_batch(5)
        self.agent = factories.UserFactory(is_staff=True)
        factories.MembershipFactory(customer=self.customer, user=self.people[0], role=Role.ADMINISTRATOR)
        # Of the people the merchant itself put on file, or an agent put in charge, nobody signed a mandate.
        self.by_the_merchant = {self.people[0].pk}
        self.paper = Document.objects.get_or_create(
            sha256="0" * 64, defaults={"content": b"%PDF", "size": 4, "page_count": 1}
        )[0]

    def someone(self, number: int) -> User:
        return self.people[number % len(self.people)]

    def tried(self, act: object, **arguments: object) -> object:
        """A refusal changes nothing; anything else that fails is a fault."""
        with suppress(Refusal), transaction.atomic():
            return act(**arguments)
        return None

    @rule(by=NUMBERS, whom=NUMBERS, wish=WISHES)
    def invite(self, by: int, whom: int, wish: Wish) -> None:
        people = [(invitee(self.someone(whom).email), wish)]
        self.tried(prepare_invitations, customer=self.customer, people=people, by=self.someone(by))

    @rule(by=NUMBERS, whom=NUMBERS, wish=WISHES)
    def change(self, by: int, whom: int, wish: Wish) -> None:
        membership = Membership.objects.filter(customer=self.customer, user=self.someone(whom)).last()
        if membership is not None:
            self.tried(members.change_member, membership=membership, wish=wish, by=self.someone(by))

    @rule(which=NUMBERS)
    def sign(self, which: int) -> None:
        """As signatures does once the code is right: the fact is told in the transaction."""
        waiting = list(Mandate.objects.unsigned().filter(customer=self.customer).order_by("pk"))
        if not waiting:
            return
        mandate = waiting[which % len(waiting)]
        request = mandate.signature or SignatureRequest.objects.create(
            token_hash=f"{mandate.pk:064}",
            purpose=PURPOSE,
            subject_key=str(mandate.batch),
            french=self.paper,
            french_title="M",
            signer=mandate.prepared_by,
            signer_name="x",
            signer_email=f"s{mandate.pk}@x.example",
            signer_language="fr-ca",
            sender_name="x",
            sender_email="x@x.example",
            sender_phone="x",
            requested_by=mandate.prepared_by,
            expires_at=timezone.now() + timedelta(days=14),
        )
        Mandate.objects.unsigned().filter(batch=mandate.batch).update(signature=request)
        self.tried(take_effect, request=request)

    @rule(which=NUMBERS, by=NUMBERS)
    def accept(self, which: int, by: int) -> None:
        waiting = list(Invitation.objects.filter(mandate__customer=self.customer).order_by("pk"))
        if not waiting:
            return
        invitation = waiting[which % len(waiting)]
        token = f"t{invitation.pk}"
        Invitation.objects.filter(pk=invitation.pk).update(token_hash=invitations.hash_of(token))
        self.tried(invitations.accept_invitation, token=token, by=self.someone(by))

    @rule(which=NUMBERS, by=NUMBERS)
    def cancel(self, which: int, by: int) -> None:
        live = list(Mandate.objects.live().filter(customer=self.customer).order_by("pk"))
        if live:
            self.tried(cancel_mandate, mandate=live[which % len(live)], by=self.someone(by))

    @rule(whom=NUMBERS, by=NUMBERS)
    def remove(self, whom: int, by: int) -> None:
        membership = Membership.objects.filter(customer=self.customer, user=self.someone(whom), removed_at=None).first()
        if membership is not None:
            self.tried(members.remove_member, membership=membership, by=self.someone(by))
            if Membership.objects.get(pk=membership.pk).removed_at is not None:
                self.by_the_merchant.discard(self.someone(whom).pk)

    @rule(by=NUMBERS)
    def ask_take_over(self, by: int) -> None:
        self.tried(petitions.ask_take_over, customer=self.customer, reason="Parti", by=self.someone(by))

    @precondition(lambda self: TakeOver.objects.open().filter(customer=self.customer).exists())
    @rule(by=NUMBERS, is_decided=st.booleans(), is_accepted=st.booleans())
    def end_take_over(self, by: int, is_decided: bool, is_accepted: bool) -> None:
        take_over = TakeOver.objects.open().get(customer=self.customer)
        if not is_decided:
            self.tried(petitions.oppose_take_over, take_over=take_over, by=self.someone(by))
            return
        past = timezone.now() - timedelta(minutes=1)
        TakeOver.objects.filter(pk=take_over.pk).update(asked_at=past - timedelta(days=8), decidable_at=past)
        done = self.tried(petitions.decide_take_over, take_over=take_over, is_accepted=is_accepted, decision="Vu",
                          by=self.agent)  # fmt: skip
        if done is not None and is_accepted:
            self.by_the_merchant.add(take_over.asked_by_id)

    @invariant()
    def somebody_is_in_charge(self) -> None:
        assert Membership.objects.in_charge().filter(customer=self.customer).exists()

    @invariant()
    def no_right_without_a_mandate(self) -> None:
        for membership in Membership.objects.active().filter(customer=self.customer, user__isnull=False):
            if membership.user_id in self.by_the_merchant:
                continue
            mandate = Mandate.objects.live().get(membership=membership, effective_at__isnull=False)
            assert mandate.signed_at is not None
            assert mandate.prepared_by_id != membership.user_id
            signed = ROLE_PERMISSIONS[mandate.role] | known(mandate.granted)
            if Permission.MANAGE_TEAM in signed:
                signed |= {Permission.INVITE_VISITORS}
            assert self.customer.permissions_for(membership.user) <= signed
            if mandate.ceiling is not None:
                assert membership.ceiling is not None
                assert membership.ceiling <= mandate.ceiling
            assert membership.requires_purchase_order or not mandate.requires_purchase_order

    @invariant()
    def no_access_after_removal(self) -> None:
        for person in self.people:
            lasting = Membership.objects.filter(customer=self.customer, user=person, removed_at=None)
            if not lasting.exists():
                assert not self.customer.permissions_for(person)
                assert not self.customer.grants.filter(user=person).exists()


class TestTeam(TestCase, Team.TestCase):
    settings = settings(
        max_examples=20,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
