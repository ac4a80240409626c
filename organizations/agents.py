"""What the agents' admin stands on: an agent sees, finds and does only what belongs to merchants they serve.

Agents hold no permission of Django's: every permission question is answered by the merchants they serve.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib.admin import ActionLocation
from django.contrib.admin import ModelAdmin as DjangoModelAdmin
from django.contrib.admin.utils import unquote
from django.core.paginator import Page, Paginator
from django.db.models import Field, ForeignKey, Model, Q, QuerySet
from django.forms import Field as FormField
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin, TabularInline

from accounts.lookups import FiltersAlone
from organizations.models import Merchant

if TYPE_CHECKING:
    from accounts.models import User


def agent(request: HttpRequest) -> User:
    """The person at work; the site lets nobody in who is not signed in."""
    return cast("User", request.user)


def served_merchants(request: HttpRequest) -> list[Merchant]:
    """The merchants this person serves as an agent: one query a request."""
    kept = request.__dict__
    if "served_merchants" not in kept:
        kept["served_merchants"] = list(Merchant.objects.for_agent(agent(request)).order_by("name", "pk"))
    return kept["served_merchants"]


class OpenPaginator(Paginator):
    """Never counts: it reads one row more than the page, to know whether there is a next one."""

    template_name = "admin/pages.html"
    has_more = False

    @cached_property
    def count(self) -> int:
        return sys.maxsize

    def page(self, number: int | str) -> Page:
        number = self.validate_number(number)
        bottom = (number - 1) * self.per_page
        rows = list(self.object_list[bottom : bottom + self.per_page + 1])
        self.has_more = len(rows) > self.per_page
        return Page(rows[: self.per_page], number, self)


class Scoped:
    """The scope of one model: the path from it to the id of its merchant."""

    scope = "merchant_id"
    scope_attribute = "pk"  # of the merchant: what the path ends in
    is_editable = False
    model: type[Model]

    def served(self, request: HttpRequest) -> list[Any]:
        return [getattr(merchant, self.scope_attribute) for merchant in served_merchants(request)]

    def in_scope(self, queryset: QuerySet, request: HttpRequest) -> QuerySet:
        if request.user.is_active and request.user.is_staff and request.user.is_superuser:
            return queryset
        values = self.served(request)
        # Equality rather than IN for the usual agent, of one merchant: indexes then give the order too.
        return queryset.filter(**({self.scope: values[0]} if len(values) == 1 else {f"{self.scope}__in": values}))

    def serves(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is None or not isinstance(obj, self.model):
            return bool(served_merchants(request))
        if request.user.is_superuser:
            return bool(request.user.is_active and request.user.is_staff)
        value = obj
        for part in self.scope.split("__"):
            value = getattr(value, part)
        return value in self.served(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(served_merchants(request))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.serves(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.is_editable and self.serves(request, obj)

    def has_add_permission(self, request: HttpRequest, *args: object) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class MerchantScopedAdmin(FiltersAlone, Scoped, ModelAdmin):
    """The page of a model that belongs to a merchant. Read-only unless `is_editable`."""

    paginator = OpenPaginator
    show_full_result_count = False
    list_per_page = 50
    view_on_site = False
    preserve_filters = True

    @property
    def media(self) -> forms.Media:
        """No script: every page of ours works without any."""
        return forms.Media()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return self.in_scope(super().get_queryset(request), request)

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> FormField | None:
        """A plain input; of another object, offer what its own page would show this person, and nothing else."""
        if isinstance(db_field, ForeignKey):
            related = self.admin_site.get_model_admin(db_field.remote_field.model)
            kwargs["queryset"] = related.get_queryset(request)
        return db_field.formfield(**kwargs)

    def get_action_choices(
        self,
        request: HttpRequest,
        default_choices: list[tuple[str, str]] | None = None,
        action_location: ActionLocation = ActionLocation.CHANGE_LIST,
    ) -> list[tuple[str, str]]:
        """Django's own: unfold's does not know of action locations yet."""
        return DjangoModelAdmin.get_action_choices(self, request, default_choices, action_location)

    def find(self, request: HttpRequest, object_id: str) -> Any:
        """The object of an address under this page, in the agent's scope; anything else is 404."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        return obj

    def address(self, action: str, *args: object) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{action}", args=args)

    def act_page(
        self,
        request: HttpRequest,
        *,
        title: str,
        lead: Sequence[str],
        submit: str,
        back: str,
        form: forms.Form | None = None,
        facts: Iterable[tuple[str, str]] = (),
        is_binding: bool = False,
    ) -> HttpResponse:
        """A page that names an act, its object and its consequence, before doing it; 422 when refused."""
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "lead": lead,
            "facts": list(facts),
            "form": form,
            "submit": submit,
            "back": back,
            "is_binding": is_binding,
        }
        status = 422 if form is not None and form.is_bound and form.errors else 200
        return TemplateResponse(request, "admin/act.html", context, status=status)


class ScopedTabular(Scoped, TabularInline):
    """Rows of an object that is in scope already: shown, never edited."""

    extra = 0
    max_num = 0
    can_delete = False
    show_change_link = False

    def serves(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(served_merchants(request))


def first_found(queryset: QuerySet, *clues: Q) -> QuerySet:
    """The rows of the first clue that finds any: each can use its index, which one OR of all could not."""
    for clue in clues:
        if queryset.order_by().filter(clue).exists():
            return queryset.filter(clue)
    return queryset.none()


def customer_address(pk: int | None) -> str:
    """The page of a customer, from the lists of what is theirs."""
    return reverse("admin:organizations_customer_change", args=[pk])
