"""Salesforce: objects as describe declares them, read by REST."""
