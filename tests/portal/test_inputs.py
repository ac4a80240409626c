"""Inputs drawn by Python are those of Django's templates, to the letter."""

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates

from portal.inputs import KINDS, Renderer

ATTRIBUTES = {"id": "a\"<b>'&", "required": True, "hidden": False, "maxlength": 60, "data-none": None, "aria-x": "é"}


@pytest.mark.parametrize("value", [None, "", 0, False, "é\"<script>'&", "1 234,50"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_input_is_drawn_as_django_draws_it(kind, value):
    name = f"django/forms/widgets/{kind}.html"
    context = {"widget": {"type": kind, "name": "a\"<b>'&", "value": value, "attrs": ATTRIBUTES}}
    assert Renderer().render(name, context) == DjangoTemplates().render(name, context)


def test_other_widgets_keep_their_template():
    choice = forms.Select(choices=[("a", "<A>"), ("b", "B")])
    assert choice.render("c", "b", renderer=Renderer()) == choice.render("c", "b", renderer=DjangoTemplates())


def test_the_forms_of_the_portal_are_drawn_by_it():
    assert isinstance(forms.Form().renderer, Renderer)
