"""The bare view: who is it, 25 rows after a key, a table."""

from __future__ import annotations

from datetime import date

from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path

from billing.models import Invoice, InvoicePdf


def invoices(request: HttpRequest, customer: int) -> HttpResponse:
    if not request.user.is_authenticated:
        raise Http404
    day, key = date(9999, 12, 31), 2**62
    earlier = Invoice.objects.filter(Q(issued_on__lt=day) | Q(pk__lt=key), customer=customer, issued_on__lte=day)
    rows = list(earlier.order_by("-issued_on", "-pk")[:26])
    return render(request, "list.html", {"invoices": rows[:25], "user": request.user})


def pdf(request: HttpRequest, pdf: int) -> FileResponse:
    if not request.user.is_authenticated:
        raise Http404
    file = get_object_or_404(InvoicePdf, pk=pdf).file
    return FileResponse(file.open("rb"), content_type="application/pdf")


urlpatterns = [path("bare/<int:customer>/", invoices), path("bare/pdf/<int:pdf>/", pdf)]
