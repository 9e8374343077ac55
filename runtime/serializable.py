"""The lowest base of messages, documents, prompt values and generations.

Two things ride on it. The documented serialisation interface (`lc_id`, `lc_secrets`, ...) says how an object is named
in a dump. The journal's interface (`encode_fields`, `decode_fields`) says how an object is kept beside a span and
built again on replay: only fields that differ from their default are kept, and only classes of this package, found by
name in `wire_classes`, are ever built, because a stored span may come from anyone.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, Self

from pydantic import BaseModel
from pydantic.fields import FieldInfo

__all__ = ["Serializable", "wire_classes"]

wire_classes: "dict[str, type[Serializable]]" = {}
"""Class name -> class, for every class of this package that replay may build. Filled when a class is defined."""

_PACKAGE = f"{__name__.partition('.')[0]}."


class Serializable(BaseModel):
    """A pydantic model that can name itself in a dump and be rebuilt from a journal.

    Its `repr` leaves out fields that hold their default, except those named in `always_shown`.
    """

    always_shown: ClassVar[frozenset[str]] = frozenset()
    """Fields that `repr` shows even when they hold their default."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Register a class of this package under its name.

        Raises:
            TypeError: If another class of this package already has the name.
        """
        super().__pydantic_init_subclass__(**kwargs)
        if not cls.__module__.startswith(_PACKAGE) or cls.__pydantic_generic_metadata__["origin"] is not None:
            return
        known = wire_classes.get(cls.__name__)
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(
                f"{cls.__module__}.{cls.__qualname__} has the wire name of {known.__module__}.{known.__qualname__}; "
                "rename one of them."
            )
        wire_classes[cls.__name__] = cls

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return whether dumps may hold this class's fields; False unless a class says otherwise."""
        return False

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the path of names under which dumps file this class: the parts of its module's name."""
        return cls.__module__.split(".")

    @classmethod
    def lc_id(cls) -> list[str]:
        """Return the full name of this class in dumps: its namespace and its own name, without type parameters."""
        origin = cls.__pydantic_generic_metadata__["origin"]
        return [*cls.get_lc_namespace(), (origin or cls).__name__]

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Return argument name -> name of the secret (an environment variable) that dumps write in its place."""
        return {}

    @property
    def lc_attributes(self) -> dict[str, Any]:
        """Return attributes that dumps add to the constructor's arguments."""
        return {}

    def to_json(self) -> dict[str, Any]:
        """Return how a dump begins to show this: its arguments are not yet JSON, its secrets are names."""
        known: dict[str, Any] = {"lc": 1, "id": self.lc_id()}
        named = getattr(self, "get_name", None)
        if callable(named):
            known["name"] = named()
        if not self.is_lc_serializable():
            return {**known, "type": "not_implemented", "repr": repr(self)}
        kwargs: dict[str, Any] = {}
        for name, field in type(self).model_fields.items():
            if name in self.__dict__ and not field.exclude:
                value = self.__dict__[name]
                if field.is_required() or value or not _is_default(value, field):
                    kwargs[name] = value
        kwargs.update(self.__pydantic_extra__ or {}, **self.lc_attributes)
        for name, secret in self.lc_secrets.items():
            if kwargs.get(name) is not None:
                kwargs[name] = {"lc": 1, "type": "secret", "id": [secret]}
        return {**known, "type": "constructor", "kwargs": kwargs}

    def encode_fields(self) -> dict[str, Any]:
        """Return the fields that differ from their default, extra fields included.

        The values are the live python objects, neither encoded nor copied.
        """
        own = {
            name: self.__dict__[name]
            for name, field in type(self).model_fields.items()
            if name in self.__dict__ and not _is_default(self.__dict__[name], field)
        }
        return {**own, **(self.__pydantic_extra__ or {})}

    @classmethod
    def decode_fields(cls, fields: dict[str, Any]) -> Self:
        """Return an object of this class equal to the one whose `encode_fields` gave `fields`.

        Args:
            fields: Field name -> value. A field that is absent takes its default.

        Raises:
            pydantic.ValidationError: If a value does not fit its field.
        """
        return cls(**fields)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        for name, field in type(self).model_fields.items():
            if not field.repr or name not in self.__dict__:
                continue
            value = self.__dict__[name]
            if name in self.always_shown or not _is_default(value, field):
                yield name, value
        yield from (self.__pydantic_extra__ or {}).items()


def _is_default(value: Any, field: FieldInfo) -> bool:
    if field.is_required():
        return False
    default = field.get_default(call_default_factory=False)
    if field.default_factory is not None:
        default = field.default_factory()  # type: ignore[call-arg]  # our factories take no data
    return value is default or (type(value) is type(default) and bool(value == default))
