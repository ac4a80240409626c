"""Pages that belong to no single app: landing, a customer's home, health, errors."""

from __future__ import annotations

from contextlib import suppress

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from billing.summary import account_summary
from organizations.access import CustomerRequest, PermissionMissing, requires, who_may_be_asked
from organizations.models import Customer, Membership, Merchant
from organizations.permissions import OPENING_ROLES, Permission
from organizations.services.members import permission_asked, permissions_asked
from portal import health
from portal.language import remember

SEES_AMOUNTS = frozenset({Permission.VIEW_INVOICES, Permission.VIEW_PRICES})


@login_not_required
@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Public; signed in: the customer's home, or the choice of customer."""
    if not request.user.is_authenticated:
        return render(request, "portal/landing.html")
    customers = list(Customer.objects.for_user(request.user).order_by("name", "pk")[:2])
    if len(customers) == 1:
        return redirect(customers[0])
    if customers:
        return render(request, "portal/customer_choice.html")
    if request.user.is_staff:
        return redirect("admin:index")
    return redirect("organizations:unrecognized")


@requires()
@require_safe
def home(request: CustomerRequest) -> HttpResponse:
    """The account at a glance; to somebody who may not see amounts, what they may do and who can give more."""
    if request.permissions >= SEES_AMOUNTS:
        summary = account_summary(customer=request.customer)
        return render(request, "portal/home.html", {"summary": summary, "balance": abs(summary.balance)})
    held = [permission for permission in Permission if permission in request.permissions]
    asked = permissions_asked(customer=request.customer, by=request.user)
    lacking = [right for right in Permission if right not in held and right.is_available(request.customer.features)]
    context = {
        "permissions": held,
        "missing": [(permission, asked.get(permission)) for permission in lacking],
        "administrators": who_may_be_asked(customer=request.customer),
        "may_take_over": _may_take_over(request),
    }
    return render(request, "portal/home.html", context)


def _may_take_over(request: HttpRequest) -> bool:
    """A member of a member company, who does not administer it."""
    membership: Membership | None = getattr(request, "membership", None)
    if membership is None or membership.customer.kind != Customer.Kind.MEMBER:
        return False
    return membership.role not in OPENING_ROLES


@login_not_required
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Choose the language: kept on the person when signed in, in a cookie in any case."""
    chosen = request.POST.get("language", "")
    if chosen not in dict(settings.LANGUAGES) or not check_for_language(chosen):
        raise Http404
    if request.user.is_authenticated:
        request.user.language = chosen
        request.user.save(update_fields=["language"])
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    response = HttpResponseRedirect(back if safe else "/", status=303)
    remember(response, language=chosen)
    return response


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"alive": True})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the database, its migrations and the broker are all there; else 503 and which is missing."""
    parts = health.parts()
    return JsonResponse(parts, status=200 if all(parts.values()) else 503)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "400.html", status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A member learns which permission is missing and who gives it; anybody else only that they may not."""
    if not isinstance(exception, PermissionMissing):
        return render(request, "403.html", {"refusal": exception}, status=403)
    asked = None
    if isinstance(request.user, User):
        asked = permission_asked(customer=exception.customer, permission=exception.permission, by=request.user)
    context = {
        "refusal": exception,
        "asked": asked,
        "is_available": exception.permission.is_available(exception.customer.features),
        "may_take_over": _may_take_over(request),
    }
    return render(request, "organizations/permission_missing.html", context, status=403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """In one's own frame when signed in. What fails before the session is read has no person."""
    person = getattr(request, "user", None)
    page = "base.html" if person is not None and person.is_authenticated else "public.html"
    return render(request, "404.html", {"page": page}, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Whom to call, unless the database is what failed."""
    contact = None
    with suppress(DatabaseError):
        contact = Merchant.objects.default()
    return render(request, "500.html", {"contact": contact}, status=500)
