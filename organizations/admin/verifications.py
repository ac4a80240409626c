"""Companies to verify, for agents: declared beside registered, what they saw themselves, and the decision."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.answers import see_other
from accounts.formats import iso_date
from accounts.spelling import plain
from organizations.admin.decisions import ObservationForm, RefusalForm, WordsForm
from organizations.admin.filters import ChoiceFilter, PeriodFilter
from organizations.agents import MerchantScopedAdmin, agent, customer_address
from organizations.comparison import DECISIVE, agrees, outcome
from organizations.models import Organization, Verification
from organizations.refusals import Refusal
from organizations.services.observations import record_observation
from organizations.services.verification import (
    AlreadyDecided,
    ask_for_more,
    compare_again,
    others_verified_as,
    person_on_documents,
    refuse_organization,
    verify_organization,
)
from organizations.verdicts import SHAPES, explain
from registry import neq
from registry.models import Edition

Verdict, Fact, Reason = Verification.Verdict, Verification.Fact, Verification.Reason
BADGES = {Verification.State.VERIFIED: "good", Verification.State.PENDING: "warning"}
# The reason that a fact which differs suggests.
SUGGESTED = {Fact.NAME: Reason.NAME, Fact.NEQ: Reason.NEQ, Fact.STATUS: Reason.STATUS}


def state_badge(verification: Verification) -> str:
    state = Verification.State(verification.state)
    return format_html('<span class="badge" data-is="{}">{}</span>', BADGES.get(state, ""), state.label)


def _says(fact: str, verdict: str) -> Q:
    return Q(facts__contains=[{"fact": str(fact), "verdict": str(verdict)}])


class StateFilter(ChoiceFilter):
    title = gettext_lazy("state")
    parameter_name = "state"
    options = Verification.State.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(state=self.value()) if self.value() in Verification.State.values else queryset


class OutcomeFilter(ChoiceFilter):
    title = gettext_lazy("register")
    parameter_name = "register"
    options = [
        ("matches", gettext_lazy("All of it matches")),
        ("differs", gettext_lazy("Something differs")),
        ("unknown", gettext_lazy("NEQ not in the register")),
        ("by_hand", gettext_lazy("No edition was loaded")),
        ("credit", gettext_lazy("New NEQ: credit review")),
    ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        match self.value():
            case "matches":
                for fact in DECISIVE:
                    queryset = queryset.filter(_says(fact, Verdict.MATCHES))
            case "differs":
                differing = Q()
                for fact in DECISIVE:
                    differing |= _says(fact, Verdict.DIFFERS)
                return queryset.filter(differing)
            case "unknown":
                return queryset.filter(_says(Fact.NEQ, Verdict.UNKNOWN))
            case "by_hand":
                return queryset.filter(edition=None)
            case "credit":
                return queryset.filter(needs_credit_review=True)
        return queryset


@admin.register(Verification)
class VerificationAdmin(MerchantScopedAdmin):
    scope = "customer__merchant_id"
    list_display = ("legal_name", "shown_neq", "of", "shown_state", "register_says", "submitted")
    list_filter = (StateFilter, OutcomeFilter, ("submitted_at", PeriodFilter))
    sortable_by = ()
    search_fields = ("neq",)
    search_help_text = gettext_lazy("Name, NEQ, or customer number")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        related = ("customer__merchant", "edition", "submitted_by", "decided_by")
        return super().get_queryset(request).select_related(*related)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """The oldest of those who wait; else the newest."""
        return ("pk",) if request.GET.get("state") == Verification.State.PENDING else ("-pk",)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        term = " ".join(search_term.split())
        if not term:
            return queryset, False
        found = Q(customer__number__iexact=term)
        digits = re.sub(r"[\s.-]", "", term)
        if digits.isdigit():
            return queryset.filter(found | Q(neq__startswith=digits)), False
        by_name = Q()
        for word in plain(term).split():
            by_name &= Q(legal_name__plain__contains=word)
        return queryset.filter(found | by_name), False

    @admin.display(description=gettext_lazy("NEQ"))
    def shown_neq(self, verification: Verification) -> str:
        return neq.shown(verification.neq)

    @admin.display(description=gettext_lazy("customer"))
    def of(self, verification: Verification) -> str:
        return format_html('<a href="{}">{}</a>', customer_address(verification.customer_id), verification.customer)

    @admin.display(description=gettext_lazy("state"))
    def shown_state(self, verification: Verification) -> str:
        return state_badge(verification)

    @admin.display(description=gettext_lazy("register"))
    def register_says(self, verification: Verification) -> str:
        verdict = Verdict(outcome(facts=verification.facts))
        return format_html('<span class="status" data-is="{}">{}</span>', SHAPES[verdict], verdict.label)

    @admin.display(description=gettext_lazy("submitted"))
    def submitted(self, verification: Verification) -> str:
        return iso_date(verification.submitted_at)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        acts = {"verify": self.verify, "refuse": self.refuse, "ask": self.ask, "observe": self.observe,
                "compare": self.compare}  # fmt: skip
        return [
            *(path(f"<path:object_id>/{act}/", view(does), name=f"{name}_{act}") for act, does in acts.items()),
            path("<path:object_id>/captures/<int:pk>/", view(self.capture), name=f"{name}_capture"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Read here, decided by the acts under it; what is not theirs goes where Django sends it."""
        verification = self.get_object(request, object_id)
        if verification is None or request.method not in {"GET", "HEAD"}:
            return super().change_view(request, object_id, form_url, extra_context)
        return self._page(request, verification)

    def verify(self, request: HttpRequest, object_id: str) -> HttpResponse:
        verification = self.find(request, object_id)
        done = _("%(name)s is verified: its name is on the next invoice.") % {"name": verification.legal_name}
        return self._act(request, verification, act=verify_organization, done=done)

    def refuse(self, request: HttpRequest, object_id: str) -> HttpResponse:
        verification = self.find(request, object_id)
        forms_of = self._forms(verification, data=request.POST, bound="refusal")
        done = _("The refusal is sent with its reasons.")
        return self._act(request, verification, act=refuse_organization, done=done, name="refusal", forms_of=forms_of)

    def ask(self, request: HttpRequest, object_id: str) -> HttpResponse:
        verification = self.find(request, object_id)
        forms_of = self._forms(verification, data=request.POST, bound="question")
        done = _("The question is sent.")
        return self._act(request, verification, act=ask_for_more, done=done, name="question", forms_of=forms_of)

    def observe(self, request: HttpRequest, object_id: str) -> HttpResponse:
        verification = self.find(request, object_id)
        forms_of = self._forms(verification, data=request.POST, files=request.FILES, bound="observation")
        done = _("What you saw is kept with the comparison.")
        act = record_observation
        return self._act(request, verification, act=act, done=done, name="observation", forms_of=forms_of)

    def compare(self, request: HttpRequest, object_id: str) -> HttpResponse:
        done = _("Compared with the edition loaded now.")
        return self._act(request, self.find(request, object_id), act=compare_again, done=done)

    def capture(self, request: HttpRequest, object_id: str, pk: int) -> HttpResponse:
        """The capture of an observation; a PDF is saved rather than shown."""
        observation = self.find(request, object_id).observations.filter(pk=pk).exclude(capture="").first()
        if observation is None:
            raise Http404
        kind = mimetypes.guess_type(observation.capture.name)[0] or "application/octet-stream"
        name = observation.capture.name.rpartition("/")[2]
        shown = content_disposition_header(as_attachment=not kind.startswith("image/"), filename=name)
        with observation.capture.open("rb") as file:
            return HttpResponse(file.read(), content_type=kind, headers={"Content-Disposition": str(shown)})

    def _act(
        self,
        request: HttpRequest,
        verification: Verification,
        *,
        act: Callable[..., object],
        done: str | Promise,
        name: str = "",
        forms_of: dict[str, forms.Form] | None = None,
    ) -> HttpResponse:
        """POST: one service call; refused, the page again with what was typed, or who was faster."""
        here = self.address("change", verification.pk)
        if request.method != "POST":
            return see_other(here)
        form = (forms_of or {}).get(name)
        if form is not None and not form.is_valid():
            return self._page(request, verification, forms_of=forms_of)
        try:
            act(verification=verification, by=agent(request), **(form.cleaned_data if form else {}))
        except Refusal as refusal:
            if form is not None and not isinstance(refusal, AlreadyDecided):
                form.add_error(None, str(refusal))
                return self._page(request, verification, forms_of=forms_of)
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            self.message_user(request, str(done), messages.SUCCESS)
        return see_other(here)

    def _forms(
        self, verification: Verification, *, data: Any = None, files: Any = None, bound: str = ""
    ) -> dict[str, forms.Form]:
        """The forms of the page, one of them with what was posted."""
        has_verified = Organization.objects.filter(
            customer=verification.customer_id, verified_at__isnull=False
        ).exists()
        bad = {Verdict.DIFFERS.value, Verdict.UNKNOWN.value}
        to_see = (f["fact"] for f in verification.facts if f["verdict"] != Verdict.MATCHES)
        suggested = [SUGGESTED[Fact(f["fact"])].value for f in verification.facts if f["verdict"] in bad]
        of = {name: data if name == bound else None for name in ("refusal", "question", "observation")}
        return {
            "refusal": RefusalForm(
                of["refusal"], prefix="refusal", has_verified=has_verified, initial={"reasons": suggested}
            ),
            "question": WordsForm(of["question"], prefix="question"),
            "observation": ObservationForm(
                of["observation"], files, prefix="observation", initial={"fact": next(to_see, Fact.ADMINISTRATOR)}
            ),
        }

    def _page(
        self, request: HttpRequest, verification: Verification, *, forms_of: dict[str, forms.Form] | None = None
    ) -> HttpResponse:
        status = 422 if forms_of else 200
        observations = list(verification.observations.select_related("by").order_by("pk"))
        is_confirmed = agrees(facts=verification.facts)
        others = verification.customer.verifications.exclude(pk=verification.pk).order_by("-pk")
        edition = Edition.objects.current()
        context = {
            **self.admin_site.each_context(request),
            "title": verification.legal_name,
            "opts": self.opts,
            "verification": verification,
            "badge": state_badge(verification),
            "facts": explain(verification=verification, observations=observations),
            "forms": (forms_of or self._forms(verification)) if verification.is_open else {},
            "edition": edition,
            "is_stale": verification.is_open and edition != verification.edition,
            "may_verify": is_confirmed or bool(observations),
            "person_name": person_on_documents(customer=verification.customer, otherwise=verification.submitted_by),
            "organization": Organization.objects.filter(customer=verification.customer_id).first(),
            "same_neq": others_verified_as(verification=verification),
            "history": [(row, state_badge(row)) for row in others[:20]],
            "customer_url": customer_address(verification.customer_id),
        }
        return TemplateResponse(request, "admin/organizations/verification/change_form.html", context, status=status)
