"""Any sequence of acts on a team: never without an administrator, no right without a mandate, none after removal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from accounts.models import User
from accounts.refusals import Refusal
from organizations import lookup
from organizations.counter import Answer
from organizations.models import Card, Customer, Invitation, Mandate, Membership, TakeOver
from organizations.permissions import ROLE_PERMISSIONS, Permission, Role
from organizations.services import cards, departures, invitations, members, petitions
from organizations.services.authority import take_effect
from organizations.services.mandates import PURPOSE, cancel_mandate, correct_address, prepare_invitations
from organizations.terms import Wish, known, promotes, terms_of
from signatures.models import Document, SignatureRequest
from tests import factories
from tests.organizations.signing import invitee

FREE = [permission for permission in Permission if not permission.needs_proof]
DAYS = st.one_of(st.none(), st.integers(min_value=-2, max_value=2))  # from today
WISHES = st.builds(
    dict,
    role=st.sampled_from(list(Role.values)),
    granted=st.one_of(st.frozensets(st.sampled_from(FREE)), st.just(frozenset(FREE))),
    starts=DAYS,
    ends=DAYS,
    branch=st.booleans(),
    ceiling=st.sampled_from([None, 0, 100]),
    requires_purchase_order=st.booleans(),
)
NUMBERS = st.integers(min_value=0, max_value=50)
REACHED: Counter[str] = Counter()  # which acts were not refused


class Team(RuleBasedStateMachine):
    """One company, a few people, and everything that can be done to it, by anybody."""

    def __init__(self) -> None:
        super().__init__()
        self.merchant = factories.MerchantFactory()
        self.customer = factories.CustomerFactory(merchant=self.merchant, kind=Customer.Kind.MEMBER)
        self.people = factories.UserFactory.create_batch(5)
        self.agent = factories.UserFactory(is_staff=True)
        self.branch = factories.BranchFactory(merchant=self.merchant)
        for founder, role in zip(self.people, (Role.ADMINISTRATOR, Role.ADMINISTRATOR, Role.BUYER), strict=False):
            factories.MembershipFactory(customer=self.customer, user=founder, role=role)
        # Which role each membership was last seen with, and who an agent has just put in charge.
        self.seen = dict(Membership.objects.filter(customer=self.customer).values_list("pk", "role"))
        self.strangers = 0
        self.put_in_charge: set[int] = set()
        # Of the people the merchant itself put on file, or an agent put in charge, nobody signed a mandate.
        self.by_the_merchant = {founder.pk for founder in self.people[:3]}
        self.paper = Document.objects.get_or_create(
            sha256="0" * 64, defaults={"content": b"%PDF", "size": 4, "page_count": 1}
        )[0]

    def someone(self, number: int) -> User:
        return self.people[number % len(self.people)]

    def author(self, number: int) -> User:
        """Mostly somebody in charge, so that not everything is refused; sometimes anybody."""
        in_charge = Membership.objects.in_charge().filter(customer=self.customer).order_by("pk")
        people = [membership.user for membership in in_charge]
        return self.someone(number) if number % 4 == 0 else people[number % len(people)]

    def wish(self, typed: dict) -> Wish:
        """With days around today, and kept to the branch or not."""
        facts = {name: typed[name] for name in ("role", "granted", "ceiling", "requires_purchase_order")}
        for edge in ("starts", "ends"):
            days = typed[edge]
            facts[f"{edge}_on"] = None if days is None else timezone.localdate() + timedelta(days=days)
        if None not in (facts["starts_on"], facts["ends_on"]):
            facts["ends_on"] = max(facts["starts_on"], facts["ends_on"])  # the form refuses it
        return Wish(branches=frozenset([self.branch.pk] if typed["branch"] else []), **facts)

    def tried(self, act: Callable[..., object], **arguments: object) -> object:
        """A refusal changes nothing; anything else that fails is a fault."""
        with suppress(Refusal), transaction.atomic():
            done = act(**arguments)
            REACHED[act.__name__] += 1
            return done
        return None

    @rule(by=NUMBERS, whom=NUMBERS, wish=WISHES)
    def invite(self, by: int, whom: int, wish: dict) -> None:
        people = [(invitee(self.someone(whom).email), self.wish(wish))]
        self.tried(prepare_invitations, customer=self.customer, people=people, by=self.author(by))

    @rule(by=NUMBERS, whom=NUMBERS, wish=WISHES)
    def change(self, by: int, whom: int, wish: dict) -> None:
        membership = Membership.objects.filter(customer=self.customer, user=self.someone(whom)).last()
        if membership is not None:
            self.tried(members.change_member, membership=membership, wish=self.wish(wish), by=self.author(by))

    @rule(by=NUMBERS, whom=NUMBERS, role=st.sampled_from([Role.ADMINISTRATOR, Role.OWNER]))
    def change_role(self, by: int, whom: int, role: Role) -> None:
        """Everything else as it is, as somebody leaves the form: what one has beyond the role stays ticked."""
        people = list(Membership.objects.active().filter(customer=self.customer, user__isnull=False).order_by("pk"))
        membership = people[whom % len(people)]
        wish = replace(terms_of(membership=membership), role=role.value)
        self.tried(members.change_member, membership=membership, wish=wish, by=self.author(by))

    @rule(which=NUMBERS, is_left=st.booleans())
    def sign(self, which: int, is_left: bool) -> None:
        """As signatures does once the code is right: the fact is told in the transaction. Or printed, and left so."""
        waiting = list(Mandate.objects.unsigned().filter(customer=self.customer).order_by("pk"))
        if not waiting:
            return
        self.sign_one(waiting[which % len(waiting)], is_left=is_left)

    def sign_one(self, mandate: Mandate, *, is_left: bool) -> None:
        batch = Mandate.objects.unsigned().filter(batch=mandate.batch)
        number = SignatureRequest.objects.count()
        request = mandate.signature or SignatureRequest.objects.create(
            token_hash=f"{number:064}",
            purpose=PURPOSE,
            subject_key=str(mandate.batch),
            french=self.paper,
            french_title="M",
            signer=mandate.prepared_by,
            signer_name="x",
            signer_email=f"s{number}@x.example",
            signer_language="fr-ca",
            sender_name="x",
            sender_email="x@x.example",
            sender_phone="x",
            requested_by=mandate.prepared_by,
            expires_at=timezone.now() + timedelta(days=14),
        )
        if mandate.signature is None:
            batch.update(signature=request)
        if not is_left:
            self.tried(take_effect, request=request)
            batch.update(signature=None)  # refused: what still waits is printed again

    @rule(which=NUMBERS, by=NUMBERS, is_theirs=st.booleans())
    def accept(self, which: int, by: int, is_theirs: bool) -> None:
        sent = Invitation.objects.filter(mandate__customer=self.customer)
        waiting = list(sent.select_related("mandate").order_by("pk"))
        if not waiting:
            return
        invitation = waiting[which % len(waiting)]
        token = f"t{invitation.pk}"
        Invitation.objects.filter(pk=invitation.pk).update(token_hash=invitations.hash_of(token))
        theirs = next((person for person in self.people if person.email == invitation.mandate.email), None)
        person = theirs if is_theirs and theirs is not None else self.someone(by)
        self.tried(invitations.accept_invitation, token=token, by=person)

    @rule(by=NUMBERS, whom=NUMBERS, wish=WISHES)
    def bring_in(self, by: int, whom: int, wish: dict) -> None:
        """The usual way, whole: seldom found by chance."""
        self.invite(by=by, whom=whom, wish=wish)
        self.sign(which=-1, is_left=False)
        self.accept(which=-1, by=whom, is_theirs=True)

    @rule(by=NUMBERS, wish=WISHES, is_corrected=st.booleans())
    def lose_one_of_two(self, by: int, wish: dict, is_corrected: bool) -> None:
        """Printed together, then one is given up or corrected, and the other is signed."""
        self.strangers += 2
        people = [(invitee(f"n{self.strangers + n}@acme.example"), self.wish(wish)) for n in range(2)]
        author = self.author(by)
        if (batch := self.tried(prepare_invitations, customer=self.customer, people=people, by=author)) is None:
            return
        first, rest = Mandate.objects.filter(batch=batch).order_by("pk")
        self.sign_one(first, is_left=True)
        if is_corrected:
            self.tried(correct_address, mandate=first, email=f"c{first.email}", by=author)
        else:
            self.tried(cancel_mandate, mandate=first, by=author)
        self.sign_one(Mandate.objects.get(pk=rest.pk), is_left=False)

    @rule(which=NUMBERS, by=NUMBERS)
    def cancel(self, which: int, by: int) -> None:
        live = list(Mandate.objects.live().filter(customer=self.customer).order_by("pk"))
        if live:
            self.tried(cancel_mandate, mandate=live[which % len(live)], by=self.author(by))

    @rule(which=NUMBERS, by=NUMBERS, whom=NUMBERS)
    def correct(self, which: int, by: int, whom: int) -> None:
        live = list(Mandate.objects.live().filter(customer=self.customer, effective_at=None).order_by("pk"))
        if live:
            self.tried(correct_address, mandate=live[which % len(live)], email=self.someone(whom).email,
                       by=self.author(by))  # fmt: skip

    @rule(whom=NUMBERS, by=NUMBERS)
    def remove(self, whom: int, by: int) -> None:
        self.end(self.someone(whom), by=self.author(by))

    def end(self, person: User, *, by: User) -> None:
        membership = Membership.objects.filter(customer=self.customer, user=person, removed_at=None).first()
        if membership is not None:
            self.tried(members.remove_member, membership=membership, by=by)
            if Membership.objects.get(pk=membership.pk).removed_at is not None:
                self.by_the_merchant.discard(person.pk)

    @rule(whom=NUMBERS)
    def leave(self, whom: int) -> None:
        """Of one's own accord: the same act, by the person."""
        self.end(self.someone(whom), by=self.someone(whom))

    @rule(whom=NUMBERS, by=NUMBERS, heir=NUMBERS)
    def declare_gone(self, whom: int, by: int, heir: int) -> None:
        """By somebody who manages the team: its page is behind that door."""
        membership = Membership.objects.filter(customer=self.customer, user=self.someone(whom)).last()
        author = self.author(by)
        if membership is None or Permission.MANAGE_TEAM not in self.customer.permissions_for(author):
            return
        successor = Membership.objects.filter(customer=self.customer, user=self.someone(heir), removed_at=None).first()
        self.tried(departures.declare_gone, membership=membership, successor=successor, by=author)
        if not Membership.objects.filter(customer=self.customer, user=membership.user, removed_at=None).exists():
            self.by_the_merchant.discard(membership.user_id)

    @rule(whom=NUMBERS)
    def make_card(self, whom: int) -> None:
        membership = Membership.objects.active().filter(customer=self.customer, user=self.someone(whom)).first()
        if membership is not None:
            self.tried(cards.make_card, membership=membership, kind=Card.Kind.PHONE, by=membership.user)

    @rule(by=NUMBERS)
    def ask_take_over(self, by: int) -> None:
        rest = Membership.objects.active().filter(customer=self.customer, user__isnull=False)
        rest = [membership.user for membership in rest.exclude(role=Role.ADMINISTRATOR).order_by("pk")]
        person = rest[by % len(rest)] if rest and by % 4 else self.someone(by)
        self.tried(petitions.ask_take_over, customer=self.customer, reason="Parti", by=person)

    @precondition(lambda self: TakeOver.objects.open().filter(customer=self.customer).exists())
    @rule(by=NUMBERS, is_decided=st.booleans(), is_accepted=st.booleans())
    def end_take_over(self, by: int, is_decided: bool, is_accepted: bool) -> None:
        take_over = TakeOver.objects.open().get(customer=self.customer)
        if not is_decided:
            self.tried(petitions.oppose_take_over, take_over=take_over, by=self.author(by))
            return
        past = timezone.now() - timedelta(minutes=1)
        TakeOver.objects.filter(pk=take_over.pk).update(asked_at=past - timedelta(days=8), decidable_at=past)
        done = self.tried(petitions.decide_take_over, take_over=take_over, is_accepted=is_accepted, decision="Vu",
                          by=self.agent)  # fmt: skip
        if done is not None and is_accepted:
            self.by_the_merchant.add(take_over.asked_by_id)
            self.put_in_charge.add(take_over.asked_by_id)

    @rule(by=NUMBERS, how=st.sampled_from(["accepted", "refused", "opposed"]))
    def take_over(self, by: int, how: str) -> None:
        """The usual way, whole."""
        self.ask_take_over(by=by)
        if TakeOver.objects.open().filter(customer=self.customer).exists():
            self.end_take_over(by=1, is_decided=how != "opposed", is_accepted=how == "accepted")

    @invariant()
    def somebody_is_in_charge(self) -> None:
        assert Membership.objects.in_charge().filter(customer=self.customer).exists()

    @invariant()
    def no_right_without_a_mandate(self) -> None:
        for membership in Membership.objects.active().filter(customer=self.customer, user__isnull=False):
            mandate = Mandate.objects.live().filter(membership=membership, effective_at__isnull=False).first()
            if mandate is None:
                assert membership.user_id in self.by_the_merchant
                continue
            assert mandate.signed_at is not None
            assert mandate.prepared_by_id != membership.user_id
            assert not promotes(role=membership.role, former=mandate.role)
            signed = ROLE_PERMISSIONS[mandate.role] | known(mandate.granted)
            if Permission.MANAGE_TEAM in signed:
                signed |= {Permission.INVITE_VISITORS}
            assert self.customer.permissions_for(membership.user) <= signed
            if mandate.ceiling is not None:
                assert membership.ceiling is not None
                assert membership.ceiling <= mandate.ceiling
            assert membership.requires_purchase_order or not mandate.requires_purchase_order
            assert (membership.starts_on or date.min) >= (mandate.starts_on or date.min)
            assert (membership.ends_on or date.max) <= (mandate.ends_on or date.max)
            kept_to, allowed = set(membership.branches.all()), set(mandate.branches.all())
            assert not allowed or (kept_to and kept_to <= allowed)

    @invariant()
    def nobody_is_put_in_charge_without_a_word_of_theirs(self) -> None:
        for membership in Membership.objects.filter(customer=self.customer, user__isnull=False, removed_at=None):
            is_promoted = promotes(role=membership.role, former=self.seen.get(membership.pk, ""))
            if is_promoted and membership.user_id not in self.put_in_charge:
                mandate = Mandate.objects.live().get(membership=membership, effective_at__isnull=False)
                assert mandate.prepared_by_id != membership.user_id
                assert Invitation.objects.get(mandate=mandate).accepted_by_id == membership.user_id
            self.seen[membership.pk] = membership.role
        self.put_in_charge.clear()

    @invariant()
    def a_signed_document_says_no_more_than_was_wished(self) -> None:
        signed = Mandate.objects.filter(customer=self.customer, signed_at__isnull=False)
        unsigned = Mandate.objects.filter(customer=self.customer, signed_at=None)
        assert not unsigned.filter(signature__in=signed.values("signature")).exists()

    @invariant()
    def no_access_after_removal(self) -> None:
        for person in self.people:
            lasting = Membership.objects.filter(customer=self.customer, user=person, removed_at=None)
            if not lasting.exists():
                assert not self.customer.permissions_for(person)
                assert not self.customer.grants.filter(user=person).exists()
                assert not Card.objects.live().filter(membership__user=person).exists()
                sent = Invitation.objects.open().filter(mandate__customer=self.customer)
                assert not sent.filter(mandate__prepared_by=person).exists()
        for gone in Membership.objects.filter(customer=self.customer).exclude(removed_at=None):
            found = lookup.person(merchant_id=self.merchant.pk, pk=gone.pk)
            if found is not None:
                assert found.decision(at=self.branch, amount=None).answer == Answer.NO


ACTS = {
    *("prepare_invitations", "change_member", "take_effect", "accept_invitation", "cancel_mandate", "remove_member"),
    *("declare_gone", "make_card", "correct_address", "ask_take_over", "oppose_take_over", "decide_take_over"),
}


class TestTeam(TestCase, Team.TestCase):
    def runTest(self) -> None:  # noqa: N802 - unittest’s name
        super().runTest()
        assert set(REACHED) == ACTS, f"{REACHED}: some act was refused each time: nothing was tried of it"

    settings = settings(
        max_examples=15,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
