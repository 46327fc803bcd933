"""Fitted estimators as versions of the library stored them, and what they predicted then."""
