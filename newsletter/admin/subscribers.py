"""Subscribers and the ledger: found by address, proved on one page, written by word of mouth, exported whole."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.answers import see_other
from accounts.formats import iso_date, iso_moment
from accounts.models import normalize_email
from newsletter.admin.imports import import_page
from newsletter.admin.spoken import RefusalForm, SpokenConsentForm, WithdrawalForm
from newsletter.export import ledger_rows
from newsletter.links import TOKEN, link_of
from newsletter.models import Consent, Subscriber, Subscription
from newsletter.services import subscriptions
from newsletter.services.subscriptions import NothingToRefuse, Trace
from organizations.admin.filters import ChoiceFilter, PeriodFilter
from organizations.agents import MerchantScopedAdmin, agent, served_merchants
from organizations.refusals import Refusal


class StateFilter(ChoiceFilter):
    title = gettext_lazy("status")
    parameter_name = "state"
    options = [
        ("in_force", gettext_lazy("Consent in force")),
        ("left", gettext_lazy("Unsubscribed")),
        ("suppressed", gettext_lazy("Suppressed")),
    ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "suppressed":
            return queryset.filter(suppressed_at__isnull=False)
        if self.value() == "in_force":
            return queryset.filter(_in_force(), suppressed_at=None)
        if self.value() == "left":
            return queryset.filter(Exists(_left()), ~_in_force(), suppressed_at=None)
        return queryset


@admin.register(Subscriber)
class SubscriberAdmin(MerchantScopedAdmin):
    list_display = ("email", "merchant", "language", "standing", "known")
    list_select_related = ("merchant",)
    list_filter = (StateFilter,)
    ordering = ("-pk",)
    sortable_by = ()
    search_fields = ("email",)
    search_help_text = gettext_lazy("E-mail address, or the subject of an unsubscribe message")
    fields = ("email", "merchant", "language", "known", "standing", "soft_bounces", "measured")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """With what `standing` says, asked for the rows of the page alone."""
        left_at = Subquery(_left().order_by("-left_at").values("left_at")[:1])
        return super().get_queryset(request).annotate(is_in_force=_in_force(), left_at=left_at)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        term = normalize_email(search_term)
        if token := None if "@" in term else TOKEN.search(term):
            # What a mail program wrote to the merchant’s address for somebody who wants to leave.
            link = link_of(token=token[0])
            return queryset.filter(pk=link.subscriber.pk if link else None), False
        return (queryset.filter(email__startswith=term) if term else queryset), False

    @admin.display(description=gettext_lazy("status"))
    def standing(self, subscriber: Any) -> str:
        if subscriber.suppressed_at is not None:
            return f"{subscriber.get_suppressed_for_display()} · {iso_moment(subscriber.suppressed_at)}"
        if subscriber.is_in_force:
            return _("May be written to, by consent")
        if subscriber.left_at is not None:
            return _("Unsubscribed since %(day)s") % {"day": iso_date(subscriber.left_at)}
        return _("Nothing in force")

    @admin.display(description=gettext_lazy("agreed to be measured"))
    def measured(self, subscriber: Subscriber) -> str:
        return iso_moment(subscriber.measured_at) or "–"

    @admin.display(description=gettext_lazy("known since"))
    def known(self, subscriber: Subscriber) -> str:
        return iso_moment(subscriber.created_at)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("spoken/", view(self.note), name=f"{name}_note"),
            path("refusal/", view(self.refuse), name=f"{name}_refusal"),
            path("import/", view(partial(import_page, self)), name=f"{name}_import"),
            path("<path:object_id>/proof/", view(self.proof), name=f"{name}_proof"),
            path("<path:object_id>/withdraw/", view(self.withdraw), name=f"{name}_withdraw"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        subscriber = self.get_object(request, object_id)
        extra_context = {"panels": _standing(subscriber) if subscriber else {}, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra_context)

    def proof(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Everything that proves what this address agreed to, on one page that prints."""
        subscriber = self.find(request, object_id)
        lines = Consent.objects.filter(subscriber=subscriber).order_by("pk")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Proof of consent: %(email)s") % {"email": subscriber.email},
            "subscriber": subscriber,
            "lines": lines.select_related("topic", "wording", "sign_up", "by"),
            "subscriptions": _subscriptions(subscriber),
            "now": timezone.now(),
            "back": self.address("change", subscriber.pk),
        }
        return TemplateResponse(request, "admin/newsletter/proof.html", context)

    def note(self, request: HttpRequest) -> HttpResponse:
        """An express consent given at the counter or by phone."""
        form = SpokenConsentForm(request.POST or None, request=request)
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            trace = Trace(channel=Consent.Channel(data["channel"]), by=agent(request))
            try:
                subscriber = subscriptions.note_consent(
                    email=data["email"],
                    language=data["language"],
                    topics=data["topics"],
                    wording=data["wording"],
                    source=data["source"],
                    trace=trace,
                )
            except Refusal as refusal:
                form.add_error("source", str(refusal))
            else:
                self.message_user(request, _("The consent is in the ledger, in your name."), messages.SUCCESS)
                return see_other(self.address("change", subscriber.pk))
        form.ask_anew()
        return self.act_page(
            request,
            title=_("Note a consent given aloud"),
            lead=[
                _("Only for somebody to whom you read these words, and who said yes."),
                _("It stays in the ledger, with your name."),
            ],
            facts=form.words,
            form=form,
            submit=_("Note the consent"),
            back=self.address("changelist"),
            is_binding=True,
        )

    def withdraw(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Somebody asks an agent not to be written to any more."""
        subscriber = self.find(request, object_id)
        form = WithdrawalForm(request.POST or None)
        back = self.address("change", subscriber.pk)
        if request.method == "POST" and form.is_valid():
            trace = Trace(channel=Consent.Channel(form.cleaned_data["channel"]), by=agent(request))
            subscriptions.leave(subscriber=subscriber, trace=trace, reason=form.cleaned_data["reason"])
            self.message_user(request, _("No newsletter leaves for this address any more."), messages.SUCCESS)
            return see_other(back)
        return self.act_page(
            request,
            title=_("Unsubscribe %(email)s") % {"email": subscriber.email},
            lead=[_("From every topic, effective at once. They come back only if they ask for it.")],
            form=form,
            submit=_("Unsubscribe this person"),
            back=back,
            is_binding=True,
        )

    def refuse(self, request: HttpRequest) -> HttpResponse:
        """Somebody who is not subscribed says no: what they buy later implies nothing."""
        form = RefusalForm(request.POST or None, request=request)
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            trace = Trace(channel=Consent.Channel(data["channel"]), by=agent(request))
            given = {"merchant": data["merchant"], "email": data["email"], "reason": data["reason"]}
            try:
                subscriber = subscriptions.note_refusal(**given, trace=trace)
            except NothingToRefuse as refusal:
                form.add_error("merchant", str(refusal))
            else:
                self.message_user(request, _("No newsletter leaves for this address any more."), messages.SUCCESS)
                return see_other(self.address("change", subscriber.pk))
        return self.act_page(
            request,
            title=_("Note a refusal"),
            lead=[_("From every topic, effective at once, whether or not the address is subscribed.")],
            form=form,
            submit=_("Note the refusal"),
            back=self.address("changelist"),
            is_binding=True,
        )


class ActFilter(ChoiceFilter):
    title = gettext_lazy("act")
    parameter_name = "act"
    options = Consent.Act.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(act=self.value()) if self.value() in Consent.Act.values else queryset


@admin.register(Consent)
class ConsentAdmin(MerchantScopedAdmin):
    scope = "subscriber__merchant_id"
    list_display = ("moment", "whose", "matter", "act", "kind", "channel")
    list_filter = (ActFilter, ("at", PeriodFilter))
    ordering = ("-pk",)
    sortable_by = ()
    search_fields = ("subscriber__email",)
    search_help_text = gettext_lazy("E-mail address")
    fields = (
        *("moment", "recorded", "whose", "matter", "act", "kind", "channel", "words", "language", "ip", "user_agent"),
        *("by", "source", "expires_at", "reason"),
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("subscriber", "topic", "wording", "by")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        term = normalize_email(search_term)
        return (queryset.filter(subscriber__email=term) if term else queryset), False

    @admin.display(description=gettext_lazy("moment"))
    def moment(self, consent: Consent) -> str:
        return iso_moment(consent.at)

    @admin.display(description=gettext_lazy("what is agreed to"))
    def matter(self, consent: Consent) -> str:
        return consent.matter

    @admin.display(description=gettext_lazy("recorded"))
    def recorded(self, consent: Consent) -> str:
        return iso_moment(consent.recorded_at)

    @admin.display(description=gettext_lazy("e-mail address"))
    def whose(self, consent: Consent) -> str:
        return consent.subscriber.email

    @admin.display(description=gettext_lazy("wording"))
    def words(self, consent: Consent) -> str:
        if consent.wording is None:
            return "–"
        return f"{consent.wording.version} · {consent.wording.text_in(language=consent.language)}"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export)
        return [path("export/", view, name="newsletter_consent_export"), *super().get_urls()]

    def export(self, request: HttpRequest) -> StreamingHttpResponse:
        """The whole ledger of the agent's merchants, as CSV."""
        merchants = served_merchants(request)
        response = StreamingHttpResponse(ledger_rows(merchants=merchants), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="consents-{timezone.localdate()}.csv"'
        return response


def _subscriptions(subscriber: Subscriber) -> QuerySet[Subscription]:
    return subscriber.subscriptions.select_related("topic").order_by("topic__pk")


def _left() -> QuerySet[Subscription]:
    return Subscription.objects.filter(subscriber=OuterRef("pk"), left_at__isnull=False)


def _in_force() -> Exists:
    return Exists(Subscription.objects.filter(subscriber=OuterRef("pk")).active())


def _standing(subscriber: Subscriber) -> dict[str, Any]:
    """Where the person stands with each topic, and the latest lines."""
    lines = Consent.objects.filter(subscriber=subscriber).select_related("topic").order_by("-pk")
    return {
        "subscriptions": _subscriptions(subscriber),
        "lines": lines[:20],
        "can_leave": Subscriber.objects.filter(pk=subscriber.pk).without_refusal().exists(),
    }
