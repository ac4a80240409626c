"""People, for the superuser alone: agents see the people of their customers as members."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Field, Q, QuerySet
from django.forms import Field as FormField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from accounts.lookups import FiltersAlone
from accounts.models import User, normalize_email
from accounts.refusals import Refusal
from accounts.signals import profile_closing


class UserForm(forms.ModelForm):
    def clean_is_active(self) -> bool:
        """Asked inside the transaction that saves: what a receiver locks stays so until then."""
        is_active: bool = self.cleaned_data["is_active"]
        if self.instance.is_active and not is_active:
            try:
                profile_closing.send(sender=User, user=self.instance)
            except Refusal as refusal:
                raise forms.ValidationError(str(refusal)) from refusal
        return is_active


@admin.register(User)
class UserAdmin(FiltersAlone, ModelAdmin):
    """The login e-mail is its owner's to change; a password is chosen by nobody else."""

    form = UserForm
    list_display = ("email", "first_name", "last_name", "is_staff", "is_active", "last_login")
    ordering = ("-pk",)
    sortable_by = ()
    list_per_page = 50
    actions = None
    show_full_result_count = False
    search_fields = ("email",)
    search_help_text = _("E-mail, or beginning of a name")
    readonly_fields = ("email", "last_login", "date_joined", "is_superuser")
    fields = (
        "email",
        ("first_name", "last_name"),
        ("phone", "phone_extension"),
        "language",
        "is_active",
        "is_staff",
        "is_superuser",
        "last_login",
        "date_joined",
    )

    @property
    def media(self) -> forms.Media:
        return forms.Media()

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> FormField | None:
        return db_field.formfield(**kwargs)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        for word in search_term.split():
            queryset = queryset.filter(
                Q(email__startswith=normalize_email(word))
                | Q(first_name__istartswith=word)
                | Q(last_name__istartswith=word)
            )
        return queryset, False

    def _is_superuser(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return self._is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return self._is_superuser(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False
