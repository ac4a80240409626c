"""The register: enterprises, their names, establishments and links, labels of its codes.

Read-only: `import_registry` replaces these tables whole, so no key of another table points at them. No form is ever
made of them, so their fields have no label.
"""

from __future__ import annotations

from datetime import date
from operator import attrgetter
from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.utils.translation import gettext_lazy as _

SOLE_PROPRIETOR = "22"


class EnterpriseQuerySet(models.QuerySet["Enterprise"]):
    def by_neq(self, neq: str) -> Enterprise | None:
        """The enterprise of this number (ten digits) with its names; None when the register has none."""
        return self.filter(pk=neq).prefetch_related("names").first()


class Enterprise(models.Model):
    """One enterprise, as the edition says; a fact it does not state is empty or None."""

    class Status(models.TextChoices):
        REGISTERED = "IM", _("Registered")
        STRUCK_OFF_ON_REQUEST = "RD", _("Struck off on request")
        STRUCK_OFF = "RO", _("Struck off by the registrar")
        STRUCK_OFF_ARTICLE_59 = "RX", _("Struck off by the registrar (section 59)")
        NOT_REGISTERED = "NI", _("Not registered")
        INTENDED = "AI", _("Notice of intention")

    STRUCK_OFF_STATUSES: ClassVar = frozenset(
        {Status.STRUCK_OFF_ON_REQUEST, Status.STRUCK_OFF, Status.STRUCK_OFF_ARTICLE_59}
    )

    neq = models.CharField(max_length=10, primary_key=True, db_collation="C")
    status = models.TextField(choices=Status)
    status_on = models.DateField(null=True)
    registered_on = models.DateField(null=True)
    legal_form = models.TextField(blank=True)  # a code: see Label
    is_bankrupt = models.BooleanField(default=False)
    ceases_on = models.DateField(null=True)  # planned end of its existence
    # As published, or all empty when the register hides or lacks the address: see registry.addresses.
    address_line1 = models.TextField(blank=True)
    address_line2 = models.TextField(blank=True)
    address_line3 = models.TextField(blank=True)
    address_line4 = models.TextField(blank=True)

    objects = EnterpriseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=["IM", "RD", "RO", "RX", "NI", "AI"]), name="enterprise_status_known"
            )
        ]

    def __str__(self) -> str:
        return self.neq

    @property
    def is_registered(self) -> bool:
        return self.status == self.Status.REGISTERED

    @property
    def is_struck_off(self) -> bool:
        return self.status in self.STRUCK_OFF_STATUSES

    @property
    def is_sole_proprietor(self) -> bool:
        """A natural person, whose name the open data hardly ever hold."""
        return self.neq.startswith(SOLE_PROPRIETOR)

    @property
    def has_address(self) -> bool:
        """Many have none, or hide it: never a reason to refuse."""
        return bool(self.address_line1 or self.address_line2 or self.address_line3 or self.address_line4)

    def has_lapsed(self, *, on: date) -> bool:
        """Whether it stopped being registered without being struck off: another status, or its planned end is past."""
        return self.status in {self.Status.NOT_REGISTERED, self.Status.INTENDED} or (
            self.is_registered and self.ceases_on is not None and self.ceases_on <= on
        )

    def legal_names(self) -> list[EnterpriseName]:
        """Its legal names in force; where none is, as for most that are struck off, the latest former ones.

        Empty for those the register does not name. A name comes before its version in another language.
        """
        legal = sorted((name for name in self.names.all() if name.is_legal), key=attrgetter("pk"))
        if in_force := [name for name in legal if name.state == EnterpriseName.State.IN_FORCE]:
            return in_force
        former = [name for name in legal if name.state == EnterpriseName.State.FORMER]
        latest = max((name.ended_on for name in former), default=None)
        return [name for name in former if name.ended_on == latest]


class EnterpriseName(models.Model):
    """One name of an enterprise. A name declared with its version in another language is two of these."""

    class State(models.TextChoices):
        IN_FORCE = "V", _("In force")
        FORMER = "A", _("Former")  # « antérieur », not « actif »
        FUTURE = "F", _("Future")
        RESERVED = "R", _("Reserved")

    class Kind(models.TextChoices):
        LEGAL = "N", _("Legal name")
        LEGAL_M = "M", _("Legal name")
        OTHER = "A", _("Other name")

    # The loader gives ten times the line in the file, and one more to the version in another language.
    id = models.BigAutoField(primary_key=True)
    enterprise = models.ForeignKey(
        Enterprise,
        on_delete=models.DO_NOTHING,
        related_name="names",
        db_column="neq",
        db_constraint=False,  # the loader proves it for the whole edition at once
        db_index=False,  # the one below has no second one for LIKE
    )
    text = models.TextField()
    is_translation = models.BooleanField(default=False)
    state = models.TextField(choices=State)
    kind = models.TextField(choices=Kind)
    until = models.DateField(null=True)
    folded = models.TextField(db_collation="C")  # what registry.names.fold makes of it

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=["V", "A", "F", "R"]), name="name_state_known"),
            models.CheckConstraint(condition=models.Q(kind__in=["N", "M", "A"]), name="name_kind_known"),
        ]
        indexes = [
            models.Index(fields=["enterprise"], name="name_of_enterprise"),
            # In the C collation one index serves equality, order and LIKE 'prefix%'.
            models.Index(fields=["folded"], name="name_folded"),
            # Of the names in force: with the former ones, of the struck off mostly, it would be twice as slow.
            GinIndex(SearchVector("folded", config="simple"), name="name_words", condition=models.Q(state="V")),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def is_legal(self) -> bool:
        return self.kind in {self.Kind.LEGAL, self.Kind.LEGAL_M}

    @property
    def ended_on(self) -> date:
        """The day a former name ended: what orders former names. One without that day comes before all others."""
        return self.until or date.min


class Establishment(models.Model):
    """A place of business of an enterprise."""

    enterprise = models.ForeignKey(
        Enterprise,
        on_delete=models.DO_NOTHING,
        related_name="establishments",
        db_column="neq",
        db_constraint=False,
        db_index=False,
    )
    suffix = models.TextField(blank=True)  # its number within the enterprise
    is_main = models.BooleanField(default=False)
    name = models.TextField(blank=True)
    activity = models.TextField(blank=True)
    address_line1 = models.TextField(blank=True)
    address_line2 = models.TextField(blank=True)
    address_line3 = models.TextField(blank=True)
    address_line4 = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["enterprise"], name="establishment_of_enterprise")]

    def __str__(self) -> str:
        return f"{self.enterprise_id} {self.suffix}"


class Link(models.Model):
    """What ties an enterprise to another one, or to the law it was under before."""

    class Kind(models.TextChoices):
        MERGER = "merger", _("Merger or division")
        CONTINUATION = "continuation", _("Continuation or transformation")

    enterprise = models.ForeignKey(
        Enterprise,
        on_delete=models.DO_NOTHING,
        related_name="links",
        db_column="neq",
        db_constraint=False,
        db_index=False,
    )
    kind = models.TextField(choices=Kind)
    code = models.TextField(blank=True)  # which one exactly: see Label
    other_neq = models.TextField(blank=True, db_collation="C")  # empty when it is not registered in Québec
    other_name = models.TextField(blank=True)
    place = models.TextField(blank=True)  # of a continuation: the law or the place it came from
    effective_on = models.DateField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["enterprise"], name="link_of_enterprise"),
            models.Index(fields=["other_neq"], name="link_to_enterprise"),
        ]

    def __str__(self) -> str:
        return f"{self.enterprise_id} {self.kind} {self.other_neq or self.other_name}"


class LabelQuerySet(models.QuerySet["Label"]):
    def text(self, *, kind: str, code: str) -> str:
        """The French label of a code, or the code itself where the edition has no label for it."""
        found = self.filter(kind=kind, code=code).values_list("text", flat=True).first()
        return found or code


class Label(models.Model):
    """What a code of the register means, in French as published."""

    LEGAL_FORM: ClassVar = "FORM_JURI"
    LINK: ClassVar = "RELA_ASSUJ"

    kind = models.TextField()
    code = models.TextField()
    text = models.TextField()

    objects = LabelQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["kind", "code"], name="label_of_code")]

    def __str__(self) -> str:
        return f"{self.kind} {self.code}: {self.text}"
