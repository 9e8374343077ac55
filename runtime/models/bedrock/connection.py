"""How a model or retriever is told to reach Bedrock: fields for it to inherit, and the transport they lead to.

Making an object with these fields reads the environment, and nothing else: no network, no boto3, no client. Those come
with the first call and are shared by all objects with equal settings.

Who calls is decided in this order: `api_key`; keys given as arguments; `credentials_profile_name`;
`AWS_BEARER_TOKEN_BEDROCK`; the keys of the environment; the default chain (shared files, containers, instances). A
session token of the environment is left alone where keys are given that are not the environment's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, model_validator

from .clients import ConnectionSettings
from .transport import Transport

__all__ = ["BedrockConnection"]

_KEY, _SECRET, _TOKEN = "aws_access_key_id", "aws_secret_access_key", "aws_session_token"


class BedrockConnection(BaseModel):
    """The connection's fields, to be inherited beside the base of a model or a retriever.

    Args:
        client: A boto3 client to use as it is, its own retries included; asynchronous calls then use worker threads.
        bedrock_client: A boto3 client of the service `bedrock`, used for looking up inference profiles.
        region_name: The region; else `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's. Alias `region`.
        credentials_profile_name: A profile of the shared AWS files.
        aws_access_key_id: An access key; else `AWS_ACCESS_KEY_ID`.
        aws_secret_access_key: Its secret; else `AWS_SECRET_ACCESS_KEY`.
        aws_session_token: Its session token; else `AWS_SESSION_TOKEN`.
        bedrock_api_key: A Bedrock API key, of this object alone; else `AWS_BEARER_TOKEN_BEDROCK`, unless keys or a
            profile are given. Alias `api_key`.
        endpoint_url: Where all traffic goes. Alias `base_url`.
        default_headers: Headers of every request; they are part of what is signed.
        config: A botocore Config; its timeouts and attempts count where the fields below say nothing.
        timeout: How long a connection may take and the service may be silent, in seconds, or a pair of both; else
            10 and 300.
        first_token_timeout_s: How long the first token of a stream may take, in seconds, for each attempt.
        max_retries: How many attempts may follow a failed one; else 4.

    Raises:
        ValueError: If half a pair of keys is given, a session token without keys, a limit that is not positive, or a
            header with a line break.
    """

    model_config = ConfigDict(
        populate_by_name=True,
        arbitrary_types_allowed=True,
        protected_namespaces=(),
        hide_input_in_errors=True,  # the input is all arguments, the secrets among them
    )

    secret_names: ClassVar[Mapping[str, str]] = {
        _KEY: "AWS_ACCESS_KEY_ID",
        _SECRET: "AWS_SECRET_ACCESS_KEY",
        _TOKEN: "AWS_SESSION_TOKEN",
        "bedrock_api_key": "AWS_BEARER_TOKEN_BEDROCK",
    }
    """Secret field -> the environment variable that stands for it in dumps."""

    client: Any = Field(default=None, exclude=True, repr=False)
    bedrock_client: Any = Field(default=None, exclude=True, repr=False)
    region_name: str | None = Field(default=None, alias="region")
    credentials_profile_name: str | None = Field(default=None, exclude=True)
    aws_access_key_id: SecretStr | None = Field(default=None, repr=False)
    aws_secret_access_key: SecretStr | None = Field(default=None, repr=False)
    aws_session_token: SecretStr | None = Field(default=None, repr=False)
    bedrock_api_key: SecretStr | None = Field(default=None, alias="api_key", repr=False)
    endpoint_url: str | None = Field(default=None, alias="base_url")
    default_headers: Mapping[str, str] | None = Field(default=None, exclude=True, repr=False)
    config: Any = Field(default=None, exclude=True, repr=False)
    timeout: float | tuple[float, float] | None = None
    first_token_timeout_s: float | None = None
    max_retries: int | None = None

    _transport: Transport | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def read_environment(self) -> Self:
        """Fill what was not given from the environment and check what then is there.

        Raises:
            ValueError: See the class.
        """
        fields = vars(self)  # assigning to `self` would call this again where models check that
        if not fields["region_name"]:
            fields["region_name"] = _environment("AWS_REGION") or _environment("AWS_DEFAULT_REGION")
        is_given = any(fields[name] for name in (_KEY, _SECRET, _TOKEN))
        if not fields["credentials_profile_name"]:
            if not is_given and not fields["bedrock_api_key"]:
                fields["bedrock_api_key"] = _secret("AWS_BEARER_TOKEN_BEDROCK")
            fields[_KEY] = fields[_KEY] or _secret("AWS_ACCESS_KEY_ID")
            fields[_SECRET] = fields[_SECRET] or _secret("AWS_SECRET_ACCESS_KEY")
            if (
                not fields[_TOKEN]
                and fields[_KEY]
                and _environment("AWS_ACCESS_KEY_ID") in (None, _plain(fields[_KEY]))
            ):
                fields[_TOKEN] = _secret("AWS_SESSION_TOKEN")
        self._check_credentials()
        self._check_limits()
        return self

    def _check_credentials(self) -> None:
        if bool(self.aws_access_key_id) != bool(self.aws_secret_access_key):
            there, missing = (_KEY, _SECRET) if self.aws_access_key_id else (_SECRET, _KEY)
            raise ValueError(
                f"{there} is given without {missing}, here or in the environment; give both, or neither for a profile "
                "or the default chain."
            )
        if self.aws_session_token and not self.aws_access_key_id:
            raise ValueError(
                f"{_TOKEN} is given without {_KEY} and {_SECRET}; a session token belongs to both of them."
            )

    def _check_limits(self) -> None:
        for seconds in (*self._timeouts_s, self.first_token_timeout_s):
            if seconds is not None and not seconds > 0:
                raise ValueError(f"A time limit is {seconds!r}; give seconds above 0, or leave it out for the default.")
        if self.max_retries is not None and self.max_retries < 0:
            raise ValueError(f"max_retries is {self.max_retries!r}; give 0 or more.")
        if self.config is not None and not hasattr(self.config, "merge"):
            raise ValueError(f"config is {self.config!r}; give a botocore.config.Config.")
        for name, value in (self.default_headers or {}).items():
            if {"\r", "\n", "\0"} & {*name, *value}:  # the value may be a secret, and HTTP clients would show it
                raise ValueError(f"The header {name!r} in default_headers holds a line break; take it out.")

    @property
    def _timeouts_s(self) -> tuple[float | None, float | None]:
        """How long to wait for a connection, and for a silent service."""
        timeout = self.timeout
        return timeout if isinstance(timeout, tuple) else (timeout, timeout)

    @property
    def connection_settings(self) -> ConnectionSettings:
        """What the transport is made of; holds secrets in the clear, so do not log its parts."""
        connect_s, read_s = self._timeouts_s
        api_key = _plain(self.bedrock_api_key)
        signs = api_key is None
        return ConnectionSettings(
            region_name=self.region_name,
            profile_name=self.credentials_profile_name if signs and not self.aws_access_key_id else None,
            access_key_id=_plain(self.aws_access_key_id) if signs else None,
            secret_access_key=_plain(self.aws_secret_access_key) if signs else None,
            session_token=_plain(self.aws_session_token) if signs else None,
            api_key=api_key,
            endpoint_url=self.endpoint_url,
            connect_timeout_s=connect_s,
            read_timeout_s=read_s,
            first_token_timeout_s=self.first_token_timeout_s,
            max_retries=self.max_retries,
            headers=tuple((self.default_headers or {}).items()),
            config=self.config,
        )

    @property
    def transport(self) -> Transport:
        """What makes this object's calls; made at the first use, and anew when a field above has been changed."""
        settings = self.connection_settings
        kept = self._transport
        if kept is None or not kept.serves(settings, self.client, self.bedrock_client):
            self._transport = kept = Transport(settings, client=self.client, bedrock_client=self.bedrock_client)
        return kept


def _environment(name: str) -> str | None:
    return os.environ.get(name, "").strip() or None


def _secret(name: str) -> SecretStr | None:
    value = _environment(name)
    return None if value is None else SecretStr(value)


def _plain(secret: SecretStr | None) -> str | None:
    """Return a secret without the line break that it may have from a file, and that no header can have."""
    return (secret.get_secret_value().strip() or None) if secret is not None else None
