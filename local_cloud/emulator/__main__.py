"""`python -m local_cloud.emulator`: the server process of the embedded AWS."""

from local_cloud.emulator.options import parse
from local_cloud.emulator.server import serve

if __name__ == "__main__":
    serve(parse())
