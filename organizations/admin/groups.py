"""What agents decide about groups of companies, and answer about refusals at the counters."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.answers import see_other
from accounts.formats import iso_date, long_moment
from organizations.admin.petitions import Deciding
from organizations.agents import MerchantScopedAdmin, agent, customer_address
from organizations.models import CompanyLink, CounterCase, Customer
from organizations.refusals import Refusal
from organizations.services.cases import answer_case, why_refused
from organizations.services.groups import company_named, confirm_link, declare_link, end_link, refuse_link


class NumberForm(forms.Form):
    customer_number = forms.CharField(label=gettext_lazy("Customer number of the subsidiary"), max_length=40)


class AnswerForm(forms.Form):
    answer = forms.CharField(
        label=gettext_lazy("Answer"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=gettext_lazy("Whoever asked reads it, by e-mail and on the page of the refusal."),
    )


@admin.register(CompanyLink)
class CompanyLinkAdmin(Deciding):
    scope = "parent__merchant_id"
    list_display = ("title", "number", "asked_by", "asked_at", "where")
    fields = ("parent_page", "number", "named", "message", "asked_by", "asked_at", "where", "decided_by", "decision",
              "ended_by", "decide")  # fmt: skip
    readonly_fields = fields
    search_fields = ("parent__number",)
    search_help_text = gettext_lazy("Customer number of the parent company")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related(
            "parent", "subsidiary", "asked_by", "decided_by", "ended_by"
        )  # fmt: skip

    def get_fields(self, request: HttpRequest, obj: CompanyLink | None = None) -> list[str]:
        """Of the decision and the end, only what there is."""
        hidden = set()
        if obj is not None and obj.decided_at is None:
            hidden |= {"decided_by", "decision"}
        if obj is not None and obj.ended_at is None:
            hidden.add("ended_by")
        if obj is not None and (obj.ended_at is not None or obj.is_accepted is False):
            hidden.add("decide")
        return [field for field in self.fields if field not in hidden]

    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}"
        return [path("<path:object_id>/end/", view(self.end), name=f"{name}_end"), *super().get_urls()]

    @admin.display(description=gettext_lazy("parent company"))
    def title(self, link: CompanyLink) -> str:
        return link.parent.name

    @admin.display(description=gettext_lazy("parent company"))
    def parent_page(self, link: CompanyLink) -> str:
        return format_html('<a href="{}">{}</a>', customer_address(link.parent_id), link.parent)

    @admin.display(description=gettext_lazy("number"))
    def number(self, link: CompanyLink) -> str:
        return link.customer_number

    @admin.display(description=gettext_lazy("subsidiary"))
    def named(self, link: CompanyLink) -> str:
        found = link.subsidiary or company_named(parent=link.parent, customer_number=link.customer_number)
        if found is None:
            return _("No open member company has this number.")
        return format_html('<a href="{}">{}</a>', customer_address(found.pk), found)

    @admin.display(description=gettext_lazy("state"))
    def where(self, link: CompanyLink) -> str:
        if link.ended_at is not None:
            return _("Ended on %(day)s") % {"day": iso_date(link.ended_at)}
        if link.decided_at is None:
            return _("Waiting for a decision")
        words = {"day": iso_date(link.decided_at)}
        return _("Confirmed on %(day)s") % words if link.is_accepted else _("Refused on %(day)s") % words

    @admin.display(description=gettext_lazy("decide"))
    def decide(self, row: Model) -> str:
        if isinstance(row, CompanyLink) and row.is_accepted:
            return format_html('<a href="{}">{}</a>', self.address("end", row.pk), _("End the link…"))
        return super().decide(row)

    def settle(self, row: object, *, is_accepted: bool, words: str, request: HttpRequest) -> None:
        if not isinstance(row, CompanyLink):
            raise Http404
        decide = confirm_link if is_accepted else refuse_link
        decide(link=row, decision=words, by=agent(request))

    def end(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The parent's administrators come in no more, at once."""
        link: CompanyLink = self.find(request, object_id)
        back = self.address("change", link.pk)
        if link.subsidiary is None:
            raise Http404
        if request.method == "POST":
            end_link(link=link, by=agent(request))
            self.message_user(request, _("The link is ended, and both companies are told."), messages.SUCCESS)
            return see_other(back)
        return self.act_page(
            request,
            title=_("End the link of %(company)s") % {"company": link.subsidiary.name},
            lead=[_("From the next request on, the parent’s administrators no longer open the subsidiary’s team.")],
            facts=[(_("Parent company"), str(link.parent)), (_("Subsidiary"), str(link.subsidiary))],
            submit=_("End the link"),
            back=back,
            is_binding=True,
        )


def declare_view(pages: MerchantScopedAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Of a customer's page: declare a subsidiary by its number, then decide about it."""
    customer: Customer = pages.find(request, object_id)
    form = NumberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            link = declare_link(parent=customer, by=agent(request), **form.cleaned_data)
        except Refusal as refusal:
            form.add_error("customer_number", str(refusal))
        else:
            return see_other(reverse("admin:organizations_companylink_accept", args=[link.pk]))
    return pages.act_page(
        request,
        title=_("Declare a subsidiary of %(customer)s") % {"customer": customer.name},
        lead=[_("Nothing changes before the link is confirmed, on the next page.")],
        form=form,
        submit=_("Go on"),
        back=pages.address("change", customer.pk),
    )


@admin.register(CounterCase)
class CounterCaseAdmin(MerchantScopedAdmin):
    scope = "decision__merchant_id"
    list_display = ("person", "of", "asked_by", "asked_at", "where")
    fields = ("person", "of", "refused", "why", "message", "asked_by", "asked_at", "where", "answer", "answered_by",
              "reply")  # fmt: skip
    readonly_fields = fields
    ordering = ("-pk",)
    sortable_by = ()
    search_fields = ("decision__customer__number",)
    search_help_text = gettext_lazy("Customer number")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related(
            "decision__customer", "decision__branch", "asked_by", "answered_by"
        )  # fmt: skip

    def get_fields(self, request: HttpRequest, obj: CounterCase | None = None) -> list[str]:
        """Before the answer, the way to it; then the answer."""
        hidden = {"answer", "answered_by"} if obj is not None and obj.answered_at is None else {"reply"}
        return [field for field in self.fields if field not in hidden]

    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}"
        return [path("<path:object_id>/answer/", view(self.reply_view), name=f"{name}_answer"), *super().get_urls()]

    @admin.display(description=gettext_lazy("person refused"))
    def person(self, case: CounterCase) -> str:
        return case.decision.person

    @admin.display(description=gettext_lazy("customer"))
    def of(self, case: CounterCase) -> str:
        return format_html('<a href="{}">{}</a>', customer_address(case.decision.customer_id), case.customer)

    @admin.display(description=gettext_lazy("refusal"))
    def refused(self, case: CounterCase) -> str:
        moment = long_moment(case.decision.at, get_language())
        return f"{moment} · {case.decision.branch.name}" if case.decision.branch else moment

    @admin.display(description=gettext_lazy("reason"))
    def why(self, case: CounterCase) -> str:
        return why_refused(decision=case.decision, language=get_language() or "fr-ca")

    @admin.display(description=gettext_lazy("state"))
    def where(self, case: CounterCase) -> str:
        if case.answered_at is None:
            return _("Waiting for an answer")
        return _("Answered on %(day)s") % {"day": iso_date(case.answered_at)}

    @admin.display(description=gettext_lazy("answer"))
    def reply(self, case: CounterCase) -> str:
        return format_html('<a href="{}">{}</a>', self.address("answer", case.pk), _("Answer…"))

    def reply_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Write the answer, which closes it and is mailed."""
        case: CounterCase = self.find(request, object_id)
        form = AnswerForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            try:
                answer_case(case=case, by=agent(request), **form.cleaned_data)
            except Refusal as refusal:
                form.add_error("answer", str(refusal))
            else:
                self.message_user(request, _("The answer is sent."), messages.SUCCESS)
                return see_other(self.address("change", case.pk))
        facts = [(_("Refused"), self.refused(case)), (_("Reason"), self.why(case)), (_("Message"), case.message or "–")]
        return self.act_page(
            request,
            title=_("Answer about the refusal of %(person)s") % {"person": case.decision.person},
            lead=[_("%(person)s, of %(customer)s, asked on %(moment)s.") % {
                "person": case.asked_by, "customer": case.customer,
                "moment": long_moment(case.asked_at, get_language()),
            }],
            facts=facts,
            form=form,
            submit=_("Send the answer"),
            back=self.address("change", case.pk),
        )  # fmt: skip
