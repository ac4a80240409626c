"""allauth's mail in the name of the merchant whose portal it is."""

from accounts.adapter import AccountAdapter as BaseAccountAdapter
from portal.context import merchant_of


class AccountAdapter(BaseAccountAdapter):
    def get_sender(self) -> tuple[str, str]:
        merchant = merchant_of(self.request) if self.request else None
        return (merchant.name, merchant.email) if merchant else ("", "")
