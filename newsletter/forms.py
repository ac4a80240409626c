"""What visitors and subscribers fill: shapes only, nothing is written here."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.db.models import Q
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import Language
from newsletter.models import Topic, TopicQuerySet, Wording
from newsletter.services.subscriptions import wording_of
from organizations.models import Merchant


class TopicsField(forms.ModelMultipleChoiceField):
    """Topics to tick, each with its description; none is ticked beforehand."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: Topic) -> str:
        if not obj.about:
            return obj.name
        return format_html('<span>{} <small class="soft">{}</small></span>', obj.name, obj.about)


class WordedForm(forms.Form):
    """A form that carries the version of the words on its page: that is what is agreed to."""

    wording = forms.ModelChoiceField(Wording.objects.none(), widget=forms.HiddenInput)

    def __init__(self, *args: Any, merchant: Merchant, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shown = wording_of(merchant=merchant)
        self._choices("wording").queryset = Wording.objects.filter(merchant=merchant)
        self.initial["wording"] = self.shown.pk if self.shown else None

    @property
    def has_topics(self) -> bool:
        """Whether there is something to agree to, and words to agree with."""
        return self.shown is not None and bool(self._choices("topics").queryset)

    def _choices(self, name: str) -> forms.ModelChoiceField:
        return cast("forms.ModelChoiceField", self.fields[name])


class SubscribeForm(WordedForm):
    """The form at the foot of every public page."""

    email = forms.EmailField(
        label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    language = forms.ChoiceField(label=_("Language of our messages"), choices=Language.choices)
    topics = TopicsField(Topic.objects.none(), label=_("What you want to receive"))
    website = forms.CharField(
        required=False, widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}), label=""
    )

    def __init__(self, *args: Any, merchant: Merchant, **kwargs: Any) -> None:
        # Other forms of the page may have an e-mail too.
        super().__init__(*args, merchant=merchant, auto_id="subscribe_%s", **kwargs)
        self._choices("topics").queryset = merchant.topics.all().offered()
        self.initial.setdefault("language", get_language())

    @property
    def is_robot(self) -> bool:
        """The field nobody sees is filled."""
        return bool(self.cleaned_data.get("website"))


class PreferencesForm(WordedForm):
    """Topics of one subscriber: those offered, and those they still receive."""

    topics = TopicsField(Topic.objects.none(), label=_("What you receive"), required=False)

    def __init__(self, *args: Any, merchant: Merchant, held: TopicQuerySet, **kwargs: Any) -> None:
        super().__init__(*args, merchant=merchant, auto_id=f"newsletter_{merchant.pk}_%s", **kwargs)
        choices = Topic.objects.filter(Q(closed_at=None) | Q(pk__in=held.values("pk")), merchant=merchant)
        self._choices("topics").queryset = choices.order_by("pk")
        self.initial["topics"] = list(held.values_list("pk", flat=True))


class LeaveForm(forms.Form):
    reason = forms.CharField(
        label=_("Why are you leaving?"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
