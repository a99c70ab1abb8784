"""`POST /v1/recommendations` and `GET /v1/health`."""
