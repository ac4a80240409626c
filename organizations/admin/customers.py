"""Customers for agents: found by number, name, NEQ, e-mail or phone; invited; their contact e-mail changed."""

from __future__ import annotations

import re
from functools import partial
from typing import Any
from urllib.parse import quote

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Exists, Field, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from accounts.answers import see_other
from accounts.formats import iso_date, phone
from accounts.models import normalize_email
from accounts.spelling import plain
from organizations.admin.counter import hold_view
from organizations.admin.filters import ChoiceFilter, PeriodFilter
from organizations.admin.groups import declare_view
from organizations.agents import MerchantScopedAdmin, agent
from organizations.models import ActivationRequest, AuditEvent, Customer, Membership, Organization
from organizations.permissions import OPENING_ROLES, Feature
from organizations.refusals import Refusal
from organizations.sentences import sentence
from organizations.services.activation import send_activation, send_activations
from organizations.services.customers import change_contact_email

SHORTEST_PHONE = 7  # digits
EXTENSION = re.compile(r",?\s*(poste|ext\.?|x|#)\s*\d+$", re.IGNORECASE)
AT_ONCE = 250  # a page answers within seconds; the others follow on the next click


def search(queryset: QuerySet[Customer], term: str) -> QuerySet[Customer]:
    """By e-mail, number, NEQ, phone or name, guessed from what was typed, so that indexes can serve."""
    term = " ".join(term.split())
    digits = re.sub(r"\D", "", EXTENSION.sub("", term))
    if "@" in term:
        email = normalize_email(term)
        people = Membership.objects.filter(email__startswith=email, removed_at=None)
        return queryset.filter(Q(email__startswith=email) | Q(pk__in=people.values("customer_id")))
    by_number = Q(number__startswith=term) | Q(number__startswith=term.upper())
    if digits and re.fullmatch(r"[\d\s()+.-]+", EXTENSION.sub("", term)):
        verified = Organization.objects.filter(neq=digits, verified_at__isnull=False)
        found = by_number | Q(number=digits) | Q(neq=digits) | Q(pk__in=verified.values("customer_id"))
        by_phone = Q(phone__digits__endswith=digits[-10:])
        return queryset.filter(found | by_phone if len(digits) >= SHORTEST_PHONE else found)
    by_name = Q()
    for word in re.split(r"[\s-]+", plain(term)):
        by_name &= Q(name__plain__contains=word)
    return queryset.filter(by_number | by_name)


def to_invite(customers: QuerySet[Customer]) -> QuerySet[Customer]:
    """Those nobody opened yet, whom an address reaches, and who hold no link that still works."""
    live = ActivationRequest.objects.open().filter(customer=OuterRef("pk"))
    entitled = Membership.objects.waiting().filter(customer=OuterRef("pk"), role__in=OPENING_ROLES).exclude(email="")
    by_contact = ~Q(kind=Customer.Kind.MEMBER) & ~Q(email="")
    by_person = Q(kind=Customer.Kind.MEMBER) & Exists(entitled)
    return customers.filter(by_contact | by_person, ~Exists(live), opened_at=None, closed_at=None)


class KindFilter(ChoiceFilter):
    title = gettext_lazy("kind")
    parameter_name = "kind"
    options = Customer.Kind.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(kind=self.value()) if self.value() in Customer.Kind.values else queryset


class SpaceFilter(ChoiceFilter):
    title = gettext_lazy("space")
    parameter_name = "space"
    options = [
        ("open", gettext_lazy("Opened")),
        ("never", gettext_lazy("Never invited")),
        ("invited", gettext_lazy("Invited, not opened")),
        ("unreachable", gettext_lazy("No e-mail on file")),
        ("closed", gettext_lazy("Closed")),
    ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        invited = Exists(ActivationRequest.objects.filter(customer=OuterRef("pk")))
        waiting = queryset.filter(opened_at=None, closed_at=None)
        match self.value():
            case "open":
                return queryset.filter(opened_at__isnull=False, closed_at=None)
            case "never":
                return waiting.filter(~invited).exclude(email="")
            case "invited":
                return waiting.filter(invited)
            case "unreachable":
                return waiting.filter(email="")
            case "closed":
                return queryset.filter(closed_at__isnull=False)
        return queryset


class ContactEmailForm(forms.Form):
    email = forms.EmailField(label=gettext_lazy("New contact e-mail"), max_length=254, required=False)
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Kept in the history, with your name."),
    )


@admin.register(Customer)
class CustomerAdmin(MerchantScopedAdmin):
    is_editable = True
    list_display = ("number", "name", "kind", "email", "shown_phone", "space", "created")
    list_display_links = ("number", "name")
    list_filter = (KindFilter, SpaceFilter, ("created_at", PeriodFilter))
    ordering = ("-created_at", "-pk")
    sortable_by = ("number", "name", "created")
    search_fields = ("number",)  # shows the box; `search` above does the work
    search_help_text = gettext_lazy("Number, name, NEQ, e-mail or phone")
    actions = ("send_activation_requests",)
    readonly_fields = ("merchant", "number", "kind", "name", "shown_email", "neq", "space", "created", "closed_at")
    fieldsets = (
        (None, {"fields": ("number", "name", "kind", "merchant", "neq", "space", "created", "closed_at")}),
        (
            gettext_lazy("How to reach them"),
            {
                "fields": (
                    "shown_email",
                    ("phone", "phone_extension"),
                    "language",
                    "address_line1",
                    "address_line2",
                    ("city", "province"),
                    ("postal_code", "country"),
                )
            },
        ),
        (gettext_lazy("How they pay"), {"fields": ("program", "terms_days", "credit_limit", "features")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        invited = ActivationRequest.objects.filter(customer=OuterRef("pk"))
        return super().get_queryset(request).select_related("merchant").annotate(is_invited=Exists(invited))

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> forms.Field | None:
        if db_field.name == "features":
            return forms.MultipleChoiceField(
                label=db_field.verbose_name,
                choices=Feature.choices,
                required=False,
                widget=forms.CheckboxSelectMultiple,
                help_text=db_field.help_text,
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        return (search(queryset, search_term) if search_term.strip() else queryset), False

    @admin.display(description=gettext_lazy("phone"))
    def shown_phone(self, customer: Customer) -> str:
        return phone(customer.phone, customer.phone_extension, get_language())

    @admin.display(description=gettext_lazy("created"), ordering="created_at")
    def created(self, customer: Customer) -> str:
        return iso_date(customer.created_at)

    @admin.display(description=gettext_lazy("space"))
    def space(self, customer: Customer) -> str:
        aside = ""
        if customer.closed_at:
            kind, words = "", _("Closed")
        elif customer.held_at:
            kind, words, aside = "warning", _("On hold"), customer.hold_reason
        elif customer.opened_at:
            kind, words = "good", _("Opened on %(day)s") % {"day": iso_date(customer.opened_at)}
        elif getattr(customer, "is_invited", False):
            kind, words = "warning", _("Invited")
        else:
            kind, words = "", _("Never invited")
        badge = format_html('<span class="badge" data-is="{}">{}</span>', kind, words)
        return format_html('{} <span class="soft">{}</span>', badge, aside) if aside else badge

    @admin.display(description=gettext_lazy("contact e-mail"))
    def shown_email(self, customer: Customer) -> str:
        return format_html(
            '{} <a class="aside" href="{}">{}</a>',
            customer.email or _("None on file."),
            self.address("contact_email", customer.pk),
            _("Change"),
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("activation/", view(self.activation), name=f"{name}_activation"),
            path("<path:object_id>/activate/", view(self.activate), name=f"{name}_activate"),
            path("<path:object_id>/hold/", view(partial(hold_view, self)), name=f"{name}_hold"),
            path("<path:object_id>/subsidiary/", view(partial(declare_view, self)), name=f"{name}_subsidiary"),
            path("<path:object_id>/contact-email/", view(self.contact_email), name=f"{name}_contact_email"),
            *super().get_urls(),
        ]

    @admin.action(description=gettext_lazy("Send an activation request…"))
    def send_activation_requests(self, request: HttpRequest, queryset: QuerySet[Customer]) -> HttpResponse:
        """To the page that says how many and asks once."""
        chosen = ",".join(str(pk) for pk in queryset.values_list("pk", flat=True)) or "0"
        return see_other(f"{self.address('activation')}?id__in={chosen}")

    def activation(self, request: HttpRequest) -> HttpResponse:
        """Activation requests for all customers of a filter or a selection: says how many, asks once, reports."""
        try:
            chosen = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            return see_other(self.address("changelist"))
        customers = Customer.objects.filter(pk__in=chosen.values("pk"))
        waiting = to_invite(customers)
        asked, found = customers.count(), waiting.count()
        if request.method == "POST":
            sent = send_activations(customers=waiting.order_by("pk")[:AT_ONCE], by=agent(request))
            self._report(request, sent=sent, skipped=asked - found, left=found - sent)
            return see_other(self.address("changelist"))
        lead = [
            _("Each of these customers receives an e-mail with a personal link: whoever holds it opens their space."),
            _("Skipped: a space open already or closed, a link that still works, no usable address."),
        ]
        if found > AT_ONCE:
            lead.append(_("They leave %(count)s at a time: come back for the others.") % {"count": AT_ONCE})
        return self.act_page(
            request,
            title=_("Send activation requests"),
            lead=lead,
            facts=[
                (_("Customers chosen"), str(asked)),
                (_("Will receive a request"), str(min(found, AT_ONCE))),
                (_("Skipped"), str(asked - found)),
            ],
            submit=_("Send the requests") if found else "",
            back=self.address("changelist"),
            is_binding=True,
        )

    def _report(self, request: HttpRequest, *, sent: int, skipped: int, left: int) -> None:
        words = ngettext("%(count)s activation request leaves now.", "%(count)s activation requests leave now.", sent)
        self.message_user(request, words % {"count": sent}, messages.SUCCESS if sent else messages.WARNING)
        if skipped:
            words = ngettext("%(count)s customer was skipped.", "%(count)s customers were skipped.", skipped)
            self.message_user(request, words % {"count": skipped}, messages.WARNING)
        if left:
            words = ngettext("%(count)s customer is left to invite.", "%(count)s customers are left to invite.", left)
            self.message_user(request, words % {"count": left}, messages.WARNING)

    def activate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """One customer's activation request, sent at once."""
        customer = self.find(request, object_id)
        if request.method == "POST":
            try:
                sent = send_activation(customer=customer, by=agent(request))
            except Refusal as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
            else:
                self.message_user(request, _("An activation request leaves for %(email)s.") % {"email": sent.email})
        return see_other(self.address("change", customer.pk))

    def contact_email(self, request: HttpRequest, object_id: str) -> HttpResponse:
        customer = self.find(request, object_id)
        form = ContactEmailForm(request.POST or None, initial={"email": customer.email})
        if request.method == "POST" and form.is_valid():
            try:
                change_contact_email(customer=customer, by=agent(request), **form.cleaned_data)
            except Refusal as refusal:
                form.add_error("email", str(refusal))
            else:
                self.message_user(request, _("The contact e-mail is changed."), messages.SUCCESS)
                return see_other(self.address("change", customer.pk))
        return self.act_page(
            request,
            title=_("Change the contact e-mail of %(customer)s") % {"customer": customer.name},
            lead=[_("Whoever confirms this address is recognised as this customer and sees all its invoices.")],
            facts=[(_("Today"), customer.email or _("None on file."))],
            form=form,
            submit=_("Change the contact e-mail"),
            back=self.address("change", customer.pk),
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        extra_context = {"panels": self._panels(request, object_id), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra_context)

    def _panels(self, request: HttpRequest, object_id: str) -> dict[str, Any] | None:
        """The customer's people, invitations and history."""
        customer = self.get_object(request, object_id)
        if customer is None:
            return None
        events = AuditEvent.objects.filter(customer=customer).select_related("by", "customer").order_by("-pk")[:20]
        return {
            "members": customer.memberships.select_related("user").order_by("removed_at", "pk")[:50],
            "requests": customer.activation_requests.select_related("created_by").order_by("-pk")[:5],
            "history": [(event, sentence(event)) for event in events],
            "invoices": reverse("admin:billing_invoice_changelist") + f"?customer__id__exact={customer.pk}",
            "payments": reverse("admin:billing_payment_changelist") + f"?customer__id__exact={customer.pk}",
            "verifications": reverse("admin:organizations_verification_changelist") + f"?q={quote(customer.number)}"
            if customer.kind != Customer.Kind.INDIVIDUAL
            else "",
            "activate": self.address("activate", customer.pk),
            "hold": self.address("hold", customer.pk),
            "subsidiary": self.address("subsidiary", customer.pk) if customer.kind == Customer.Kind.MEMBER else "",
            "is_held": customer.held_at is not None,
            "can_invite": customer.opened_at is None and customer.closed_at is None,
        }
