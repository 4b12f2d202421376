"""The account itself."""

from __future__ import annotations

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.jsonapi import Json, resource
from klaviyo_sandbox.resources.declaration import XS, Endpoint, ResourceType


def _build_accounts(company: Company, _: int) -> list[Json]:
    address = {
        "address1": "14 Harbour Row",
        "address2": None,
        "city": "Portland",
        "region": "ME",
        "country": "US",
        "zip": "04101",
    }
    contact = {
        "default_sender_name": company.sender,
        "default_sender_email": company.email,
        "website_url": company.website,
        "organization_name": company.name,
        "street_address": address,
    }
    attributes = {
        "test_account": True,
        "contact_information": contact,
        "industry": company.industry,
        "timezone": company.timezone,
        "preferred_currency": company.currency,
        "public_api_key": company.account_id,
        "locale": company.locale,
    }
    return [resource("account", company.account_id, attributes)]


ACCOUNT = ResourceType(
    name="account",
    attributes="contact_information industry locale preferred_currency public_api_key"
    " test_account timezone",
    build=_build_accounts,
    endpoints=(
        Endpoint("/api/accounts", "account", XS, "accounts:read", page_links=True),
        Endpoint("/api/accounts/{id}", "account", XS, "accounts:read"),
    ),
)
