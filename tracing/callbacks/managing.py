"""What callback managers hold: which handlers, tags and metadata a run gets, and what it hands down.

A manager holds handlers, tags and metadata twice: those of the next run alone and those that its descendants inherit
too. `open_run` is how every run of ours begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self
from uuid import UUID

from ..events.replay import replay
from ..lineage import NO_FACTS, NO_HERITAGE, Heritage, SpanFacts, Tap
from ..run import NO_METADATA
from ..scope import Parent, RunScope
from .ambient import ambient_handlers

__all__ = ["BaseCallbackManager", "Callbacks", "open_run"]


class BaseCallbackManager:
    """Handlers, tags and metadata for the next run and for its descendants.

    Args:
        handlers: Handlers of the next run.
        inheritable_handlers: Handlers that its descendants get too.
        parent_run_id: The run that will be its parent.
        tags: Tags of the next run.
        inheritable_tags: Tags that its descendants get too.
        metadata: Metadata of the next run.
        inheritable_metadata: Metadata that its descendants get too.
    """

    is_async = False
    """Whether hooks are awaited."""

    def __init__(
        self,
        handlers: Sequence[Any] = (),
        inheritable_handlers: Sequence[Any] | None = None,
        parent_run_id: UUID | None = None,
        *,
        tags: Sequence[str] | None = None,
        inheritable_tags: Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        inheritable_metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.handlers: list[Any] = list(handlers)
        self.inheritable_handlers: list[Any] = list(inheritable_handlers or ())
        self.parent_run_id = parent_run_id
        self.tags: list[str] = list(tags or ())
        self.inheritable_tags: list[str] = list(inheritable_tags or ())
        self.metadata: dict[str, Any] = dict(metadata or {})
        self.inheritable_metadata: dict[str, Any] = dict(inheritable_metadata or {})
        self.parent_scope: RunScope | None = None
        self.step: str | None = None
        self.streams: tuple[Tap, ...] = ()

    @classmethod
    def of(cls, parent: Parent) -> Self:
        """Return the manager that a step of a run gets.

        Args:
            parent: The run and the step's tag.
        """
        scope = parent.scope
        heritage = scope.heritage
        made = cls(
            heritage.handlers,
            heritage.handlers,
            scope.run.uuid,
            tags=heritage.tags,
            inheritable_tags=heritage.tags,
            metadata=heritage.metadata,
            inheritable_metadata=heritage.metadata,
        )
        if parent.tag is not None:
            made.add_tags([parent.tag], inherit=False)
        made.parent_scope, made.step = scope, parent.tag
        made.streams = heritage.streams
        return made

    @staticmethod
    def records(
        spans: Iterable[Any],
        *,
        include_names: Sequence[str] | None = None,
        include_types: Sequence[str] | None = None,
        include_tags: Sequence[str] | None = None,
        exclude_names: Sequence[str] | None = None,
        exclude_types: Sequence[str] | None = None,
        exclude_tags: Sequence[str] | None = None,
        root_run_id: UUID | str | None = None,
        include_errors: bool = False,
        include_timing: bool = False,
    ) -> Iterator[dict[str, Any]]:
        """Return the `astream_events` v2 records of stored spans, as they were streamed or would have been.

        Args:
            spans: Spans with their journals: from the store, from a file, or received over OTLP.
            include_names: Keep events of runs with one of these names.
            include_types: Keep events of runs of one of these types.
            include_tags: Keep events of runs with one of these tags.
            exclude_names: Leave out events of runs with one of these names.
            exclude_types: Leave out events of runs of one of these types.
            exclude_tags: Leave out events of runs with one of these tags.
            root_run_id: Replay the stream of this run, which may be nested in another.
            include_errors: Also give `on_<type>_error` for runs that failed, were cancelled or abandoned.
            include_timing: Also give each record its `time_ns` and `seq`.

        Raises:
            FilterError: If a filter is not a list of strings.
            JournalError: If a span's journal cannot be read.
        """
        return replay(
            spans,
            include_names=include_names,
            include_types=include_types,
            include_tags=include_tags,
            exclude_names=exclude_names,
            exclude_types=exclude_types,
            exclude_tags=exclude_tags,
            root_run_id=root_run_id,
            include_errors=include_errors,
            include_timing=include_timing,
        )

    @classmethod
    def configure(
        cls,
        inheritable_callbacks: Callbacks = None,
        local_callbacks: Callbacks = None,
        verbose: bool = False,
        inheritable_tags: Sequence[str] | None = None,
        local_tags: Sequence[str] | None = None,
        inheritable_metadata: Mapping[str, Any] | None = None,
        local_metadata: Mapping[str, Any] | None = None,
    ) -> Self:
        """Return a manager built from what a call and its runnable say.

        Args:
            inheritable_callbacks: Handlers or a manager; they reach the descendants.
            local_callbacks: Handlers or a manager for the next run alone.
            verbose: Accepted; it changes nothing here.
            inheritable_tags: Tags that reach the descendants.
            local_tags: Tags of the next run alone.
            inheritable_metadata: Metadata that reaches the descendants.
            local_metadata: Metadata of the next run alone.
        """
        made = cls._from(inheritable_callbacks)
        for handler in _handlers(local_callbacks):
            made.add_handler(handler, inherit=False)
        made.add_tags(inheritable_tags or ())
        made.add_tags(local_tags or (), inherit=False)
        made.add_metadata(inheritable_metadata or {})
        made.add_metadata(local_metadata or {}, inherit=False)
        return made

    @classmethod
    def _from(cls, callbacks: Callbacks | Parent) -> Self:
        if isinstance(callbacks, Parent):
            return cls.of(callbacks)
        if isinstance(callbacks, BaseCallbackManager):
            made = cls(
                callbacks.handlers,
                callbacks.inheritable_handlers,
                callbacks.parent_run_id,
                tags=callbacks.tags,
                inheritable_tags=callbacks.inheritable_tags,
                metadata=callbacks.metadata,
                inheritable_metadata=callbacks.inheritable_metadata,
            )
            made.parent_scope, made.streams, made.step = callbacks.parent_scope, callbacks.streams, callbacks.step
            return made
        return cls(callbacks or (), callbacks or ())

    @property
    def is_root(self) -> bool:
        """Whether the next run will be a root."""
        return self.parent_run_id is None

    def copy(self) -> Self:
        """Return a manager of its own with the same contents."""
        return type(self)._from(self)

    def merge(self, other: BaseCallbackManager) -> Self:
        """Return a manager with the handlers, tags and metadata of both.

        Args:
            other: The other one.
        """
        made = self.copy()
        for handler in other.handlers:
            made.add_handler(handler, inherit=False)
        for handler in other.inheritable_handlers:
            if handler not in made.inheritable_handlers:
                made.inheritable_handlers.append(handler)
        made.add_tags(other.tags, inherit=False)
        made.inheritable_tags += [tag for tag in other.inheritable_tags if tag not in made.inheritable_tags]
        made.metadata.update(other.metadata)
        made.inheritable_metadata.update(other.inheritable_metadata)
        return made

    def add_handler(self, handler: Any, inherit: bool = True) -> None:
        """Add a handler, unless it is there already.

        Args:
            handler: The handler.
            inherit: Whether descendants get it too.
        """
        if handler not in self.handlers:
            self.handlers.append(handler)
        if inherit and handler not in self.inheritable_handlers:
            self.inheritable_handlers.append(handler)

    def remove_handler(self, handler: Any) -> None:
        """Remove a handler, from descendants too.

        Args:
            handler: The handler.
        """
        for handlers in (self.handlers, self.inheritable_handlers):
            if handler in handlers:
                handlers.remove(handler)

    def set_handlers(self, handlers: Sequence[Any], inherit: bool = True) -> None:
        """Replace the handlers.

        Args:
            handlers: The new ones.
            inherit: Whether descendants get them too.
        """
        self.handlers, self.inheritable_handlers = [], []
        for handler in handlers:
            self.add_handler(handler, inherit=inherit)

    def set_handler(self, handler: Any, inherit: bool = True) -> None:
        """Replace the handlers by one.

        Args:
            handler: The handler.
            inherit: Whether descendants get it too.
        """
        self.set_handlers([handler], inherit=inherit)

    def add_tags(self, tags: Sequence[str], inherit: bool = True) -> None:
        """Add tags; one that is there already moves to the end.

        Args:
            tags: The tags.
            inherit: Whether descendants get them too.
        """
        self.tags = list(_moved(self.tags, tags))
        if inherit:
            self.inheritable_tags = list(_moved(self.inheritable_tags, tags))

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Remove tags, from descendants too.

        Args:
            tags: The tags.
        """
        self.tags = [tag for tag in self.tags if tag not in tags]
        self.inheritable_tags = [tag for tag in self.inheritable_tags if tag not in tags]

    def add_metadata(self, metadata: Mapping[str, Any], inherit: bool = True) -> None:
        """Add metadata; the new value of a key wins.

        Args:
            metadata: The metadata.
            inherit: Whether descendants get it too.
        """
        self.metadata.update(metadata)
        if inherit:
            self.inheritable_metadata.update(metadata)

    def remove_metadata(self, keys: Sequence[str]) -> None:
        """Remove metadata, from descendants too.

        Args:
            keys: Its keys.
        """
        for key in keys:
            self.metadata.pop(key, None)
            self.inheritable_metadata.pop(key, None)

    def with_stream(self, stream: Tap) -> Self:
        """Return a copy whose runs also feed a live event stream.

        Args:
            stream: The stream.
        """
        made = self.copy()
        made.streams = (*self.streams, stream)
        return made


Callbacks = Sequence[Any] | BaseCallbackManager | None
"""What `callbacks` may be in a config: handlers, a manager, or nothing."""


def _handlers(callbacks: Callbacks) -> Sequence[Any]:
    return callbacks.handlers if isinstance(callbacks, BaseCallbackManager) else callbacks or ()


def _moved(have: Iterable[str], tags: Sequence[str]) -> tuple[str, ...]:
    """Return the tags with new ones at the end; one that was there already moves there."""
    unique = tuple(dict.fromkeys(tags))
    return (*(tag for tag in have if tag not in unique), *unique)


def _with_ambient(
    handlers: tuple[Any, ...], heritage: Heritage, inherited: tuple[Any, ...], local: tuple[Any, ...]
) -> tuple[tuple[Any, ...], Heritage]:
    handlers = (*handlers, *(handler for handler in (*inherited, *local) if handler not in handlers))
    missing = tuple(handler for handler in inherited if handler not in heritage.handlers)
    if missing:
        handed = (*heritage.handlers, *missing)
        heritage = Heritage(handed, heritage.tags, heritage.metadata, heritage.streams)
    return handlers, heritage


def open_run(
    callbacks: Callbacks | Parent,
    name: str,
    run_type: str = "chain",
    tags: Sequence[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    local: tuple[Callbacks, Sequence[str] | None, Mapping[str, Any] | None] | None = None,
    given_id: int | None = None,
    config: Any = None,
    facts: SpanFacts = NO_FACTS,
) -> RunScope:
    """Open the scope of a new run.

    Args:
        callbacks: Handlers, a manager, or a parent and the tag of its step.
        name: The run's name.
        run_type: Its type.
        tags: Inheritable tags.
        metadata: Inheritable metadata.
        local: Handlers, tags and metadata that belong to the runnable and are not inherited.
        given_id: A run id given by the user.
        config: What the runtime wants to find again for the run's children.
        facts: What its span says besides.
    """
    run_tags: tuple[str, ...]
    step = None
    if type(callbacks) is Parent:
        step = callbacks.tag
        parent: RunScope | None = callbacks.scope
        heritage = callbacks.scope.heritage
        handlers = heritage.handlers
        run_tags = heritage.tags if step is None else (*heritage.tags, step)
        run_metadata = heritage.metadata
    elif callbacks is None:
        parent, heritage, handlers, run_tags, run_metadata = None, NO_HERITAGE, (), (), NO_METADATA
    else:
        manager = callbacks if isinstance(callbacks, BaseCallbackManager) else BaseCallbackManager._from(callbacks)
        parent, step = manager.parent_scope, manager.step
        heritage = Heritage(
            tuple(manager.inheritable_handlers),
            tuple(dict.fromkeys(manager.inheritable_tags)),
            manager.inheritable_metadata,
            manager.streams,
        )
        handlers, run_tags, run_metadata = tuple(manager.handlers), tuple(manager.tags), manager.metadata
    if tags:
        run_tags = _moved(run_tags, tags)
        handed = _moved(heritage.tags, tags)
        if handed != heritage.tags:
            heritage = Heritage(heritage.handlers, handed, heritage.metadata, heritage.streams)
    if metadata:
        run_metadata = {**run_metadata, **metadata}
        if any(key not in heritage.metadata or heritage.metadata[key] is not metadata[key] for key in metadata):
            handed_metadata = {**heritage.metadata, **metadata}
            heritage = Heritage(heritage.handlers, heritage.tags, handed_metadata, heritage.streams)
    ambient = ambient_handlers()
    if ambient is not None:
        handlers, heritage = _with_ambient(handlers, heritage, *ambient)
    if local is not None:
        own_callbacks, own_tags, own_metadata = local
        handlers = (*handlers, *(handler for handler in _handlers(own_callbacks) if handler not in handlers))
        run_tags = _moved(run_tags, own_tags) if own_tags else run_tags
        run_metadata = {**run_metadata, **own_metadata} if own_metadata else run_metadata
    return RunScope(name, run_type, run_tags, run_metadata, heritage, handlers, parent, given_id, config, facts, step)
