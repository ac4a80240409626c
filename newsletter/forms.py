"""What visitors and subscribers fill: shapes only, nothing is written here."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, cast

from django import forms
from django.db.models import Q
from django.utils.html import format_html
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from accounts.formats import long_date
from accounts.models import Language, normalize_email
from newsletter.models import Subscription, Topic, Wording
from newsletter.services.subscriptions import wording_of
from organizations.models import Merchant

REPLACED = _("The text below was replaced since this page was opened: read the new one, then tick again what you want.")


class AddressField(forms.EmailField):
    """An address in its one spelling."""

    def to_python(self, value: Any) -> str:
        address = normalize_email(super().to_python(value) or "")
        if not address.isascii():
            raise forms.ValidationError(_("Write the address without accents or special letters."))
        return address


class TopicsField(forms.ModelMultipleChoiceField):
    """Topics to tick, each with its description, and until when it comes without an express consent."""

    widget = forms.CheckboxSelectMultiple
    ends: dict[int, datetime] = {}

    def label_from_instance(self, obj: Topic) -> str:
        words = obj.about
        if end := self.ends.get(obj.pk):
            day = long_date(end, get_language() or "")
            words = gettext("You receive it because of a purchase or a request, until %(day)s.") % {"day": day}
        return format_html('<span>{} <small class="soft">{}</small></span>', obj.name, words) if words else obj.name


class WordedForm(forms.Form):
    """A form that carries the version of the words on its page: that is what is agreed to."""

    data: Any  # of a request: what a browser sends, several values a name

    wording = forms.ModelChoiceField(Wording.objects.none(), widget=forms.HiddenInput)

    def __init__(self, *args: Any, merchant: Merchant, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.merchant = merchant
        self.shown = wording_of(merchant=merchant)
        self._choices("wording").queryset = merchant.wordings.filter(purpose=Wording.Purpose.NEWS)
        self.initial["wording"] = self.shown.pk if self.shown else None

    def ask_anew(self) -> None:
        """Before a refused form is shown again: if its words were replaced meanwhile, it carries the new ones that it
        shows, and nothing is ticked that was agreed to with the old ones. A new text needs a new yes.
        """
        if not self.is_bound or self.shown is None or self.data.get("wording") == str(self.shown.pk):
            return
        self.data = self.data.copy()
        self.data["wording"] = self.shown.pk
        self.errors.pop("wording", None)
        if self._untick():
            self.add_error("topics", REPLACED)

    def _untick(self) -> bool:
        """Take away each new yes; whether there was one."""
        was_ticked = bool(self.data.getlist("topics"))
        self.data.setlist("topics", [])
        return was_ticked

    def _choices(self, name: str) -> forms.ModelChoiceField:
        return cast("forms.ModelChoiceField", self.fields[name])


class SubscribeForm(WordedForm):
    """The form at the foot of every public page."""

    email = AddressField(label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    language = forms.ChoiceField(label=_("Language of our messages"), choices=Language.choices)
    topics = TopicsField(
        Topic.objects.none(),
        label=_("What you want to receive"),
        error_messages={"required": _("Choose at least one topic.")},
    )
    website = forms.CharField(
        required=False, widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}), label=""
    )

    def __init__(self, *args: Any, merchant: Merchant, **kwargs: Any) -> None:
        # Other forms of the page may have an e-mail too.
        super().__init__(*args, merchant=merchant, auto_id="subscribe_%s", **kwargs)
        self._choices("topics").queryset = merchant.topics.all().offered()
        self.initial.setdefault("language", get_language())

    @property
    def has_topics(self) -> bool:
        """Whether there is something to agree to, and words to agree with."""
        return self.shown is not None and bool(self._choices("topics").queryset)

    @property
    def is_robot(self) -> bool:
        """The field nobody sees is filled."""
        return bool(self.cleaned_data.get("website"))


class PreferencesForm(WordedForm):
    """Topics of one subscriber. Only a change is an act: what was ticked already when the page was made gives nothing.

    An implied consent is shown as what it is; agreeing expressly has boxes of its own, none of them ticked. So has
    being measured, where there are words for it.
    """

    topics = TopicsField(Topic.objects.none(), label=_("What you receive"), required=False)
    agreed = TopicsField(
        Topic.objects.none(),
        label=_("Receive it without an end"),
        required=False,
        help_text=_("Otherwise it stops by itself on the day said above."),
    )
    language = forms.ChoiceField(label=_("Language of our messages"), choices=Language.choices)
    had = forms.ModelMultipleChoiceField(Topic.objects.none(), widget=forms.MultipleHiddenInput, required=False)
    measured = forms.BooleanField(required=False)
    was_measured = forms.BooleanField(required=False, widget=forms.HiddenInput)
    measuring = forms.ModelChoiceField(Wording.objects.none(), required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        merchant: Merchant,
        held: Collection[Subscription],
        language: str,
        measuring: Wording | None,
        is_measured: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, merchant=merchant, auto_id=f"newsletter_{merchant.pk}_%s", **kwargs)
        self.fields["wording"].required = False
        ticked = [subscription.topic_id for subscription in held]
        # Without words to agree with, one can only leave.
        offered = Q(pk__in=ticked) | Q(closed_at=None) if self.shown else Q(pk__in=ticked)
        mine = Topic.objects.filter(merchant=merchant).order_by("pk")
        self._choices("topics").queryset = mine.filter(offered)
        self._choices("had").queryset = mine
        self.initial.update(topics=ticked, had=ticked, language=language)
        ends = {row.topic_id: row.implied_until for row in held if row.express_at is None and row.implied_until}
        cast(TopicsField, self.fields["topics"]).ends = ends
        self._choices("agreed").queryset = mine.filter(pk__in=ends)
        if not ends or self.shown is None:
            del self.fields["agreed"]
        self._offer_measuring(measuring, is_measured=is_measured)

    def _offer_measuring(self, words: Wording | None, *, is_measured: bool) -> None:
        if words is None:
            for name in ("measured", "was_measured", "measuring"):
                del self.fields[name]
            return
        self.fields["measured"].label = words.text
        self._choices("measuring").queryset = self.merchant.wordings.filter(purpose=Wording.Purpose.MEASURING)
        self.initial.update(measured=is_measured, was_measured=is_measured, measuring=words.pk)

    @property
    def has_topics(self) -> bool:
        """Whether there is something to choose."""
        return bool(self._choices("topics").queryset)

    def _untick(self) -> bool:
        """What was held stays as it was chosen: keeping it and leaving it need no words."""
        chosen, had = self.data.getlist("topics"), self.data.getlist("had")
        kept = [topic for topic in chosen if topic in had]
        was_ticked = len(kept) < len(chosen) or bool(self.data.getlist("agreed"))
        self.data.setlist("topics", kept)
        self.data.setlist("agreed", [])
        return was_ticked

    def clean(self) -> dict[str, Any]:
        """What begins and what ends, from what the page showed."""
        cleaned = super().clean() or self.cleaned_data
        topics, had, agreed = (list(cleaned.get(name) or ()) for name in ("topics", "had", "agreed"))
        cleaned["begun"] = list(dict.fromkeys([topic for topic in topics if topic not in had] + agreed))
        cleaned["ended"] = [topic for topic in had if topic not in topics]
        if set(agreed) - set(topics):
            self.add_error("agreed", _("You agree to a topic that you no longer tick above: choose one or the other."))
        if cleaned["begun"] and not cleaned.get("wording"):
            self.add_error("topics", _("This page has changed meanwhile: open it again."))
        cleaned["changes_measuring"] = cleaned.get("measured", False) != cleaned.get("was_measured", False)
        if cleaned["changes_measuring"] and cleaned.get("measured") and not cleaned.get("measuring"):
            self.add_error("measured", _("This page has changed meanwhile: open it again."))
        return cleaned


class LeaveForm(forms.Form):
    reason = forms.CharField(
        label=_("Why are you leaving?"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
