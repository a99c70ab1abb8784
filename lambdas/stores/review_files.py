"""Files of one review in the audit bucket."""

import json
from typing import Any

from configs.contracts.artefacts import canonical_json
from configs.contracts.storage import Bucket
from lambdas.stores.bounded import StoreUnavailable, answering


class ReviewFiles:
    """Reads and writes JSON and text below the reviews prefix."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def write(self, key: str, value: Any) -> str:
        """Write a JSON value in canonical form, return its key. Raises StoreUnavailable."""
        return self.write_text(key, canonical_json(value).decode(), "application/json")

    def write_text(self, key: str, text: str, content_type: str) -> str:
        """Write a text, return its key. Raises StoreUnavailable."""
        with answering("the audit bucket"):
            self._client.put_object(
                Bucket=Bucket.AUDIT.value.physical_name(),
                Key=key,
                Body=text.encode(),
                ContentType=content_type,
                ChecksumAlgorithm="SHA256",
            )
        return key

    def read(self, key: str) -> Any:
        """Return the JSON value at a key. Raises StoreUnavailable when there is none."""
        with answering("the audit bucket"):
            found = self._client.get_object(Bucket=Bucket.AUDIT.value.physical_name(), Key=key)
            body = found["Body"].read()
        try:
            return json.loads(body)
        except ValueError as error:
            raise StoreUnavailable(f"{key} is not JSON", remedy="start the review again") from error
