"""Forms about oneself: signing up, one's profile."""

from django import forms


class SignupForm(forms.Form):
    def signup(self, request: object, user: object) -> None:
        return None
