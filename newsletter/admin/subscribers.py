"""Subscribers and the ledger: found by address, proved on one page, written by word of mouth, exported whole."""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.answers import see_other
from accounts.formats import iso_moment
from accounts.models import Language, normalize_email
from newsletter.admin.imports import import_page
from newsletter.export import ledger_rows
from newsletter.forms import AddressField
from newsletter.links import TOKEN, link_of
from newsletter.models import Consent, Subscriber, Topic, Wording
from newsletter.services import subscriptions
from newsletter.services.subscriptions import Trace, wording_of
from organizations.admin.filters import ChoiceFilter, PeriodFilter
from organizations.agents import MerchantScopedAdmin, agent, served_merchants
from organizations.models import Merchant
from organizations.refusals import Refusal

ORAL = (Consent.Channel.COUNTER, Consent.Channel.PHONE)


class SpokenConsentForm(forms.Form):
    """What somebody said to an agent."""

    data: Any  # of a request: what a browser sends, several values a name

    topics = forms.ModelMultipleChoiceField(
        Topic.objects.none(), label=gettext_lazy("Topics"), widget=forms.CheckboxSelectMultiple
    )
    email = AddressField(label=gettext_lazy("E-mail"), max_length=254)
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        choices=Language.choices,
        help_text=gettext_lazy("That of the words you read, and of the messages."),
    )
    channel = forms.ChoiceField(label=gettext_lazy("How"), choices=[(channel.value, channel.label) for channel in ORAL])
    source = forms.CharField(
        label=gettext_lazy("Evidence"),
        max_length=300,
        help_text=gettext_lazy("What was said, when, and where it is kept: a call, a signed card."),
    )

    wordings = forms.ModelMultipleChoiceField(Wording.objects.none(), widget=forms.MultipleHiddenInput, required=False)

    def __init__(self, data: Any = None, *, request: HttpRequest) -> None:
        super().__init__(data)
        merchants = served_merchants(request)
        fields: Any = self.fields
        fields["topics"].queryset = Topic.objects.offered().filter(merchant__in=merchants)
        fields["wordings"].queryset = Wording.objects.filter(merchant__in=merchants, purpose=Wording.Purpose.NEWS)
        found = (wording_of(merchant=merchant) for merchant in merchants)
        self.shown = [wording for wording in found if wording is not None]
        self.initial["wordings"] = [wording.pk for wording in self.shown]

    def ask_anew(self) -> None:
        """Before it is shown again, refused: it carries the words that it shows. The topics of a merchant whose words
        were replaced meanwhile are no longer ticked, because nobody has heard the new ones.
        """
        if not self.is_bound:
            return
        self.data = self.data.copy()
        read, ticked = self.data.getlist("wordings"), self.data.getlist("topics")
        replaced = [wording.merchant_id for wording in self.shown if str(wording.pk) not in read]
        fields: Any = self.fields
        unheard = {str(topic.pk) for topic in fields["topics"].queryset.filter(merchant__in=replaced)}
        self.errors.pop("wordings", None)
        self.data.setlist("wordings", [wording.pk for wording in self.shown])
        self.data.setlist("topics", [topic for topic in ticked if topic not in unheard])
        if unheard & set(ticked):
            self.add_error("topics", _("The words above were replaced meanwhile: read the new ones aloud, then tick."))

    @property
    def words(self) -> list[tuple[str, str]]:
        """What the agent reads aloud, merchant by merchant, in both languages."""
        return [
            (f"{_('Read aloud')} · {wording.merchant.name} · {language.label}", wording.text_in(language=language))
            for wording in self.shown
            for language in Language
        ]

    def clean_topics(self) -> list[Topic]:
        topics = list(self.cleaned_data["topics"])
        if len({topic.merchant_id for topic in topics}) > 1:
            raise forms.ValidationError(_("Choose the topics of one merchant at a time."))
        return topics

    def clean(self) -> dict[str, Any]:
        """The words that were on the page, of the merchant of the topics."""
        cleaned = super().clean() or self.cleaned_data
        merchants = {topic.merchant_id for topic in cleaned.get("topics") or ()}
        read = [wording for wording in cleaned.get("wordings") or () if wording.merchant_id in merchants]
        cleaned["wording"] = max(read, key=attrgetter("version"), default=None)
        if merchants and cleaned["wording"] is None:
            self.add_error("topics", _("There are no words to read aloud yet: write a wording first."))
        return cleaned


class WithdrawalForm(forms.Form):
    channel = forms.ChoiceField(label=gettext_lazy("How"), choices=[(channel.value, channel.label) for channel in ORAL])
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300, required=False)


class RefusalForm(WithdrawalForm):
    """The same of an address that may never have been subscribed."""

    field_order = ("merchant", "email")
    merchant = forms.ModelChoiceField(Merchant.objects.none(), label=gettext_lazy("Merchant"))
    email = AddressField(label=gettext_lazy("E-mail"), max_length=254)

    def __init__(self, data: Any = None, *, request: HttpRequest) -> None:
        super().__init__(data)
        merchants = served_merchants(request)
        field: Any = self.fields["merchant"]
        field.queryset = Merchant.objects.filter(pk__in=[merchant.pk for merchant in merchants])
        field.initial = merchants[0] if merchants else None


@admin.register(Subscriber)
class SubscriberAdmin(MerchantScopedAdmin):
    list_display = ("email", "merchant", "language", "state", "known")
    list_select_related = ("merchant",)
    ordering = ("-pk",)
    sortable_by = ()
    search_fields = ("email",)
    search_help_text = gettext_lazy("E-mail address, or the subject of an unsubscribe message")
    fields = ("email", "merchant", "language", "known", "state", "soft_bounces", "measured")
    readonly_fields = fields

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        term = normalize_email(search_term)
        if token := None if "@" in term else TOKEN.search(term):
            # What a mail program wrote to the merchant’s address for somebody who wants to leave.
            link = link_of(token=token[0])
            return queryset.filter(pk=link.subscriber.pk if link else None), False
        return (queryset.filter(email__startswith=term) if term else queryset), False

    @admin.display(description=gettext_lazy("status"))
    def state(self, subscriber: Subscriber) -> str:
        if subscriber.suppressed_at is None:
            return _("May be written to, by consent")
        why, when = subscriber.get_suppressed_for_display(), iso_moment(subscriber.suppressed_at)
        return f"{why} · {when}"

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
            lead=[_("From every topic, effective at once. Only the person can subscribe again.")],
            form=form,
            submit=_("Unsubscribe"),
            back=back,
            is_binding=True,
        )

    def refuse(self, request: HttpRequest) -> HttpResponse:
        """Somebody who is not subscribed says no: what they buy later implies nothing."""
        form = RefusalForm(request.POST or None, request=request)
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            trace = Trace(channel=Consent.Channel(data["channel"]), by=agent(request))
            subscriber = subscriptions.note_refusal(
                merchant=data["merchant"], email=data["email"], trace=trace, reason=data["reason"]
            )
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


def _standing(subscriber: Subscriber) -> dict[str, Any]:
    """Where the person stands with each topic, and the latest lines."""
    lines = Consent.objects.filter(subscriber=subscriber).select_related("topic").order_by("-pk")
    return {
        "subscriptions": subscriber.subscriptions.select_related("topic").order_by("topic__pk"),
        "lines": lines[:20],
        "can_leave": Subscriber.objects.filter(pk=subscriber.pk).without_refusal().exists(),
    }
