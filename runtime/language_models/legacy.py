"""What text models keep from the time before `invoke`: being called with a text, and saving their parameters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from warnings import warn

from ...tracing.callbacks.manager import Callbacks
from ..runnables.config import RunnableConfig
from .generating import GeneratingTexts

__all__ = ["CalledTexts"]


class CalledTexts(GeneratingTexts):
    """The deprecated ways to use a text model."""

    def __str__(self) -> str:
        return f"\033[1m{self.get_name()}\033[0m\nParams: {dict(self._identifying_params)}"

    def __call__(
        self,
        prompt: str,
        stop: list[str] | None = None,
        callbacks: Callbacks = None,
        *,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> str:
        """Return the model's answer to a text; `invoke` does the same.

        Args:
            prompt: The text.
            stop: Texts at which the answer ends.
            callbacks: Handlers of the call.
            tags: Tags of the call.
            metadata: Metadata of the call.
            kwargs: Passed on to the provider.

        Raises:
            ValueError: If the prompt is not a text.
        """
        if not isinstance(prompt, str):
            raise ValueError(  # noqa: TRY004 - documented as a ValueError
                f"The prompt is {prompt!r}; calling a model takes one text. Use invoke or batch for others."
            )
        warn("Calling a model is deprecated; use invoke.", DeprecationWarning, stacklevel=2)
        config: RunnableConfig = {"callbacks": callbacks, "tags": tags or [], "metadata": metadata or {}}
        return str(self.invoke(prompt, config, stop=stop, **kwargs))

    def save(self, file_path: Path | str) -> None:
        """Write the model's identifying parameters to a file.

        Args:
            file_path: A path that ends in .json, .yaml or .yml; its folder is created.

        Raises:
            ValueError: If it ends otherwise.
            ImportError: If PyYAML is missing for a YAML file.
        """
        path, parameters = Path(file_path), {**self._identifying_params, "_type": self._llm_type}
        if path.suffix == ".json":
            text = json.dumps(parameters, indent=4)
        elif path.suffix in (".yaml", ".yml"):
            try:
                import yaml
            except ImportError as exc:
                raise ImportError("Saving as YAML needs PyYAML: pip install 'spanloom[yaml]'.") from exc
            text = yaml.dump(parameters, default_flow_style=False)
        else:
            raise ValueError(f"{path} must end in .json, .yaml or .yml.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
