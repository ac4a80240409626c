"""Facts an app above this one may follow. Sent inside the transaction: a receiver that refuses undoes the signature.

Each carries `request`, a SignatureRequest; filter by its `purpose`. Whoever missed one finds the same in the state.
"""

from django.dispatch import Signal

signed = Signal()
declined = Signal()
