"""Entry point of the CDK application: `-c env=dev` or `SEVENLENS_ENV=dev` names the environment."""

import os
import sys

from configs.errors import SevenLensError
from configs.settings.environment import load_environment
from stacks.stage import build_stage, new_app


def main() -> int:
    """Synthesise one environment; a wrong setting stops before the first construct."""
    app = new_app()
    name = app.node.try_get_context("env") or os.environ.get("SEVENLENS_ENV") or "local"
    try:
        build_stage(app, load_environment(str(name)))
    except SevenLensError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
