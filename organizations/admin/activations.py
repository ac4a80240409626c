"""The activation requests sent to customers: waiting, expired, used; sending one again."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.answers import see_other
from accounts.formats import iso_date
from accounts.models import normalize_email
from organizations.admin.filters import ChoiceFilter, PeriodFilter
from organizations.agents import MerchantScopedAdmin, agent, customer_address
from organizations.models import ActivationRequest
from organizations.refusals import Refusal
from organizations.services.activation import send_activation


class StateFilter(ChoiceFilter):
    title = gettext_lazy("state")
    parameter_name = "state"
    options = [
        ("open", gettext_lazy("Waiting")),
        ("expired", gettext_lazy("Expired, never used")),
        ("used", gettext_lazy("Used")),
        ("replaced", gettext_lazy("Replaced by a newer one")),
    ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        live = {"used_at": None, "revoked_at": None}
        match self.value():
            case "open":
                return queryset.filter(**live, expires_at__gt=timezone.now())
            case "expired":
                return queryset.filter(**live, expires_at__lte=timezone.now(), customer__opened_at=None)
            case "used":
                return queryset.filter(used_at__isnull=False)
            case "replaced":
                return queryset.filter(revoked_at__isnull=False)
        return queryset


@admin.register(ActivationRequest)
class ActivationRequestAdmin(MerchantScopedAdmin):
    scope = "customer__merchant_id"
    list_display = ("email", "to", "state", "sent", "sender")
    list_filter = (StateFilter, ("created_at", PeriodFilter))
    ordering = ("-pk",)
    sortable_by = ()
    search_fields = ("email",)
    search_help_text = gettext_lazy("E-mail, or customer number")
    actions = ("send_selected_again",)
    fields = ("email", "to", "state", "sent", "expires_at", "used_at", "revoked_at", "sender", "again")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("customer", "created_by")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if "@" in term:
            return queryset.filter(email__startswith=normalize_email(term)), False
        return queryset.filter(customer__number=term), False

    @admin.display(description=gettext_lazy("customer"))
    def to(self, activation: ActivationRequest) -> str:
        return format_html('<a href="{}">{}</a>', customer_address(activation.customer_id), activation.customer)

    @admin.display(description=gettext_lazy("sent"))
    def sent(self, activation: ActivationRequest) -> str:
        return iso_date(activation.created_at)

    @admin.display(description=gettext_lazy("sent by"))
    def sender(self, activation: ActivationRequest) -> str:
        return str(activation.created_by)

    @admin.display(description=gettext_lazy("state"))
    def state(self, activation: ActivationRequest) -> str:
        if activation.used_at:
            return _("Used on %(day)s") % {"day": iso_date(activation.used_at)}
        if activation.revoked_at:
            return _("Replaced by a newer one")
        if activation.expires_at <= timezone.now():
            return _("Expired on %(day)s") % {"day": iso_date(activation.expires_at)}
        return _("Waiting until %(day)s") % {"day": iso_date(activation.expires_at)}

    @admin.display(description=gettext_lazy("send again"))
    def again(self, activation: ActivationRequest) -> str:
        if activation.used_at:
            return "–"
        return format_html('<a href="{}">{}</a>', self.address("again", activation.pk), _("Send again…"))

    def get_urls(self) -> list[URLPattern]:
        again = self.admin_site.admin_view(self.send_again)
        name = f"{self.opts.app_label}_{self.opts.model_name}_again"
        return [path("<path:object_id>/again/", again, name=name), *super().get_urls()]

    def send_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        activation = self.find(request, object_id)
        if request.method == "POST":
            self._send(request, [activation])
            return see_other(self.address("changelist"))
        return self.act_page(
            request,
            title=_("Send the activation request again"),
            lead=[_("A new link leaves for %(email)s; the former one stops working.") % {"email": activation.email}],
            facts=[(_("Customer"), str(activation.customer))],
            submit=_("Send again"),
            back=self.address("change", activation.pk),
        )

    @admin.action(description=gettext_lazy("Send again"))
    def send_selected_again(self, request: HttpRequest, queryset: QuerySet[ActivationRequest]) -> None:
        self._send(request, list(queryset.filter(used_at=None)))

    def _send(self, request: HttpRequest, activations: list[ActivationRequest]) -> None:
        sent = 0
        for activation in activations:
            try:
                send_activation(customer=activation.customer, by=agent(request), membership=activation.membership)
            except Refusal as refusal:
                self.message_user(request, f"{activation.email}: {refusal}", messages.WARNING)
            else:
                sent += 1
        words = ngettext("%(count)s activation request leaves now.", "%(count)s activation requests leave now.", sent)
        self.message_user(request, words % {"count": sent}, messages.SUCCESS if sent else messages.WARNING)
