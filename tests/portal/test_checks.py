"""The advice of `manage.py check --deploy` that is ours."""

from portal.checks import check_that_it_is_no_demo, check_that_mail_leaves


def test_an_installation_without_a_mail_server_is_warned(settings):
    settings.EMAIL_URL = ""
    assert [message.id for message in check_that_mail_leaves()] == ["portal.W001"]
    settings.EMAIL_URL = "smtp://mail.example"
    assert check_that_mail_leaves() == []


def test_a_demo_is_not_for_real_people(settings):
    settings.DEMO = True
    assert [message.id for message in check_that_it_is_no_demo()] == ["portal.E001"]
    settings.DEMO = False
    assert check_that_it_is_no_demo() == []
