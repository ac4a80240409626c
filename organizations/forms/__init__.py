"""What people type: on the ways in, of their company, of its team, at a counter. Shapes only."""

from organizations.forms.counter import AskedForm, DecisionForm, DepartureForm, ListForm, PinForm, UnlistedForm
from organizations.forms.groups import CaseForm, SubsidiaryForm
from organizations.forms.rosters import ConfirmedFileForm, TeamFileForm
from organizations.forms.team import AccessForm, AddressForm, InviteForm, JoinForm, TakeOverForm
from organizations.forms.ways_in import (
    AccessRequestForm,
    ActivationForm,
    AmountField,
    IdentityForm,
    NeqField,
    OneLineField,
)

__all__ = (
    "AccessForm",
    "AccessRequestForm",
    "ActivationForm",
    "AddressForm",
    "AmountField",
    "AskedForm",
    "CaseForm",
    "ConfirmedFileForm",
    "DecisionForm",
    "DepartureForm",
    "IdentityForm",
    "InviteForm",
    "JoinForm",
    "ListForm",
    "NeqField",
    "OneLineField",
    "PinForm",
    "SubsidiaryForm",
    "TakeOverForm",
    "TeamFileForm",
    "UnlistedForm",
)
