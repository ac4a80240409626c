"""My profile: name, phone, language."""

import pytest
from django.urls import reverse

from accounts.models import User

pytestmark = pytest.mark.django_db
PROFILE = {
    "first_name": "Inès",
    "last_name": "Lavoie-Roy",
    "phone": "514 555-0123",
    "phone_extension": "10435",
    "language": "en-ca",
}


def save(client, ines, **changes):
    client.force_login(ines)
    return client.post(reverse("accounts:profile"), {**PROFILE, **changes})


def test_the_profile_keeps_name_phone_and_language(client, ines):
    assert save(client, ines).status_code == 303
    ines.refresh_from_db()
    assert (ines.last_name, ines.phone.as_e164, ines.phone_extension) == ("Lavoie-Roy", "+15145550123", "10435")
    assert "Your information is up to date." in client.get(reverse("accounts:profile")).content.decode()


@pytest.mark.parametrize(
    ("field", "value"), [("phone", "514"), ("phone_extension", "poste 12"), ("first_name", " "), ("language", "de")]
)
def test_a_mistake_keeps_everything_typed_and_changes_nothing(client, ines, field, value):
    page = save(client, ines, **{field: value})
    assert page.status_code == 422
    assert "Lavoie-Roy" in page.content.decode()
    assert User.objects.get(pk=ines.pk).last_name == "Lavoie"


def test_an_extension_without_a_number_is_refused(client, ines):
    assert save(client, ines, phone="").status_code == 422
    assert User.objects.get(pk=ines.pk).phone_extension == ""


def test_the_profile_cannot_change_the_e_mail(client, ines):
    save(client, ines, email="somebody@else.example")
    assert User.objects.get(pk=ines.pk).email == "ines@example.org"
