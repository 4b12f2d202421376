"""The settings of a Salesforce source, as in `simplyload.yml`."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from simplyload.sources.web import check_address


class SalesforceSettings(BaseModel):
    """One Salesforce org, as one integration user sees it.

    Which secret is given decides how it logs in: `refresh_token`, else `private_key` with
    `username` (JWT bearer), else `client_secret` (client credentials).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    type: Literal["salesforce"]
    login_url: Annotated[str, AfterValidator(check_address)]
    """https://MyDomain.my.salesforce.com, or MyDomain--name.sandbox.my.salesforce.com"""
    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = None
    refresh_token: SecretStr | None = None
    private_key: SecretStr | None = None
    username: str | None = None
    objects: list[Annotated[str, Field(pattern=r"^[\w*?]+$")]] = Field(min_length=1)
    """API names such as Account or Invoice__c; `*` and `?` stand for any characters and for one"""
    exclude: list[Annotated[str, Field(pattern=r"^[\w*?]+$")]] = Field(default_factory=list)
    api_share: float = Field(default=0.5, gt=0, le=1)
    """the share of the org's API requests of 24 hours, of all programs, at which this one stops"""
    bulk_rows: int = Field(default=100_000, ge=0)
    """from how many rows on an object is read whole by a job of Bulk API 2.0"""
    delete_scan: timedelta = timedelta(days=1)
    """how often all ids are read, to find rows of which nothing tells that they are gone"""
    refresh_formulas: timedelta = timedelta(days=1)
    """how often an object with formula fields is read whole: no stamp tells of their changes"""
    schema_: str | None = Field(default=None, alias="schema")
    """the schema in the destination; without it the name of the stream"""

    @model_validator(mode="after")
    def _check_secret(self) -> Self:
        if self.private_key and not self.username:
            raise ValueError("private_key needs username: the user that it logs in as")
        if not (self.client_secret or self.refresh_token or self.private_key):
            raise ValueError(
                "client_secret is missing: it is the consumer secret of the external client app"
                " (or give refresh_token, or private_key and username)"
            )
        return self

    def hide(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in (self.client_secret, self.refresh_token, self.private_key):
            if secret:
                text = text.replace(secret.get_secret_value(), "***")
        return text
