"""What can be wrong with features: a generator that breaks its word, an input that fails a bar."""

from configs.errors import SevenLensError


class FeatureError(SevenLensError):
    """A generator produced something else than it declared, or nothing is left to learn from."""
