"""People, sign-in, and how we write to them."""
