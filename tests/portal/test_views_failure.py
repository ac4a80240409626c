"""The page of a failure names a person to call, and stands without the database."""

import pytest
from django.db import DatabaseError
from django.test import RequestFactory

from organizations.models import Merchant
from portal.views import server_error


@pytest.mark.django_db
def test_the_page_of_a_failure_says_whom_to_call(boreal: Merchant) -> None:
    page = server_error(RequestFactory().get("/")).content.decode()
    assert boreal.name in page
    assert f"mailto:{boreal.email}" in page


def test_it_stands_when_the_database_is_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise DatabaseError

    monkeypatch.setattr("django.db.models.query.QuerySet.first", fail)
    response = server_error(RequestFactory().get("/"))
    assert response.status_code == 500
    assert "Comptoir" in response.content.decode()
    assert "mailto:" not in response.content.decode()
