"""Templates in jinja2, which needs the package of that name: `pip install 'spanloom[jinja2]'`.

They run in jinja2's immutable sandbox with attributes closed: `{{ a.b }}` reads the item "b" of a mapping, methods
cannot be called (use filters: `a | upper`, `a | items`), and only the attributes of jinja2's own loops and namespaces
are open (`loop.index`). There are no other templates to include. A function given as a value can be called. A sandbox
is a second line of defence, no proof, and bounds neither time nor memory; do not run templates of strangers. Names
without a value render as nothing. Nothing is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from ..exceptions import InvalidInputError

__all__ = ["jinja2_formatter", "jinja2_variables", "validate_jinja2"]


def jinja2_formatter(template: str, /, **kwargs: Any) -> str:
    """Return the template filled.

    Args:
        template: The text.
        kwargs: Name -> value.

    Raises:
        ImportError: If jinja2 is not installed.
        InvalidInputError: If the template is malformed, or does what is not allowed.
    """
    return str(_jinja().run(template, lambda env: _compiled(env, template).render(kwargs)))


def jinja2_variables(template: str) -> set[str]:
    """Return the names that a template takes its values from.

    Args:
        template: The text.

    Raises:
        ImportError: If jinja2 is not installed.
        InvalidInputError: If the template is malformed.
    """
    jinja = _jinja()
    return set(jinja.run(template, lambda env: jinja.undeclared(env.parse(template))))


def validate_jinja2(template: str, input_variables: Sequence[str]) -> None:
    """Warn if the variables are not just those of the template.

    Args:
        template: The text.
        input_variables: The variables.

    Raises:
        ImportError: If jinja2 is not installed.
        InvalidInputError: If the template is malformed.
    """
    found, given = jinja2_variables(template), set(input_variables)
    if found != given:
        import warnings

        said = f"The template lacks {sorted(given - found)!r} and also uses {sorted(found - given)!r}."
        warnings.warn(said, stacklevel=2)


class _Jinja(NamedTuple):
    environment: Any
    undeclared: Callable[[Any], set[str]]
    errors: tuple[type[Exception], ...]

    def run(self, template: str, work: Callable[[Any], Any]) -> Any:
        """Return what the work gives, with jinja2's errors as ours.

        Raises:
            InvalidInputError: If jinja2 refuses the template.
        """
        try:
            return work(self.environment)
        except self.errors as err:
            raise InvalidInputError(
                f"jinja2 refuses the template {template!r}: {err}. Write {{{{ name }}}} for a value and "
                "name['key'] for an item; attributes are closed."
            ) from err


@lru_cache(maxsize=256)
def _compiled(environment: Any, template: str) -> Any:
    """Return the compiled template; compiling takes far longer than filling."""
    return environment.from_string(template)


@cache
def _jinja() -> _Jinja:
    """Return jinja2's sandbox; made once.

    Raises:
        ImportError: If jinja2 is not installed.
    """
    try:
        from jinja2 import DictLoader, TemplateError
        from jinja2.exceptions import SecurityError
        from jinja2.meta import find_undeclared_variables
        from jinja2.runtime import LoopContext
        from jinja2.sandbox import ImmutableSandboxedEnvironment
        from jinja2.utils import Namespace
    except ImportError as err:
        raise ImportError("Templates in jinja2 need the package jinja2: pip install 'spanloom[jinja2]'") from err

    class Sandbox(ImmutableSandboxedEnvironment):
        def getattr(self, obj: Any, attribute: str) -> Any:
            return self.getitem(obj, attribute) if isinstance(obj, Mapping) else super().getattr(obj, attribute)

        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            return isinstance(obj, LoopContext | Namespace) and not attr.startswith("_")

        def unsafe_undefined(self, obj: Any, attribute: str) -> Any:
            raise SecurityError(f"{attribute!r} of a {type(obj).__name__} is closed")

    # A loader that knows nothing makes jinja2 refuse `include`, `import` and `extends` as it refuses other mistakes.
    return _Jinja(Sandbox(loader=DictLoader({})), find_undeclared_variables, (TemplateError,))
