"""What agents decide about teams: proofs of authority, and take-overs nobody opposed in time."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from accounts.answers import see_other
from accounts.formats import iso_date
from organizations.agents import MerchantScopedAdmin, agent, customer_address
from organizations.models import Mandate, TakeOver
from organizations.permissions import NEEDING_PROOF
from organizations.refusals import Refusal
from organizations.services.authority import accept_proof, refuse_proof
from organizations.services.petitions import decide_take_over
from organizations.terms import known


class DecisionForm(forms.Form):
    """The words that go with a decision."""

    words = forms.CharField(label=gettext_lazy("What was verified, or why not"), max_length=1000, required=False,
                            widget=forms.Textarea(attrs={"rows": 3}))  # fmt: skip


class Deciding(MerchantScopedAdmin):
    """A page of one row with two buttons, each its own act page."""

    scope = "customer__merchant_id"
    sortable_by = ()
    ordering = ("-pk",)

    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("<path:object_id>/accept/", view(self.accept), name=f"{name}_accept"),
            path("<path:object_id>/refuse/", view(self.refuse), name=f"{name}_refuse"),
            *super().get_urls(),
        ]

    def accept(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, is_accepted=True)

    def refuse(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, is_accepted=False)

    def _decide(self, request: HttpRequest, object_id: str, *, is_accepted: bool) -> HttpResponse:
        row = self.find(request, object_id)
        form = DecisionForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            try:
                self.settle(row, is_accepted=is_accepted, words=form.cleaned_data["words"], request=request)
            except Refusal as refusal:
                form.add_error("words", str(refusal))
            else:
                self.message_user(request, _("The decision is taken, and told."), messages.SUCCESS)
                return see_other(self.address("change", row.pk))
        return self.act_page(
            request,
            title=_("Accept: %(what)s") % {"what": row} if is_accepted else _("Refuse: %(what)s") % {"what": row},
            lead=[_("It takes effect at once, and the people concerned are written to.")],
            facts=[(_("Customer"), str(row.customer))],
            form=form,
            submit=_("Accept") if is_accepted else _("Refuse"),
            back=self.address("change", row.pk),
            is_binding=True,
        )

    def settle(self, row: object, *, is_accepted: bool, words: str, request: HttpRequest) -> None:
        raise Http404

    @admin.display(description=gettext_lazy("customer"))
    def of(self, row: Mandate | TakeOver) -> str:
        return format_html('<a href="{}">{}</a>', customer_address(row.customer_id), row.customer)

    @admin.display(description=gettext_lazy("decide"))
    def decide(self, row: Model) -> str:
        return format_html(
            '<a href="{}">{}</a> <a class="aside" href="{}">{}</a>',
            self.address("accept", row.pk), _("Accept…"), self.address("refuse", row.pk), _("Refuse…"),
        )  # fmt: skip


@admin.register(Mandate)
class MandateAdmin(Deciding):
    list_display = ("name", "email", "of", "role", "prepared_by", "signed", "proof_state")
    fields = ("name", "email", "of", "role", "rights", "prepared_by", "signed_at", "effective_at", "ended_at",
              "document", "proof_state", "decide")  # fmt: skip
    readonly_fields = fields
    search_fields = ("email",)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("customer", "prepared_by")

    @admin.display(description=gettext_lazy("name"))
    def name(self, mandate: Mandate) -> str:
        return mandate.name

    @admin.display(description=gettext_lazy("signed"))
    def signed(self, mandate: Mandate) -> str:
        return iso_date(mandate.signed_at) if mandate.signed_at else "–"

    @admin.display(description=gettext_lazy("need the proof"))
    def rights(self, mandate: Mandate) -> str:
        return ", ".join(str(right.label) for right in sorted(known(mandate.granted) & NEEDING_PROOF)) or "–"

    @admin.display(description=gettext_lazy("proof of authority"))
    def proof_state(self, mandate: Mandate) -> str:
        if not mandate.proof:
            return "–"
        if mandate.proof_refusal:
            return _("Refused: %(why)s") % {"why": mandate.proof_refusal}
        return _("Accepted") if mandate.proof_decided_at else _("Waiting for a decision")

    @admin.display(description=gettext_lazy("document"))
    def document(self, mandate: Mandate) -> str:
        if not mandate.proof:
            return "–"
        return format_html('<a href="{}">{}</a>', self.address("proof", mandate.pk), _("Open"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.proof)
        return [path("<path:object_id>/proof/", view, name=f"{self.opts.app_label}_{self.opts.model_name}_proof"),
                *super().get_urls()]  # fmt: skip

    def proof(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The document, as a download: what a stranger sent is never shown in our pages."""
        mandate = self.find(request, object_id)
        if not mandate.proof:
            raise Http404
        with mandate.proof.open("rb") as file:
            content = file.read()
        name = f"proof-{mandate.pk}.{mandate.proof.name.rpartition('.')[2]}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
        return HttpResponse(content, content_type="application/octet-stream", headers=headers)

    def settle(self, row: object, *, is_accepted: bool, words: str, request: HttpRequest) -> None:
        if not isinstance(row, Mandate):
            raise Http404
        if is_accepted:
            accept_proof(mandate=row, by=agent(request))
        else:
            refuse_proof(mandate=row, reason=words, by=agent(request))


@admin.register(TakeOver)
class TakeOverAdmin(Deciding):
    list_display = ("of", "asked_by", "asked_at", "decidable_at", "where")
    fields = ("of", "asked_by", "reason", "asked_at", "decidable_at", "opposed_at", "opposed_by", "withdrawn_at",
              "decided_at", "decided_by", "decision", "where", "decide")  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("customer", "asked_by", "opposed_by", "decided_by")

    @admin.display(description=gettext_lazy("state"))
    def where(self, take_over: TakeOver) -> str:
        if take_over.opposed_at:
            return _("Opposed")
        if take_over.withdrawn_at:
            return pgettext("request", "Withdrawn")
        if take_over.decided_at:
            return _("Accepted") if take_over.is_accepted else pgettext("request", "Refused")
        return _("To be decided from %(day)s") % {"day": iso_date(take_over.decidable_at)}

    def settle(self, row: object, *, is_accepted: bool, words: str, request: HttpRequest) -> None:
        if not isinstance(row, TakeOver):
            raise Http404
        decide_take_over(take_over=row, is_accepted=is_accepted, decision=words, by=agent(request))
