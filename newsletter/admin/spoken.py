"""What somebody says to an agent, typed into a form: a consent, a refusal. Its pages are in subscribers."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.formats import long_date
from accounts.models import Language
from newsletter.forms import AddressField
from newsletter.models import Consent, Subscription, Topic, Wording
from newsletter.services.subscriptions import wording_of
from organizations.agents import served_merchants
from organizations.models import Merchant

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

    asks = forms.BooleanField(label=gettext_lazy("They ask for it themselves"), required=False)
    wordings = forms.ModelMultipleChoiceField(Wording.objects.none(), widget=forms.MultipleHiddenInput, required=False)
    # Whom the box above was shown for: of another address, it says nothing.
    warned = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any = None, *, request: HttpRequest) -> None:
        super().__init__(data)
        self.left: Subscription | None = None
        merchants = served_merchants(request)
        fields: Any = self.fields
        fields["topics"].queryset = Topic.objects.offered().filter(merchant__in=merchants)
        fields["wordings"].queryset = Wording.objects.filter(merchant__in=merchants, purpose=Wording.Purpose.NEWS)
        found = (wording_of(merchant=merchant) for merchant in merchants)
        self.shown = [wording for wording in found if wording is not None]
        self.initial["wordings"] = [wording.pk for wording in self.shown]

    def ask_anew(self) -> None:
        """Before it is shown again, refused: it carries the words that it shows. The topics of a merchant whose words
        were replaced meanwhile are no longer ticked, because nobody has heard the new ones; nor is the box of who left
        when it was shown for somebody else.
        """
        if self.left is None:
            del self.fields["asks"]
        if not self.is_bound:
            return
        self.data = self.data.copy()
        if not self._is_asked_for():
            self.data.pop("asks", None)
        self.data["warned"] = str(self.left.subscriber_id) if self.left else ""
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
        left = Subscription.objects.filter(subscriber__merchant__in=merchants, left_at__isnull=False)
        self.left = left.filter(subscriber__email=cleaned.get("email", "")).order_by("-left_at").first()
        if self.left and not self._is_asked_for():
            day = long_date(self.left.left_at, get_language() or "")
            words = _("This person unsubscribed on %(day)s. Tick this only if they ask for it themselves.")
            self.add_error("asks", words % {"day": day})
        return cleaned

    def _is_asked_for(self) -> bool:
        said = self.data.get("asks"), self.data.get("warned")
        return self.left is not None and said == ("on", str(self.left.subscriber_id))


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
