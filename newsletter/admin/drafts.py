"""The form of a draft, in the hands of several agents: each writes what they touched, and nobody's words are lost."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django import forms
from django.forms.models import model_to_dict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.formats import yes_or_no
from newsletter.models import Campaign
from newsletter.services import campaigns
from organizations.refusals import Refusal

SHOWN = 300  # characters of a colleague's words, under the field
TAKEN = gettext_lazy(
    "A colleague has saved this draft since you opened it, and wrote where you did: nothing was saved, what you typed "
    "is below. Saved again, yours replaces theirs."
)


class CampaignForm(forms.ModelForm):
    opened = forms.CharField(required=False, widget=forms.HiddenInput)  # a mark of each field, as its page read it

    class Meta:
        widgets = {"to_purchased_since": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.touched: list[str] = []
        if self.instance.pk:
            self.initial["opened"] = json.dumps(_marks(self._values(self.instance)))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        topic, branch = cleaned.get("topic"), cleaned.get("to_branch")
        if topic and branch and branch.merchant_id != topic.merchant_id:
            self.add_error("to_branch", _("This branch is of another merchant than the topic."))
        if self.instance.pk:
            try:
                row = campaigns.hold_draft(campaign=self.instance)
            except Refusal as refusal:
                self.instance.refresh_from_db(fields=["status", "scheduled_at", "started_at", "finished_at"])
                self.add_error(None, str(refusal))
            else:
                if not self.errors:
                    self._meet(row)
        return self.cleaned_data

    def _meet(self, row: Campaign) -> None:
        """Keep what a colleague saved where this agent wrote nothing; refuse where both wrote, each something else."""
        theirs = self._values(row)
        now, typed = _marks(theirs), _marks(self.cleaned_data)
        opened = self._opened()
        self.touched = [name for name in typed if name in now and typed[name] != opened[name]]
        taken = [name for name in self.touched if opened[name] != now[name] != typed[name]]
        for name in set(now) & set(self.cleaned_data) - set(self.touched):
            self.cleaned_data[name] = getattr(row, name)
        if not taken:
            return
        # The page shown now has read theirs: what is pressed next is meant to replace it.
        given: Any = self.data
        self.data = shown = given.copy()
        shown["opened"] = json.dumps(now)
        for name in set(now) - set(self.touched):
            shown[name] = self[name].field.prepare_value(theirs[name])
        self.add_error(None, str(TAKEN))
        for name in taken:
            self.add_error(name, _("Your colleague wrote: %(words)s") % {"words": _shown(row, name)})

    def _values(self, campaign: Campaign) -> dict[str, Any]:
        return model_to_dict(campaign, fields=list(self.fields))

    def _opened(self) -> dict[str, str]:
        """The marks the page was opened on; without them, those of the row as this request found it."""
        marks = _marks(self._values(self.instance))
        try:
            sent = json.loads(self.cleaned_data["opened"])
        except ValueError:
            return marks
        return marks | sent if isinstance(sent, dict) else marks


def _marks(values: dict[str, Any]) -> dict[str, str]:
    """One for each field: the same for a row and for what a browser sends back of it, whose ends of line differ."""
    return {name: _mark(getattr(value, "pk", value)) for name, value in values.items() if name != "opened"}


def _mark(value: object) -> str:
    text = "" if value is None else str(value)
    return hashlib.sha256("\n".join(text.splitlines()).strip().encode()).hexdigest()[:16]


def _shown(row: Campaign, name: str) -> str:
    display = getattr(row, f"get_{name}_display", None)
    value = display() if display else getattr(row, name)
    if isinstance(value, bool):
        return yes_or_no(value)
    return str(value or "–")[:SHOWN]
