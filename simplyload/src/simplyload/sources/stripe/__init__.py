"""Stripe as a source: lists for what is there, then events that say which objects changed."""
