"""Prompts that are an image: its address, which may hold fields, and how closely a model should look at it."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from ..exceptions import InvalidInputError
from ..prompt_values import ImagePromptValue, ImageURL, PromptValue
from .base import BasePromptTemplate
from .formats import TemplateFormat, fill_template, get_template_variables

__all__ = ["ImagePromptTemplate"]

_KEYS = frozenset({"url", "path", "detail"})


class ImagePromptTemplate(BasePromptTemplate):
    """An image whose address may hold fields.

    Args:
        template: "url" and "detail", each a text with fields. Their fields are the variables, whatever
            `input_variables` says; none may be called url, path or detail, which `format` takes itself.
        template_format: `f-string`, `mustache` or `jinja2`.

    Raises:
        pydantic.ValidationError: If a template is malformed, or a value does not fit its field.
    """

    template: dict[str, Any] = Field(default_factory=dict)
    template_format: TemplateFormat = "f-string"

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the documented namespace of image prompts."""
        return ["langchain", "prompts", "image"]

    @property
    def _prompt_type(self) -> str:
        return "image-prompt"

    @model_validator(mode="before")
    @classmethod
    def _read_variables(cls, values: Any) -> Any:
        template = values.get("template") if isinstance(values, dict) else None
        if not isinstance(template, dict):
            return values
        form = values.get("template_format", "f-string")
        texts = [text for text in template.values() if isinstance(text, str)]
        found = {name for text in texts for name in get_template_variables(text, form)}
        reserved = sorted(found & _KEYS)
        if reserved:
            raise ValueError(f"The fields {reserved!r} have names that the image itself needs; rename them.")
        partial = values.get("partial_variables") or {}
        return {**values, "input_variables": sorted(found.difference(partial))}

    def format_prompt(self, **kwargs: Any) -> PromptValue:
        """Return the image as a prompt value.

        Args:
            kwargs: Name -> value.

        Raises:
            InvalidInputError: If there is no url.
        """
        return ImagePromptValue(image_url=self.format(**kwargs))

    def format(self, **kwargs: Any) -> ImageURL:
        """Return the image's address and detail.

        Args:
            kwargs: Name -> value; `url` and `detail` replace those of the template.

        Raises:
            InvalidInputError: If there is no url, or a path instead: files are never read for a prompt.
            KeyError: If a field has no value.
        """
        values = self._merge_partial_and_user_variables(**kwargs)
        filled: dict[str, Any] = {
            key: fill_template(value, values, self.template_format) if isinstance(value, str) else value
            for key, value in self.template.items()
        }
        filled.update({key: values[key] for key in _KEYS if values.get(key)})
        if "path" in filled:
            raise InvalidInputError(f"The image is given by path={filled['path']!r}; give its 'url', or a data URL.")
        if not isinstance(filled.get("url"), str) or not filled["url"]:
            raise InvalidInputError(f"The image {filled!r} has no url; give its address or a data URL as 'url'.")
        found = ImageURL(url=filled["url"])
        if filled.get("detail"):
            found["detail"] = filled["detail"]
        return found

    def pretty_repr(self, html: bool = False) -> str:
        """Return the template as it is.

        Args:
            html: Without effect.
        """
        return str(self.template)
