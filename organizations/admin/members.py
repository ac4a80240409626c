"""The people of customers, for agents: who they are, and ending a membership."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.answers import see_other
from accounts.formats import iso_date, phone
from accounts.models import normalize_email
from accounts.spelling import plain
from organizations.admin.filters import ChoiceFilter
from organizations.agents import MerchantScopedAdmin, agent, customer_address
from organizations.models import Membership
from organizations.permissions import Role
from organizations.refusals import Refusal
from organizations.services.members import remove_member


class RoleFilter(ChoiceFilter):
    title = gettext_lazy("role")
    parameter_name = "role"
    options = Role.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(role=self.value()) if self.value() in Role.values else queryset


class StateFilter(ChoiceFilter):
    title = gettext_lazy("state")
    parameter_name = "state"
    options = [
        ("active", gettext_lazy("In force")),
        ("waiting", gettext_lazy("Waiting for their person")),
        ("ended", gettext_lazy("Ended")),
    ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        match self.value():
            case "active":
                return queryset.filter(pk__in=Membership.objects.active().exclude(user=None).values("pk"))
            case "waiting":
                return queryset.filter(pk__in=Membership.objects.waiting().values("pk"))
            case "ended":
                return queryset.filter(Q(removed_at__isnull=False) | Q(ends_on__lt=timezone.localdate()))
        return queryset


@admin.register(Membership)
class MembershipAdmin(MerchantScopedAdmin):
    scope = "customer__merchant_id"
    list_display = ("name", "email", "of", "role", "state", "starts_on", "ends_on")
    list_filter = (RoleFilter, StateFilter)
    ordering = ("-pk",)
    sortable_by = ()
    search_fields = ("email",)
    search_help_text = gettext_lazy("E-mail, name, or customer number")
    fields = ("of", "name", "email", "shown_phone", "role", "state", "starts_on", "ends_on", "linked_at", "end")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("customer", "user", "removed_by")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        for word in plain(search_term).split():
            queryset = queryset.filter(
                Q(email__startswith=normalize_email(word))
                | Q(first_name__plain__startswith=word)
                | Q(last_name__plain__startswith=word)
                | Q(user__first_name__plain__startswith=word)
                | Q(user__last_name__plain__startswith=word)
                | Q(customer__number__iexact=word)
            )
        return queryset, False

    @admin.display(description=gettext_lazy("name"))
    def name(self, membership: Membership) -> str:
        return membership.name or (str(membership.user) if membership.user else "–")

    @admin.display(description=gettext_lazy("customer"))
    def of(self, membership: Membership) -> str:
        return format_html('<a href="{}">{}</a>', customer_address(membership.customer_id), membership.customer)

    @admin.display(description=gettext_lazy("phone"))
    def shown_phone(self, membership: Membership) -> str:
        return phone(membership.phone) or "–"

    @admin.display(description=gettext_lazy("state"))
    def state(self, membership: Membership) -> str:
        today = timezone.localdate()
        if membership.removed_at or (membership.ends_on and membership.ends_on < today):
            return _("Ended on %(day)s") % {"day": iso_date(membership.removed_at or membership.ends_on)}
        if membership.starts_on and membership.starts_on > today:
            return _("Begins later")
        return _("In force") if membership.user_id else _("Waiting for their person")

    @admin.display(description=gettext_lazy("end"))
    def end(self, membership: Membership) -> str:
        if membership.removed_at:
            return _("Ended by %(person)s") % {"person": membership.removed_by or "–"}
        return format_html('<a href="{}">{}</a>', self.address("end", membership.pk), _("End this membership…"))

    def get_urls(self) -> list[URLPattern]:
        end = self.admin_site.admin_view(self.end_membership)
        name = f"{self.opts.app_label}_{self.opts.model_name}_end"
        return [path("<path:object_id>/end/", end, name=name), *super().get_urls()]

    def end_membership(self, request: HttpRequest, object_id: str) -> HttpResponse:
        membership = self.find(request, object_id)
        back = self.address("change", membership.pk)
        if request.method == "POST":
            try:
                remove_member(membership=membership, by=agent(request))
            except Refusal as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
            else:
                self.message_user(request, _("The membership is ended."), messages.SUCCESS)
            return see_other(back)
        words = {"person": self.name(membership), "customer": membership.customer}
        return self.act_page(
            request,
            title=_("End the membership of %(person)s") % words,
            lead=[_("%(person)s loses access to %(customer)s at once. The history keeps that you ended it.") % words],
            submit=_("End the membership"),
            back=back,
            is_binding=True,
        )
