"""Pages anybody may read are also there for those who only ask whether they are."""

import pytest


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/", "/healthz", "/readyz"])
def test_asking_whether_a_page_is_there_needs_no_page(client, boreal, address):
    answer = client.head(address)
    assert (answer.status_code, answer.content) == (200, b"")
