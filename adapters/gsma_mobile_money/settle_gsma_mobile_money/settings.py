"""The plug-in's section of `settle.toml`."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Self

from pydantic import Field, field_validator, model_validator

from settle.adapters import RailSettings, Secret
from settle.errors import ConfigError
from settle_gsma_mobile_money.parties import identifiers


class Standing(StrEnum):
    """What a provider's own word for the status of a transaction means to us."""

    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"


class GsmaMobileMoneySettings(RailSettings):
    """`base_url` is the provider's, with the path under which it serves the API.

    `accounts` are wallets as the API's own paths write them: `organisationid@1234`, or up to
    three identifiers with `$` between them. `callback_url` asks for callbacks, which are believed
    by `callback_key`. `origin_country` is the country that remittances are sent from; without it
    there are none. `batches` sends payments as batches. `statuses` says what the provider's own
    words for the status of a transaction mean: the API fixes none.
    """

    api_key: str
    client_id: str = ""
    callback_url: str = ""
    callback_key: str | None = None
    origin_country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    amount_minor_max: dict[str, int] = Field(default_factory=dict)
    statuses: dict[str, Standing] = Field(default_factory=dict)
    batches: bool = False
    batch_size_max: int = Field(default=500, ge=1, le=999_999)

    @field_validator("api_key", "callback_key")
    @classmethod
    def _by_reference(cls, value: str | None) -> str | None:
        try:
            _ = None if value is None else Secret(value)
        except ConfigError as error:
            raise ValueError(error.message) from None
        return value

    @field_validator("client_id", "callback_url")
    @classmethod
    def _fits_a_header(cls, value: str) -> str:
        if not re.fullmatch(r"[\x21-\x7e]{0,256}", value):
            raise ValueError("not a header's value of at most 256 visible characters")
        return value

    @field_validator("statuses")
    @classmethod
    def _by_one_case(cls, value: dict[str, Standing]) -> dict[str, Standing]:
        return {word.casefold(): standing for word, standing in value.items()}

    @model_validator(mode="after")
    def _accounts_are_wallets(self) -> Self:
        further = [x for each in self.further_accounts.values() for x in each]
        for account in [*self.accounts.values(), *further]:
            if identifiers(account) is None:
                raise ValueError(
                    f"accounts: {account} is not identifier@value, up to three of them"
                )
        if self.callback_url and self.callback_key is None:
            raise ValueError("callback_url: without callback_key no callback would be believed")
        return self
