"""Merchants, their customers, and who may do what for whom."""
