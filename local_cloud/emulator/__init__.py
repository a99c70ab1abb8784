"""Code that runs inside the emulator's process: the server and what is plugged into it."""
