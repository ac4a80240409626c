"""Facts of people an app above this one may follow.

`profile_closing` carries `user`; sent before the profile is closed and in the same transaction: a Refusal prevents it.
"""

from django.dispatch import Signal

profile_closing = Signal()
