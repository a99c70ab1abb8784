"""Published model packages in S3, verified by their manifest and kept while they serve."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from configs.contracts.storage import Bucket
from lambdas.decision.evaluator import load_students
from lambdas.decision.model import BadPackage, ServingModel, Students, parse_model
from lambdas.stores.bounded import answering

MANIFEST = "manifest.json"
NEEDED = ("feature_schema.json", "catalogue.json", "serving.json")


class ServingModels:
    """Loads a package once; another version replaces it."""

    def __init__(self, client: Any, *, protected: Sequence[re.Pattern[str]]) -> None:
        self._client = client
        self._protected = protected
        self._model: ServingModel | None = None

    @property
    def last(self) -> ServingModel | None:
        """The model loaded last, if any."""
        return self._model

    def load(self, version: str, prefix: str) -> ServingModel:
        """Return the model below `prefix`.

        A model whose students cannot be used comes without students, and is not kept, so that
        the next request tries again.

        Raises:
            StoreUnavailable: S3 did not answer.
            BadPackage: what even the rule layer needs is missing or altered.
        """
        if self._model is not None and self._model.version == version and self._model.students:
            return self._model
        manifest = self._manifest(prefix)
        files = {name: self._file(prefix, name, manifest) for name in NEEDED}
        self._model = parse_model(
            version=version,
            schema=files["feature_schema.json"],
            catalogue=files["catalogue.json"],
            serving=files["serving.json"],
            students=self._students(prefix, manifest, files["feature_schema.json"]),
            protected=self._protected,
        )
        return self._model
