"""What an address may hold where it names a document: a number as merchants write them, slashes too."""

from django.urls.converters import PathConverter


class DocumentNumberConverter(PathConverter):
    regex = r"[^\x00]+"  # the database has no such character, and fails on the question
