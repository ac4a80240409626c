"""The template words: fields tied to their label, help and error; icons nobody hears; links of the current page."""

import datetime as dt

import pytest
from django import forms
from django.template import Context, Template
from django.test import RequestFactory
from django.urls import resolve
from django.utils import translation


class Visit(forms.Form):
    email = forms.EmailField(label="Courriel", help_text="Celui du dossier.")
    note = forms.CharField(label="Note", required=False, widget=forms.TextInput(attrs={"placeholder": "Note"}))
    kind = forms.ChoiceField(label="Genre", widget=forms.RadioSelect, choices=[("a", "A"), ("b", "B")])
    agree = forms.BooleanField(label="J’accepte")
    website = forms.CharField(
        label="", required=False, widget=forms.TextInput(attrs={"tabindex": "-1", "style": "position:absolute"})
    )


def render(source: str, **context: object) -> str:
    return Template("{% load comptoir %}" + source).render(Context(context))


def test_a_field_ties_its_help_and_its_error_to_its_input() -> None:
    html = render("{% field form.email %}", form=Visit({"email": "non"}))
    assert '<label for="id_email">Courriel' in html
    assert 'aria-describedby="id_email_helptext id_email_error"' in html
    assert 'id="id_email_helptext"' in html
    assert 'id="id_email_error"' in html
    assert 'aria-invalid="true"' in html


def test_an_optional_field_says_so_and_drops_its_placeholder() -> None:
    with translation.override("en-ca"):
        html = render("{% field form.note %}", form=Visit())
    assert "(optional)" in html
    assert "placeholder" not in html


def test_a_required_field_has_no_mention() -> None:
    with translation.override("en-ca"):
        assert "(optional)" not in render("{% field form.email %}", form=Visit())


def test_radio_buttons_are_grouped_under_a_legend() -> None:
    html = render("{% field form.kind %}", form=Visit())
    assert "<legend>Genre</legend>" in html
    assert html.count('type="radio"') == 2


def test_a_trap_for_robots_is_hidden_from_people_without_an_inline_style() -> None:
    html = render("{% field form.website %}", form=Visit())
    assert 'aria-hidden="true"' in html
    assert "style=" not in html


def test_the_summary_of_errors_links_to_each_field() -> None:
    form = Visit({"email": "non", "kind": "a", "agree": "on"})
    html = render("{% error_summary form %}", form=form)
    assert '<a href="#id_email">Courriel</a>' in html
    assert form.errors["email"][0] in html
    assert "id_note" not in html


def test_a_form_without_error_has_no_summary() -> None:
    assert render("{% error_summary form %}", form=Visit()).strip() == ""
    good = Visit({"email": "a@b.example", "kind": "a", "agree": "on"})
    assert render("{% error_summary form %}", form=good).strip() == ""


def test_a_refusal_of_the_whole_form_is_said_without_a_field() -> None:
    form = Visit({"email": "a@b.example", "kind": "a", "agree": "on"})
    form.add_error(None, "Ce client est fermé.")
    html = render("{% error_summary form %}", form=form)
    assert "Ce client est fermé." in html
    assert "<li>" not in html


def test_an_icon_is_decorative() -> None:
    html = render('{% icon "house" %}')
    assert html.startswith("<svg")
    assert 'aria-hidden="true"' in html
    assert "style=" not in html


@pytest.mark.parametrize(("language", "tag"), [("fr-ca", "fr-CA"), ("en-ca", "en-CA")])
def test_the_page_names_its_language(language: str, tag: str) -> None:
    with translation.override(language):
        assert render("{% language_tag %}") == tag


def test_filters_follow_the_language_of_the_reader() -> None:
    source = "{{ amount|money }} {{ day|longdate }} {{ day|isodate }} {{ number|phone:extension }}"
    context = {"amount": 1234, "day": dt.date(2026, 12, 1), "number": "+15145550123", "extension": "12"}
    with translation.override("fr-ca"):
        french = render(source, **context)
    with translation.override("en-ca"):
        english = render(source, **context)
    assert french == "1\u00a0234,00\u00a0$ 1er\u00a0décembre\u00a02026 2026-12-01 514\u00a0555-0123, poste\u00a012"
    assert english == "$1,234.00 December\u00a01,\u00a02026 2026-12-01 514-555-0123, ext.\u00a012"


def test_a_phone_link_dials_the_extension() -> None:
    assert render("{{ number|tel:extension }}", number="+15145550123", extension="12") == "tel:+15145550123;ext=12"
    assert render('{{ number|tel:"" }}', number="+15145550123") == "tel:+15145550123"


def test_only_the_link_of_this_page_is_marked() -> None:
    request = RequestFactory().get("/profile/")
    request.resolver_match = resolve("/profile/")
    assert render('{% current "accounts:profile" %}', request=request) == 'aria-current="page"'
    assert render('{% current "account_email" %}', request=request) == ""
