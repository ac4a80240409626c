"""Topics, the words one agrees to, and how campaigns leave."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.formats import iso_moment, yes_or_no
from newsletter.admin.deeds import deeds_of
from newsletter.models import Newsletter, Topic, Wording
from newsletter.services.measures import write_first_words
from newsletter.services.subscriptions import write_wording
from organizations.agents import MerchantScopedAdmin, agent, served_merchants

NAMES = ("name_fr", "name_en")
COLON = pgettext_lazy("before an error", ":")


def _said(form: Any, name: str) -> str:
    value = form.cleaned_data[name]
    if isinstance(value, bool):
        return yes_or_no(value)
    return str(value or "–")


class AgentsEdit(MerchantScopedAdmin):
    """Added and edited by the agents of the merchant, who cannot give it to another. Who changed what stays in sight:
    these are the switches by which a consent begins.
    """

    is_editable = True
    change_form_template = "admin/newsletter/kept_form.html"

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        """With what was chosen, in the words of its page."""
        if add:
            return super().construct_change_message(request, form, formsets, add)
        return ", ".join(f"{form.fields[name].label}{COLON} {_said(form, name)}" for name in form.changed_data)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        context["deeds"] = deeds_of(of=options["obj"]) if options["obj"] else []
        return super().render_change_form(request, context, *args, **options)

    def has_add_permission(self, request: HttpRequest, *args: object) -> bool:
        return bool(served_merchants(request))

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        fixed = () if obj is None else ("merchant",)
        return (*super().get_readonly_fields(request, obj), *fixed)


@admin.register(Topic)
class TopicAdmin(AgentsEdit):
    list_display = ("name_fr", "name_en", "slug", "merchant", "takes_implied", "closed")
    list_select_related = ("merchant",)
    ordering = ("merchant", "pk")
    sortable_by = ()
    fields = ("merchant", "slug", ("name_fr", "name_en"), ("about_fr", "about_en"), "takes_implied", "closed_at")

    @admin.display(description=_("closed"))
    def closed(self, topic: Topic) -> str:
        return iso_moment(topic.closed_at) or "–"

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        fixed = () if obj is None else ("slug", *(NAMES if self._is_in_ledger(obj) else ()))
        return (*super().get_readonly_fields(request, obj), *fixed)

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        words = _(
            "Somebody has answered to these names: they are part of the proof, and stay. To say it otherwise, close "
            "this topic and make another."
        )
        return [(None, {"fields": self.fields, "description": words if self._is_in_ledger(obj) else ""})]

    @staticmethod
    def _is_in_ledger(obj: Model | None) -> bool:
        return isinstance(obj, Topic) and obj.subscriptions.exists()


@admin.register(Newsletter)
class NewsletterAdmin(AgentsEdit):
    list_display = ("merchant", "per_minute", "takes_invoices", "takes_inquiries")
    list_select_related = ("merchant",)
    ordering = ("merchant",)
    sortable_by = ()
    fields = (
        *("merchant", "per_minute", ("takes_invoices", "takes_inquiries"), ("most_bounces", "most_complaints")),
        "measures",
    )

    def save_model(self, request: HttpRequest, obj: Newsletter, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        super().save_model(request, obj, form, change)
        if not obj.measures:
            return
        write_first_words(merchant=obj.merchant, by=agent(request))
        if not any(settings.ANYMAIL.values()):
            words = _("No mail service tells us anything yet: openings and clicks stay unknown until one is set up.")
            self.message_user(request, words, messages.WARNING)


@admin.register(Wording)
class WordingAdmin(MerchantScopedAdmin):
    """A new version replaces the one before; none is ever edited."""

    list_display = ("version", "merchant", "purpose", "written", "text_fr")
    list_select_related = ("merchant",)
    ordering = ("merchant", "purpose", "-version")
    sortable_by = ()
    fields = ("merchant", "purpose", "text_fr", "text_en")

    def has_add_permission(self, request: HttpRequest, *args: object) -> bool:
        return bool(served_merchants(request))

    @admin.display(description=_("written"))
    def written(self, wording: Wording) -> str:
        return iso_moment(wording.created_at)

    def save_model(self, request: HttpRequest, obj: Wording, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        written = write_wording(
            merchant=obj.merchant,
            text_fr=obj.text_fr,
            text_en=obj.text_en,
            by=agent(request),
            purpose=Wording.Purpose(obj.purpose),
        )
        obj.pk, obj.version = written.pk, written.version
