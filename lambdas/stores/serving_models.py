"""Published model packages in S3, verified by their manifest and kept while they serve."""

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

from configs.contracts.artefacts import MANIFEST_NAME
from configs.contracts.storage import Bucket
from lambdas.decision.model import BadPackage, ServingModel, Students, parse_model
from lambdas.decision.students import NEEDED_FILES, BadStudents, load_students
from lambdas.stores.bounded import StoreUnavailable, answering

SCHEMA, CATALOGUE, SERVING = "feature_schema.json", "catalogue.json", "serving.json"


class ServingModels:
    """Loads a package once; another version replaces it.

    Args:
        protected: patterns of words that no told label may hold.
        evaluate: whether the students are needed.
    """

    def __init__(
        self, client: Any, *, protected: Sequence[re.Pattern[str]], evaluate: bool = True
    ) -> None:
        self._client = client
        self._protected = protected
        self._evaluate = evaluate
        self._model: ServingModel | None = None

    @property
    def last(self) -> ServingModel | None:
        """The model loaded last, if any."""
        return self._model

    def load(self, version: str, prefix: str) -> ServingModel:
        """Return the model below `prefix`.

        A model whose students cannot be used comes without students, and is loaded again by the
        next request.

        Raises:
            StoreUnavailable: S3 did not answer.
            BadPackage: what even the rule layer needs is missing or altered.
        """
        kept = self._model
        complete = kept is not None and (kept.students is not None or not self._evaluate)
        if kept is not None and kept.version == version and complete:
            return kept
        hashes = self._hashes(prefix)
        schema = self._file(prefix, SCHEMA, hashes)
        self._model = parse_model(
            version=version,
            schema=schema,
            catalogue=self._file(prefix, CATALOGUE, hashes),
            serving=self._file(prefix, SERVING, hashes),
            students=self._students(prefix, schema, hashes),
            protected=self._protected,
        )
        return self._model

    def _students(self, prefix: str, schema: bytes, hashes: dict[str, str]) -> Students | None:
        if not self._evaluate:
            return None
        try:
            files = {name: self._file(prefix, name, hashes) for name in NEEDED_FILES}
            return load_students(files, inputs=len(json.loads(schema)["decision_inputs"]))
        except (StoreUnavailable, BadPackage, BadStudents, ValueError, KeyError):
            return None

    def _hashes(self, prefix: str) -> dict[str, str]:
        """Return path -> SHA-256 of the package's files. Raises BadPackage."""
        try:
            rows = json.loads(self._read(f"{prefix}{MANIFEST_NAME}"))["files"]
            return {str(row["path"]): str(row["sha256"]) for row in rows}
        except (ValueError, KeyError, TypeError) as error:
            raise BadPackage("the package's manifest cannot be read") from error

    def _file(self, prefix: str, name: str, hashes: dict[str, str]) -> bytes:
        content = self._read(f"{prefix}{name}")
        if hashlib.sha256(content).hexdigest() != hashes.get(name):
            raise BadPackage(f"{name} is not the file in the package's manifest")
        return content

    def _read(self, key: str) -> bytes:
        with answering("the model bucket"):
            found = self._client.get_object(Bucket=Bucket.LAKE.value.physical_name(), Key=key)
            return bytes(found["Body"].read())
