"""The messages of the outbox, for the agents of the merchant they left for: failed first, and sent again."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import BooleanField, Case, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.answers import see_other
from accounts.formats import iso_moment
from accounts.models import OutgoingMessage, normalize_email
from accounts.services import NotSentAgain, send_again
from organizations.admin.filters import ChoiceFilter, PeriodFilter
from organizations.agents import MerchantScopedAdmin, agent


class StatusFilter(ChoiceFilter):
    title = gettext_lazy("status")
    parameter_name = "status"
    options = OutgoingMessage.Status.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(status=self.value()) if self.value() in OutgoingMessage.Status.values else queryset


class ChannelFilter(ChoiceFilter):
    title = gettext_lazy("channel")
    parameter_name = "channel"
    options = OutgoingMessage.Channel.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(channel=self.value()) if self.value() in OutgoingMessage.Channel.values else queryset


@admin.register(OutgoingMessage)
class OutgoingMessageAdmin(MerchantScopedAdmin):
    scope = "merchant_slug"
    scope_attribute = "slug"
    list_display = ("shown_subject", "recipient", "state", "attempts", "written", "sent", "last_error_start")
    list_filter = (StatusFilter, ChannelFilter, ("created_at", PeriodFilter))
    sortable_by = ()
    search_fields = ("recipient",)
    search_help_text = gettext_lazy("E-mail address or phone of the recipient")
    actions = ("send_selected_again",)
    fields = (
        "shown_subject",
        "recipient",
        "channel",
        "state",
        "attempts",
        "written",
        "due_at",
        "sent",
        "delivered_at",
        "returned_at",
        "return_reason",
        "last_error",
        "again",
        "body",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Without the HTML, which the list never shows."""
        return super().get_queryset(request).defer("html", "headers")

    def get_ordering(self, request: HttpRequest) -> tuple[object, ...]:
        failed = When(status=OutgoingMessage.Status.FAILED, then=Value(value=True))
        return (Case(failed, default=Value(value=False), output_field=BooleanField()).desc(), "-pk")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        term = normalize_email(search_term)
        return (queryset.filter(recipient__startswith=term) if term else queryset), False

    @admin.display(description=gettext_lazy("subject"))
    def shown_subject(self, message: OutgoingMessage) -> str:
        return message.subject or _("Text message")

    @admin.display(description=gettext_lazy("status"))
    def state(self, message: OutgoingMessage) -> str:
        is_failed = message.status == OutgoingMessage.Status.FAILED or message.returned_at is not None
        words = _("Returned") if message.returned_at else message.get_status_display()
        return format_html('<span class="{}">{}</span>', "bad" if is_failed else "", words)

    @admin.display(description=gettext_lazy("written"))
    def written(self, message: OutgoingMessage) -> str:
        return iso_moment(message.created_at)

    @admin.display(description=gettext_lazy("sent"))
    def sent(self, message: OutgoingMessage) -> str:
        return iso_moment(message.sent_at) or "–"

    @admin.display(description=gettext_lazy("last error"))
    def last_error_start(self, message: OutgoingMessage) -> str:
        return message.last_error[:80] or "–"

    @admin.display(description=gettext_lazy("text"))
    def body(self, message: OutgoingMessage) -> str:
        if message.is_sensitive:
            return _("Not shown: it carries a personal link or a code.")
        return format_html('<pre class="letter">{}</pre>', message.text)

    @admin.display(description=gettext_lazy("send again"))
    def again(self, message: OutgoingMessage) -> str:
        if not self._may_repeat(message):
            return "–"
        return format_html('<a href="{}">{}</a>', self.address("again", message.pk), _("Send again…"))

    @staticmethod
    def _may_repeat(message: OutgoingMessage) -> bool:
        return message.status == OutgoingMessage.Status.FAILED

    def get_urls(self) -> list[URLPattern]:
        again = self.admin_site.admin_view(self.send_one_again)
        name = f"{self.opts.app_label}_{self.opts.model_name}_again"
        return [path("<path:object_id>/again/", again, name=name), *super().get_urls()]

    def send_one_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        message = self.find(request, object_id)
        if request.method == "POST":
            self._send(request, [message])
            return see_other(self.address("changelist"))
        return self.act_page(
            request,
            title=_("Send the message again"),
            lead=[_("It leaves for %(recipient)s within a minute.") % {"recipient": message.recipient}],
            facts=[(_("Subject"), self.shown_subject(message)), (_("Last error"), message.last_error or "–")],
            submit=_("Send again"),
            back=self.address("change", message.pk),
        )

    @admin.action(description=gettext_lazy("Send again"))
    def send_selected_again(self, request: HttpRequest, queryset: QuerySet[OutgoingMessage]) -> None:
        self._send(request, list(queryset))

    def _send(self, request: HttpRequest, chosen: list[OutgoingMessage]) -> None:
        sent = 0
        for message in chosen:
            try:
                if self._may_repeat(message):
                    send_again(message=message, by=agent(request))
                    sent += 1
            except NotSentAgain as refusal:
                self.message_user(request, str(refusal), messages.WARNING)
        words = ngettext("%(count)s message leaves again.", "%(count)s messages leave again.", sent)
        self.message_user(request, words % {"count": sent}, messages.SUCCESS if sent else messages.WARNING)
