"""Become a job: private mounts, no network, `/opt/ml` in its place, then the entry point.

Runs as a script in the job's own process, with the standard library alone; what it needs is one
JSON argument. Source: unshare(2), mount(2), user_namespaces(7).
"""

import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import Any

NEW_MOUNTS = 0x00020000
NEW_USER = 0x10000000
NEW_NETWORK = 0x40000000
BIND, PRIVATE, RECURSIVE = 0x1000, 0x40000, 0x4000
DIE_WITH_PARENT = 1
READ_FLAGS, WRITE_FLAGS, INTERFACE_UP = 0x8913, 0x8914, 0x1
OPT = Path("/opt")
ML = OPT / "ml"

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: Any) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _mount(source: str, target: Path, kind: str | None, flags: int) -> None:
    _call(
        "mount",
        source.encode(),
        str(target).encode(),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        None,
    )


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends."""
    _call("prctl", DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)


def leave_network_and_mounts() -> None:
    """Take private mount and network namespaces, in a user namespace unless root.

    Raises:
        OSError: the kernel or a container runtime refuses.
    """
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        _call("unshare", NEW_MOUNTS | NEW_NETWORK)
    else:
        _call("unshare", NEW_USER | NEW_MOUNTS | NEW_NETWORK)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    _mount("none", Path("/"), None, RECURSIVE | PRIVATE)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = fcntl.ioctl(control, READ_FLAGS, struct.pack("16sh22x", b"lo", 0))
        flags = struct.unpack("16sh22x", request)[1] | INTERFACE_UP
        fcntl.ioctl(control, WRITE_FLAGS, struct.pack("16sh22x", b"lo", flags))


def mount_ml(root: Path, needed: list[Path]) -> bool:
    """Show `root` as /opt/ml; False where something that is needed lives in /opt itself."""
    if not ML.is_dir():
        if any(path.is_relative_to(OPT) for path in needed):
            return False
        _mount("tmpfs", OPT, "tmpfs", 0)
        ML.mkdir()
    _mount(str(root), ML, None, BIND | RECURSIVE)
    return True


def hide(folders: list[Path]) -> None:
    """Lay an empty file system over each folder that exists."""
    for folder in folders:
        if folder.is_dir():
            _mount("tmpfs", folder, "tmpfs", 0)


def main() -> None:
    """Enter the namespaces that the plan allows and execute the entry point."""
    plan = json.loads(sys.argv[1])
    die_with_parent()
    environment = dict(os.environ)
    root = Path(plan["root"])
    mounted = False
    if plan["isolated"]:
        leave_network_and_mounts()
        needed = [Path(path).resolve() for path in (sys.prefix, sys.base_prefix, os.getcwd())]
        mounted = mount_ml(root, needed)
        hide([Path(path) for path in plan["hidden"] if mounted or not root.is_relative_to(path)])
    base = ML if mounted else root
    if not mounted:
        environment[plan["root_variable"]] = str(root)
    argv = [argument.replace("{ml}", str(base)) for argument in plan["argv"]]
    environment = {key: value.replace("{ml}", str(base)) for key, value in environment.items()}
    os.execvpe(argv[0], argv, environment)  # noqa: S606 - the point of this file


if __name__ == "__main__":
    main()
