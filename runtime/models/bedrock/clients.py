"""The boto3 clients behind all models: made when first used, shared by all whose settings are equal.

A client costs up to half a second to make (importing boto3, loading the service's model) and holds the connections, so
equal settings mean the same client in the whole process. The 64 used last are kept; a forked child starts without any.

boto3's own retries are off: the transport retries, and sees what happens. Explicit keys sign every request even where
`AWS_BEARER_TOKEN_BEDROCK` is set; an API key is a header of its model's calls, so it never meets another model's.
"""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Hashable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from ...runnables.threads import submit
from .events import Shaper, event_shapers
from .shared import Shared
from .signing import equip

__all__ = ["CONNECT_TIMEOUT_S", "READ_TIMEOUT_S", "ConnectionSettings", "ServiceClient", "service_clients"]

CONNECT_TIMEOUT_S = 10.0
"""How long a connection may take, in seconds, when neither `timeout` nor `config` says."""

READ_TIMEOUT_S = 300.0
"""How long the service may be silent, in seconds; models that think are, for minutes."""

_UNKNOWN = object()
_POOL_CONNECTIONS = 50
"""boto3 keeps 10 idle connections by default and throws others away."""

_KEPT_CLIENTS = 64


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """How to reach a service and as whom. Equal settings share clients; secrets are never shown.

    Attributes:
        region_name: The region, or None for that of the profile.
        profile_name: The profile, or None for the default chain of credentials.
        access_key_id: The access key, with `secret_access_key` and perhaps `session_token`.
        secret_access_key: Its secret.
        session_token: Its session token.
        api_key: A Bedrock API key, sent as a bearer token in place of a signature.
        endpoint_url: Where all traffic goes, or None for the region's endpoint.
        connect_timeout_s: How long a connection may take, in seconds; None for that of `config`, else 10.
        read_timeout_s: How long the service may be silent, in seconds; None for that of `config`, else 300.
        first_token_timeout_s: How long a stream's first token may take, in seconds, or None for no limit of its own.
        max_retries: How many attempts may follow the first; None for that of `config`, else 4.
        headers: Headers of every request, as pairs.
        config: A botocore Config, or None.
    """

    region_name: str | None = None
    profile_name: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    endpoint_url: str | None = None
    connect_timeout_s: float | None = None
    read_timeout_s: float | None = None
    first_token_timeout_s: float | None = None
    max_retries: int | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    config: Any = None

    def session_key(self) -> Hashable:
        """Return what tells one session from another."""
        return (
            self.region_name,
            self.profile_name,
            self.access_key_id,
            self.secret_access_key,
            self.session_token,
        )

    def client_key(self, service: str) -> Hashable:
        """Return what tells one client from another.

        Args:
            service: The service's name in boto3.
        """
        return (
            service,
            self.session_key(),
            self.api_key is not None,
            self.endpoint_url,
            self.connect_timeout_s,
            self.read_timeout_s,
            _frozen(vars(self.config)) if self.config is not None else None,
        )


def _frozen(value: Any) -> Hashable:
    if isinstance(value, Mapping):
        return tuple(sorted((str(key), _frozen(inner)) for key, inner in value.items()))
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(inner) for inner in value)
    return repr(value)


service_clients: Shared[ServiceClient] = Shared(_KEPT_CLIENTS)
"""Every client of ours in this process."""

_sessions: Shared[Any] = Shared(_KEPT_CLIENTS)
_building = threading.Lock()
_asking = threading.Lock()
_getting_ready: dict[Hashable, Future[ServiceClient]] = {}


def _forget_the_parents_work() -> None:
    global _building, _asking
    _building, _asking = threading.Lock(), threading.Lock()
    _getting_ready.clear()


os.register_at_fork(after_in_child=_forget_the_parents_work)


class ServiceClient:
    """A boto3 client of one service, and what is known of it.

    Args:
        client: The client.
        session: The botocore session that made it; None for a client of the user's, which is used as it is.

    Attributes:
        is_ready_for_loops: Whether `prepare_for_loops` has run.
    """

    def __init__(self, client: Any, session: Any = None) -> None:
        self.client = client
        self.session = session
        self.is_ready_for_loops = False
        self._credentials: Any = _UNKNOWN
        self._shapers: dict[str, dict[str, Shaper] | None] = {}
        self._renewing: Future[Any] | None = None
        self._asking = threading.Lock()

    @classmethod
    def of(cls, settings: ConnectionSettings, service: str) -> ServiceClient:
        """Return the process's client for these settings. The first one blocks for up to half a second.

        Args:
            settings: The settings.
            service: The service's name in boto3.
        """
        return service_clients.get(settings.client_key(service), lambda: _built(settings, service))

    @classmethod
    def for_loops(cls, settings: ConnectionSettings, service: str) -> Future[ServiceClient]:
        """Return the making of a client that event loops can use, in a worker thread; all who ask wait for one.

        Args:
            settings: The settings.
            service: The service's name in boto3.
        """

        def ready() -> ServiceClient:
            made = cls.of(settings, service)
            made.prepare_for_loops()
            return made

        key = settings.client_key(service)
        with _asking:
            found = _getting_ready.get(key)
            if found is None or found.done():
                found = _getting_ready[key] = submit(ready)
                found.add_done_callback(lambda _: _getting_ready.pop(key, None))
            return found

    @property
    def config(self) -> Any:
        """The client's botocore Config."""
        return self.client.meta.config

    @property
    def service_model(self) -> Any:
        """What botocore knows of the service."""
        return self.client.meta.service_model

    def operation(self, name: str) -> Any:
        """Return botocore's model of an operation.

        Args:
            name: boto3's method.
        """
        return self.service_model.operation_model(self.client.meta.method_to_api_mapping[name])

    def shapers(self, name: str) -> dict[str, Shaper] | None:
        """Return the shapers of a streaming operation's events; None where the client tells nothing of its service.

        Args:
            name: boto3's method.
        """
        if name not in self._shapers:
            try:
                self._shapers[name] = event_shapers(self.service_model, self.client.meta.method_to_api_mapping[name])
            except (AttributeError, KeyError, TypeError):  # an object that stands in for a client
                self._shapers[name] = None
        return self._shapers[name]

    @property
    def credentials(self) -> Any:
        """The session's credentials, or None; finding them may ask the network, so not on an event loop.

        Not a `cached_property`: in Python 3.11 those of all clients share a lock, and one would wait for another's.
        """
        if self._credentials is _UNKNOWN:
            self._credentials = None if self.session is None else self.session.get_credentials()
        return self._credentials

    def renewal(self) -> Future[Any]:
        """Return the renewal of the credentials that is under way in a worker thread; starts it if there is none."""
        with self._asking:
            if self._renewing is None or self._renewing.done():
                self._renewing = submit(self.credentials.get_frozen_credentials)
            return self._renewing

    @cached_property
    def is_native(self) -> bool:
        """Whether an event loop can send this client's requests itself: it has no proxy and no client certificate."""
        if self.session is None:
            return False
        config = self.config
        if config.proxies_config or config.client_cert:
            return False
        from botocore.utils import get_environ_proxies

        url = self.client.meta.endpoint_url
        proxies = get_environ_proxies(url) if config.proxies is None else config.proxies
        return urlsplit(url).scheme not in proxies and "all" not in proxies

    @cached_property
    def certificates(self) -> str | None:
        """The file or folder of trusted certificates; None for those that boto3 trusts."""
        named = self.session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")
        return named or None

    @cached_property
    def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS settings, or None where the endpoint is plain HTTP."""
        if urlsplit(self.client.meta.endpoint_url).scheme != "https":
            return None
        return _ssl_contexts.get(self.certificates, lambda: _ssl_context(self.certificates))

    def prepare_for_loops(self) -> None:
        """Load and find out what an event loop needs, in a thread that may block and runs no loop itself."""
        if self.is_native:
            _ = self.credentials, self.ssl_context
        self.is_ready_for_loops = True


_ssl_contexts: Shared[ssl.SSLContext] = Shared(8)


def _ssl_context(certificates: str | None) -> ssl.SSLContext:
    if certificates is None:
        from botocore.httpsession import get_cert_path

        certificates = get_cert_path(True)
    if os.path.isdir(certificates):
        return ssl.create_default_context(capath=certificates)
    return ssl.create_default_context(cafile=certificates)


def _built(settings: ConnectionSettings, service: str) -> ServiceClient:
    with _building:  # a session makes one client at a time
        session = _sessions.get(settings.session_key(), lambda: _session(settings))
        client = session[1].client(
            service,
            endpoint_url=settings.endpoint_url,
            config=_config(settings, session[0].user_agent()),
            region_name=settings.region_name,
        )
    equip(client)
    return ServiceClient(client, session[0])


def _session(settings: ConnectionSettings) -> tuple[Any, Any]:
    import boto3
    import botocore.session

    core = botocore.session.Session(profile=settings.profile_name)
    keys = {
        "aws_access_key_id": settings.access_key_id,
        "aws_secret_access_key": settings.secret_access_key,
        "aws_session_token": settings.session_token,
    }
    return core, boto3.Session(botocore_session=core, region_name=settings.region_name, **keys)


def _config(settings: ConnectionSettings, agent: str) -> Any:
    """Return the Config of a client: ours below the user's, the settings above it.

    The user agent is given, since botocore would build it anew for each request, in a third of the request's time.
    """
    import botocore
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        max_pool_connections=_POOL_CONNECTIONS,
        user_agent=agent,
        user_agent_extra="lib/spanloom",
    )
    if settings.config is not None:
        config = config.merge(settings.config)
    chosen: dict[str, Any] = {"retries": {"total_max_attempts": 1, "mode": "standard"}}
    if settings.connect_timeout_s is not None:
        chosen["connect_timeout"] = settings.connect_timeout_s
    if settings.read_timeout_s is not None:
        chosen["read_timeout"] = settings.read_timeout_s
    if settings.api_key is not None:
        chosen["signature_version"] = botocore.UNSIGNED
    elif getattr(config, "signature_version", None) is None:
        chosen["signature_version"] = "v4"  # said in code, or a bearer token of the environment would win
    return config.merge(Config(**chosen))
