"""What the outside may answer when a message is handed to it."""


class Refused(Exception):
    """This message will never be accepted: do not try again."""


class Unwelcome(Refused):
    """The address was taken, then what was to be said to it refused."""


class Deferred(Exception):
    """This message is not accepted now: try again later."""


class Lost(Deferred):
    """The dialogue broke in the middle of this message."""


class Unreachable(Exception):
    """Nobody answers: no message of this channel can leave for now, and none is at fault."""
