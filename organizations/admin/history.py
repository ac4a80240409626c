"""What happened, as sentences in the reader's language; nobody edits it."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.formats import iso_moment
from accounts.models import normalize_email
from organizations.admin.filters import ChoiceFilter, PeriodFilter
from organizations.agents import MerchantScopedAdmin, customer_address
from organizations.models import AuditEvent
from organizations.sentences import sentence


class EventFilter(ChoiceFilter):
    title = _("event")
    parameter_name = "event"
    options = AuditEvent.Event.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(event=self.value()) if self.value() in AuditEvent.Event.values else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(MerchantScopedAdmin):
    list_display = ("moment", "words", "whose", "who")
    list_display_links = ("moment",)
    list_filter = (EventFilter, ("at", PeriodFilter))
    ordering = ("-pk",)
    sortable_by = ()
    search_fields = ("customer__number",)
    search_help_text = _("Customer number, or e-mail of the person")
    fields = ("moment", "words", "whose", "who", "event")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("customer", "by")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        by_person, by_customer = Q(by__email=normalize_email(term)), Q(customer__number=term)
        return queryset.filter(by_person if "@" in term else by_customer), False

    @admin.display(description=_("moment"))
    def moment(self, event: AuditEvent) -> str:
        return iso_moment(event.at)

    @admin.display(description=_("customer"))
    def whose(self, event: AuditEvent) -> str:
        if event.customer is None:
            return "–"
        return format_html('<a href="{}">{}</a>', customer_address(event.customer_id), event.customer)

    @admin.display(description=_("person"))
    def who(self, event: AuditEvent) -> str:
        return str(event.by or "–")

    @admin.display(description=_("what happened"))
    def words(self, event: AuditEvent) -> str:
        return sentence(event)
