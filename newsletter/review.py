"""What an agent should know of a campaign before it leaves; what blocks it, and what only deserves a look."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext as _

from accounts.models import Language
from newsletter import audience, markdown
from newsletter.letters import MARK, LetterUnwritable, letter_in
from newsletter.models import Campaign

CLIPPED = 102_000  # bytes of HTML beyond which Gmail hides the rest, the unsubscribe link with it


class Problem(NamedTuple):
    words: str
    is_blocking: bool = True

    def __str__(self) -> str:
        return self.words


def problems(*, campaign: Campaign, sizes: dict[str, int] | None = None) -> list[Problem]:
    """Everything the checks find, in the order of the page. Asks the database of past campaigns, and whom it reaches
    unless the caller has counted them already.
    """
    if sizes is None:
        sizes = audience.sizes(campaign=campaign)
    found = [*_of_merchant(campaign)]
    if not sizes:
        found.append(Problem(_("Nobody would receive it: no consent in force matches the audience.")))
    for language in Language:
        found += _of_language(campaign, language, readers=sizes.get(language.value, 0))
    return found


def blocking_problems(*, campaign: Campaign) -> list[Problem]:
    return [problem for problem in problems(campaign=campaign) if problem.is_blocking]


def _of_merchant(campaign: Campaign) -> list[Problem]:
    if campaign.merchant.address_line1 and campaign.merchant.city:
        return []
    return [Problem(_("The merchant’s mailing address is missing: the law wants it in each message."))]


def _of_language(campaign: Campaign, language: Language, *, readers: int) -> list[Problem]:
    french = language == Language.FRENCH
    subject = campaign.subject_fr if french else campaign.subject_en
    body = campaign.body_fr if french else campaign.body_en
    words = {"language": language.label}
    if not subject.strip() or not body.strip():
        # Readers of a language without a text would get the other one.
        return [Problem(_("%(language)s: the subject or the text is missing.") % words, is_blocking=readers > 0)]
    found = []
    if any(mark in body + subject for mark in ("{{", "{%", "{#")):
        found.append(Problem(_("%(language)s: “{{” is not filled in: write the words themselves.") % words))
    found += _of_links(body, label=str(language.label))
    if markdown.silent_images(body):
        found.append(
            Problem(
                _("%(language)s: an image has no description for those who do not see it.") % words, is_blocking=False
            )
        )
    return found + _of_letter(campaign, language)


def _of_letter(campaign: Campaign, language: Language) -> list[Problem]:
    """What shows only once it is written."""
    words = {"language": language.label}
    try:
        letter = letter_in(campaign=campaign, language=language.value).words
    except LetterUnwritable as broken:
        return [Problem(_("The message cannot be written. %(detail)s") % {"detail": broken})]
    found = []
    link = reverse("newsletter:unsubscribe", args=[MARK])  # not that of the preferences, which bears the mark too
    if link not in letter.html or link not in letter.text:
        found.append(Problem(_("%(language)s: the unsubscribe link is missing.") % words))
    if len(letter.html.encode()) > CLIPPED:
        found.append(
            Problem(_("%(language)s: the message is over 102 kB, Gmail would cut it: shorten the text.") % words)
        )
    return found


def _of_links(body: str, *, label: str) -> list[Problem]:
    empty = [
        Problem(_("%(language)s: the link “%(words)s” has no address.") % {"language": label, "words": words[:100]})
        for words in dict.fromkeys(markdown.empty_links(body))
    ]
    raw = [
        Problem(
            _("%(language)s: “%(typed)s” shows as typed, not as a link: its address is refused or not closed.")
            % {"language": label, "typed": typed[:100]},
            is_blocking=False,
        )
        for typed in dict.fromkeys(markdown.raw_links(body))
    ]
    broken = [address for address in markdown.addresses(body) if not _leads_somewhere(address)]
    lost = [
        Problem(
            _("%(language)s: the link “%(address)s” leads nowhere.") % {"language": label, "address": address[:100]}
        )
        for address in dict.fromkeys(broken)
    ]
    return empty + lost + raw


def _leads_somewhere(address: str) -> bool:
    """A whole address; on our own site, of a page that exists. Other sites are asked by newsletter.elsewhere."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    if parts.scheme == "mailto":
        return "@" in parts.path
    if parts.scheme == "tel":
        return any(digit.isdigit() for digit in parts.path)
    if parts.scheme not in {"http", "https"} or "." not in (parts.hostname or "").strip("."):
        return f"{parts.scheme}://{parts.netloc}" == settings.SITE_URL and _is_page(parts.path)
    return not address.startswith(f"{settings.SITE_URL}/") or _is_page(parts.path)


def _is_page(path: str) -> bool:
    try:
        found = resolve(path or "/")
    except Resolver404:
        return False
    if found.view_name == "newsletter:archive-detail":
        return Campaign.objects.readable().filter(**found.kwargs).exists()
    return True
