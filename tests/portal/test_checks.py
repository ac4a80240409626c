"""The advice of `manage.py check --deploy` that is ours."""

from portal.checks import check_that_it_is_no_demo, check_that_mail_leaves, check_that_seals_are_trusted


def test_an_installation_without_a_mail_server_is_warned(settings):
    settings.EMAIL_URL = ""
    assert [message.id for message in check_that_mail_leaves()] == ["portal.W001"]
    settings.EMAIL_URL = "smtp://mail.example"
    assert check_that_mail_leaves() == []


def test_an_installation_without_a_certificate_is_warned(settings):
    settings.SIGNING_CERTIFICATE = ""
    assert [message.id for message in check_that_seals_are_trusted()] == ["portal.W002"]
    settings.SIGNING_CERTIFICATE = "/etc/comptoir/signing.p12"
    assert check_that_seals_are_trusted() == []


def test_a_demo_is_not_for_real_people(settings):
    settings.DEMO = True
    assert [message.id for message in check_that_it_is_no_demo()] == ["portal.E001"]
    settings.DEMO = False
    assert check_that_it_is_no_demo() == []
