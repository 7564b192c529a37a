"""What `settle.toml` says about the bank."""

from __future__ import annotations

from pydantic import Field, field_validator

from settle.adapters import RailSettings, Secret


class Iso20022BankSettings(RailSettings):
    """The bank's section of `settle.toml`.

    `password` is a reference such as `env:BANK_PASSWORD`, never the password. `batch_booking`
    names the currencies whose batches the bank books as one line. `part_inherits` says that the
    bank documents a report with `PART` as listing every rejected payment, the rest accepted.
    """

    bic: str = Field(pattern=r"^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$")
    debtor_name: str = Field(min_length=1, max_length=140)
    debtor_country: str = Field(pattern=r"^[A-Z]{2}$")
    debtor_town: str = Field(min_length=1, max_length=35)
    user: str
    password: str
    batch_size_max: int = Field(default=1000, ge=1)
    batch_booking: frozenset[str] = frozenset()
    part_inherits: bool = False

    @field_validator("password")
    @classmethod
    def _is_a_reference(cls, value: str) -> str:
        Secret(value)
        return value
