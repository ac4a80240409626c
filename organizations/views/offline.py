"""The offline list of a counter: on paper, as a file, and whether a file is one of ours."""

from __future__ import annotations

from itertools import islice

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from organizations import offline
from organizations.branches import CounterRequest, at_counter
from organizations.forms import ListForm

ON_PAPER = 500


@at_counter
@never_cache
@require_safe
def offline_list(request: CounterRequest) -> HttpResponse:
    """The list to print, its age and its end at the top; a longer one is a file."""
    if request.place is None:
        return redirect("organizations:counter")
    return _page(request, form=ListForm())


@at_counter
@never_cache
@require_safe
def offline_download(request: CounterRequest) -> StreamingHttpResponse | HttpResponse:
    if request.place is None:
        return redirect("organizations:counter")
    name = f"{_('list')}-{request.place.code}-{timezone.localtime():%Y-%m-%d-%H%M}.csv"
    return StreamingHttpResponse(
        offline.lines(place=request.place, language=get_language() or ""),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or ""},
    )


@at_counter
@require_POST
def offline_check(request: CounterRequest) -> HttpResponse:
    """Whether a file is a list of ours, unchanged, and still worth anything."""
    if request.place is None:
        return redirect("organizations:counter")
    form = ListForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        if file.size > offline.MOST_BYTES:
            form.add_error("file", _("This file is too large to be a list of ours."))
        else:
            return _page(request, form=ListForm(), checked=offline.check(chunks=file.chunks()))
    return _page(request, form=form, status=422)


def _page(
    request: CounterRequest, *, form: ListForm, checked: offline.Checked | None = None, status: int = 200
) -> HttpResponse:
    place = request.place
    people = list(islice(offline.people_at(place=place), ON_PAPER + 1)) if place and checked is None else []
    now = timezone.now()
    shown = [(one, one.decision(at=place.branch if place else None, amount=None)) for one in people[:ON_PAPER]]
    context = {
        "place": place,
        "merchant": place.merchant if place else None,
        "people": shown,
        "mark": offline.mark(place=place, made_at=now, people=shown) if place and shown else "",
        "has_more": len(people) > ON_PAPER,
        "made_at": now,
        "expires_at": now + offline.VALID_FOR,
        "checked": checked,
        "form": form,
    }
    return render(request, "organizations/offline_list.html", context, status=status)
