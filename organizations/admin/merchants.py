"""Merchants and their branches: the superuser edits them and names their agents, agents read their own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Field, Model
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from guardian.shortcuts import assign_perm, remove_perm

from accounts.answers import see_other
from accounts.models import User, normalize_email
from organizations.agents import MerchantScopedAdmin
from organizations.models import Branch, Merchant
from organizations.models.merchants import SERVE_MERCHANT


class SuperuserEdits(MerchantScopedAdmin):
    """Read by its agents, edited by the superuser alone."""

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_superuser) and self.serves(request, obj)

    def has_add_permission(self, request: HttpRequest, *args: object) -> bool:
        return bool(request.user.is_superuser) and self.serves(request)


class AgentForm(forms.Form):
    """Who becomes an agent of the merchant, or stops being one."""

    email = forms.EmailField(label=gettext_lazy("E-mail address"))

    def clean_email(self) -> str:
        email = normalize_email(self.cleaned_data["email"])
        self.person = User.objects.filter(email=email, is_active=True).first()
        if self.person is None:
            raise forms.ValidationError(_("Nobody signs in with this address yet: ask the person to sign up first."))
        return email


@admin.register(Merchant)
class MerchantAdmin(SuperuserEdits):
    scope = "pk"
    list_display = ("name", "slug", "legal_name", "email", "phone", "is_default")
    ordering = ("name", "pk")
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("name", "legal_name", "slug", "is_default", "hue", "website")}),
        (gettext_lazy("Account-opening desk"), {"fields": ("email", ("phone", "phone_extension"))}),
        (gettext_lazy("Privacy officer"), {"fields": ("privacy_officer", "privacy_email")}),
        (gettext_lazy("Companies"), {"fields": ("verifies_by_itself",)}),
        (gettext_lazy("Taxes"), {"fields": (("gst_number", "qst_number"),)}),
        (
            gettext_lazy("Address"),
            {"fields": ("address_line1", "address_line2", ("city", "province"), ("postal_code", "country"))},
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.agents)
        name = f"{self.opts.app_label}_{self.opts.model_name}_agents"
        return [path("<path:object_id>/agents/", view, name=name), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        merchant = self.get_object(request, object_id)
        agents = User.objects.none()
        if merchant is not None and request.user.is_superuser:
            grants = merchant.agent_grants.filter(permission__codename=SERVE_MERCHANT)
            agents = User.objects.filter(pk__in=grants.values("user_id")).order_by("email")
        extra_context = {"agents": agents, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra_context)

    def agents(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Name an agent of the merchant, or (with `remove`) end that; the superuser only."""
        merchant = self.find(request, object_id)
        if not self.has_change_permission(request, merchant):
            return see_other(self.address("change", merchant.pk))
        form = AgentForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            if "remove" in request.POST:
                remove_perm(SERVE_MERCHANT, form.person, merchant)
                self.message_user(request, _("%(person)s no longer serves this merchant.") % {"person": form.person})
            else:
                User.objects.filter(email=form.cleaned_data["email"]).update(is_staff=True)
                assign_perm(SERVE_MERCHANT, form.person, merchant)
                words = _("%(person)s now serves this merchant.") % {"person": form.person}
                self.message_user(request, words, messages.SUCCESS)
            return see_other(self.address("change", merchant.pk))
        return self.act_page(
            request,
            title=_("Name an agent of %(merchant)s") % {"merchant": merchant.name},
            lead=[_("This person will see and serve every customer of the merchant.")],
            form=form,
            submit=_("Name the agent"),
            back=self.address("change", merchant.pk),
            is_binding=True,
        )


@admin.register(Branch)
class BranchAdmin(SuperuserEdits):
    list_display = ("name", "code", "of", "city", "phone")
    list_select_related = ("merchant",)
    ordering = ("merchant", "name", "pk")
    sortable_by = ()
    fields = (
        "merchant",
        ("name", "code"),
        ("phone", "phone_extension"),
        "address_line1",
        "address_line2",
        ("city", "province"),
        ("postal_code", "country"),
    )

    @admin.display(description=gettext_lazy("merchant"))
    def of(self, branch: Branch) -> str:
        return branch.merchant.name

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> forms.Field | None:
        if db_field.name == "merchant":
            kwargs["label"] = capfirst(gettext_lazy("merchant"))
        return super().formfield_for_dbfield(db_field, request, **kwargs)
