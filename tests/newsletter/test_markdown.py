"""Markdown as mail, as page and as plain text."""

from __future__ import annotations

from newsletter import markdown

TEXT = """# Offres

Bonjour **à tous**, voyez [les nacelles](https://boreal.example/n).

- un
- deux

1. d’abord
2. ensuite

> Une citation

![Une nacelle](https://boreal.example/n.jpg)

---

<https://boreal.example/>
"""


def test_mail_has_its_style_on_the_elements_and_pages_have_none():
    html = markdown.mail_html(TEXT)
    assert '<h2 style="' in html
    assert '<a href="https://boreal.example/n" style="' in html
    assert "<h1" not in html
    assert "style=" not in markdown.page_html(TEXT)


def test_a_block_of_code_wraps_in_mail():
    for text in ("    un bloc", "```\nun bloc\n```"):
        assert "white-space:pre-wrap" in markdown.mail_html(text)


def test_plain_text_keeps_every_word_and_every_address():
    text = markdown.plain(TEXT)
    for words in ("Offres", "à tous, voyez les nacelles (https://boreal.example/n).", "- un\n- deux", "1. d’abord"):
        assert words in text
    assert "[Une nacelle]" in text
    assert text.count("https://boreal.example/\n") == 1
    assert "**" not in text
    assert "<" not in text


def test_addresses_and_images_are_told_for_the_checks():
    assert markdown.addresses("[a](https://x.ca) ![](https://y.ca/z.png) [b](/nulle-part)") == [
        "https://x.ca",
        "https://y.ca/z.png",
        "/nulle-part",
    ]
    assert markdown.silent_images("![](https://y.ca/z.png) ![dite](https://y.ca/z.png)") == 1


def test_a_link_alone_in_its_paragraph_is_a_button_in_mail():
    link = "[Voir les nacelles](https://boreal.example/n)"
    html = markdown.mail_html(f"Bonjour.\n\n{link}\n\nÀ bientôt.")
    assert html.count("<table") == html.count("</table>") == 1
    assert 'href="https://boreal.example/n" style="display:inline-block;padding:13px 22px' in html
    assert "<p" not in html.partition("<table")[2].partition("</table>")[0]
    beside = [f"Voyez {link}", f"- {link}", "<https://boreal.example/n>", "[](https://boreal.example/n)"]
    assert not any("<table" in markdown.mail_html(text) for text in beside)
    assert markdown.plain(link) == "Voir les nacelles (https://boreal.example/n)\n"


def test_plain_text_shows_lists_in_lists_and_what_is_quoted():
    text = markdown.plain(
        "- Diesel\n  - rouge\n  - clair\n- Essence\n\n> Merci à tous,\n> vraiment.\n>\n> - Zoé\n\nFin.\n"
    )
    assert text == "- Diesel\n  - rouge\n  - clair\n- Essence\n\n> Merci à tous,\n> vraiment.\n\n> - Zoé\n\nFin.\n"
