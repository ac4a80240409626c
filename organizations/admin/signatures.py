"""Signatures asked for in the name of a merchant, for its agents: who, what happened, the sealed file. All is read."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.answers import see_other
from accounts.devices import describe
from accounts.formats import file_size, iso_moment, phone
from accounts.models import normalize_email
from organizations.admin.filters import ChoiceFilter, PeriodFilter
from organizations.agents import MerchantScopedAdmin, ScopedTabular, agent
from organizations.refusals import Refusal
from signatures.models import Seal, SignatureEvent, SignatureRequest
from signatures.sentences import sentence
from signatures.services.sealing import seal_again

State = SignatureRequest.State


class StateFilter(ChoiceFilter):
    title = gettext_lazy("state")
    parameter_name = "state"
    options = State.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(state=self.value()) if self.value() in State.values else queryset


class SealFilter(ChoiceFilter):
    title = gettext_lazy("sealed file")
    parameter_name = "seal"
    options = [("failed", gettext_lazy("Could not be made"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() != "failed":
            return queryset
        return queryset.filter(pk__in=Seal.objects.failed().values("request_id"))


class EventInline(ScopedTabular):
    """The evidence, in order."""

    model = SignatureEvent
    ordering = ("pk",)
    fields = ("moment", "words", "person", "place")
    readonly_fields = fields
    verbose_name_plural = gettext_lazy("evidence")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("by")

    @admin.display(description=gettext_lazy("moment"))
    def moment(self, event: SignatureEvent) -> str:
        return format_html("<time>{}</time>", iso_moment(event.at))

    @admin.display(description=gettext_lazy("event"))
    def words(self, event: SignatureEvent) -> str:
        return sentence(event=event)

    @admin.display(description=gettext_lazy("person"))
    def person(self, event: SignatureEvent) -> str:
        return str(event.by or "–")

    @admin.display(description=gettext_lazy("from where"))
    def place(self, event: SignatureEvent) -> str:
        return " · ".join(filter(None, [event.ip, describe(event.user_agent)])) or "–"


@admin.register(SignatureRequest)
class SignatureRequestAdmin(MerchantScopedAdmin):
    scope = "merchant_slug"
    scope_attribute = "slug"
    list_display = ("named", "signer_name", "status", "created", "signed")
    list_filter = (StateFilter, SealFilter, ("requested_at", PeriodFilter))
    ordering = ("-pk",)
    sortable_by = ()
    search_fields = ("signer_email",)
    search_help_text = gettext_lazy("E-mail of the signer, or beginning of their name")
    inlines = (EventInline,)
    fields = (
        *("named", "status", "signer_name", "capacity", "signer_email", "shown_phone", "asker", "created"),
        *("until", "signed", "sealed_file"),
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("requested_by", "seal")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        term = search_term.strip()
        if "@" in term:
            return queryset.filter(signer_email__startswith=normalize_email(term)), False
        return (queryset.filter(signer_name__istartswith=term) if term else queryset), False

    @admin.display(description=gettext_lazy("document"))
    def named(self, asked: SignatureRequest) -> str:
        return asked.title_in(get_language() or "")

    @admin.display(description=gettext_lazy("state"))
    def status(self, asked: SignatureRequest) -> str:
        """The state, and whether the seal or the hour says more."""
        if asked.state == State.SIGNED and asked.seal.last_error:
            return format_html('<span class="bad">{}</span>', _("Signed; the sealed file could not be made"))
        if asked.state == State.WAITING and asked.expires_at <= timezone.now():
            return str(State.EXPIRED.label)
        return asked.get_state_display()

    @admin.display(description=gettext_lazy("asked"))
    def created(self, asked: SignatureRequest) -> str:
        return iso_moment(asked.requested_at)

    @admin.display(description=gettext_lazy("requested by"))
    def asker(self, asked: SignatureRequest) -> str:
        return str(asked.requested_by)

    @admin.display(description=gettext_lazy("expires"))
    def until(self, asked: SignatureRequest) -> str:
        return iso_moment(asked.expires_at)

    @admin.display(description=gettext_lazy("signed"))
    def signed(self, asked: SignatureRequest) -> str:
        return iso_moment(asked.signed_at) or "–"

    @admin.display(description=gettext_lazy("signer’s phone"))
    def shown_phone(self, asked: SignatureRequest) -> str:
        return phone(asked.signer_phone, language=get_language() or "") or "–"

    @admin.display(description=gettext_lazy("sealed file"))
    def sealed_file(self, asked: SignatureRequest) -> str:
        """The file, or what keeps it from being made, and trying again."""
        seal = getattr(asked, "seal", None)
        if seal is None:
            return "–"
        if seal.sealed_at:
            size = file_size(seal.size, get_language() or "")
            return format_html('<a href="{}">PDF</a> · {} · {}', self.address("sealed", asked.pk), size, seal.sha256)
        if not seal.last_error:
            return _("being made")
        again = format_html('<a href="{}">{}</a>', self.address("again", asked.pk), _("Seal again…"))
        return format_html('<span class="bad">{}</span> · {}', seal.last_error.strip().splitlines()[-1][:200], again)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("<path:object_id>/sealed/", view(self.sealed), name=f"{name}_sealed"),
            path("<path:object_id>/again/", view(self.again), name=f"{name}_again"),
            *super().get_urls(),
        ]

    def sealed(self, request: HttpRequest, object_id: str) -> FileResponse:
        """The sealed file, to an agent of the merchant."""
        asked = self.find(request, object_id)
        if asked.state != State.SEALED:
            raise Http404
        file = asked.seal.file.open("rb")
        return FileResponse(file, filename=f"signature-{asked.pk}.pdf", content_type="application/pdf")

    def again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have a seal that failed tried anew."""
        asked = self.find(request, object_id)
        back = self.address("change", asked.pk)
        if request.method == "POST":
            try:
                seal_again(request=asked, by=agent(request))
            except Refusal as refusal:
                self.message_user(request, str(refusal), messages.WARNING)
            else:
                self.message_user(request, _("The file is being sealed: it is here within a minute."), messages.SUCCESS)
            return see_other(back)
        return self.act_page(
            request,
            title=_("Seal again"),
            lead=[_("The signature stands, with its evidence. Only the file made from it is tried again.")],
            facts=[(_("Document"), self.named(asked)), (_("Signed by"), asked.signer_name)],
            submit=_("Seal again"),
            back=back,
        )
