"""Only what a bare view needs; the same database, the same cache, the same sessions as the product."""

from portal.settings import *  # noqa: F403 - settings are names in a module

ROOT_URLCONF = "bench.bare.urls"
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",  # allauth does not start without it; some 20 µs
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.locmem.Loader",
                    {
                        "list.html": "<!doctype html><title>{{ user.email }}</title><table>"
                        "{% for invoice in invoices %}"
                        '<tr><td><a href="{{ invoice.number }}/">{{ invoice.number }}</a></td>'
                        '<td>{{ invoice.issued_on|date:"Y-m-d" }}</td><td>{{ invoice.kind }}</td>'
                        "<td>{{ invoice.total }}</td></tr>{% endfor %}</table>"
                    },
                )
            ],
        },
    }
]
