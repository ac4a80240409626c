"""Pages about oneself."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import services
from accounts.forms import ProfileForm


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """My name, phone and language; the way to my e-mail, password and devices."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST":
        if form.is_valid():
            user = services.update_profile(by=request.user, **form.cleaned_data)
            translation.activate(user.language)
            messages.success(request, _("Your information is up to date."))
            return HttpResponseRedirect(reverse("accounts:profile"), status=303)
        # The form has written on request.user what the database refused: the frame must not show it.
        request.user.refresh_from_db()
    return render(request, "accounts/profile.html", {"form": form}, status=422 if form.errors else 200)
