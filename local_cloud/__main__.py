"""`python -m local_cloud`: run, inspect and stop the embedded AWS of this checkout."""

import argparse
import os
import shutil
import sys
from pathlib import Path

from configs.errors import SevenLensError
from local_cloud.assembly import build_assembly
from local_cloud.bootstrap import bootstrap
from local_cloud.deploy import destroy
from local_cloud.session import Cloud, NotServing, running, start, stop
from local_cloud.settings import HOME, STATE, local_cloud_settings

EXAMPLES = """examples:
  python -m local_cloud up                     start it and deploy the application
  python -m local_cloud up --empty             start it with nothing in it
  python -m local_cloud deploy                 bring the application up to date
  eval "$(python -m local_cloud env)"          let any AWS tool of this shell reach it, e.g.
      aws stepfunctions list-state-machines
      SEVENLENS_ENV=local npx cdk diff
  python -m local_cloud misbehave --mode made_up_number --times 2
  python -m local_cloud interrupt --job <training job>
  python -m local_cloud down                   stop it; what it holds is kept
  python -m local_cloud down --forget          stop it and delete what it holds
"""
ENV = "local"


def _say(text: str) -> None:
    print(text, flush=True)


def _needed() -> Cloud:
    cloud = running()
    if cloud is None:
        raise NotServing("no embedded AWS is running", remedy="start one with `make up`")
    return cloud


def _deploy(cloud: Cloud) -> None:
    _say("synthesising the application where it changed ...")
    assembly = build_assembly(ENV)
    _say(f"deploying onto {cloud.endpoint} ...")
    for stack, outputs in cloud.deploy(assembly, say=_say).items():
        for key, value in outputs.items():
            _say(f"    {stack}.{key} = {value}")


def up(given: argparse.Namespace) -> None:
    """Start the server, bootstrap it and deploy."""
    cloud = running() or start(state=given.state, tied=False, port=given.port)
    account = local_cloud_settings().account
    bootstrap(cloud.client, account=account, region=cloud.region)
    if not given.empty:
        _deploy(cloud)
    _say(f"the embedded AWS serves at {cloud.endpoint} (process {cloud.pid}, loopback only)")
    _say('reach it from this shell:  eval "$(.venv/bin/python -m local_cloud env)"')
    _say("stop it:                   make down")


def down(given: argparse.Namespace) -> None:
    """Stop the server, and forget its state if asked to."""
    cloud = running()
    if cloud is not None:
        stop(cloud)
        _say(f"stopped process {cloud.pid}")
    else:
        _say("no embedded AWS is running")
    if given.forget:
        for folder in (given.state, HOME / "jobs"):
            shutil.rmtree(folder, ignore_errors=True)
        _say(f"deleted {given.state}")


def deploy_command(_given: argparse.Namespace) -> None:
    """Deploy onto the running server."""
    _deploy(_needed())


def destroy_command(_given: argparse.Namespace) -> None:
    """Delete the application's stacks from the running server."""
    destroy(_needed().client, build_assembly(ENV), say=_say)


def status(_given: argparse.Namespace) -> None:
    """Say what runs."""
    cloud = _needed()
    told = cloud.command("jobs")
    _say(f"serving at {cloud.endpoint} (process {cloud.pid})")
    _say(
        "jobs have their own mounts and no network"
        if told["isolated"]
        else "this machine allows no namespaces: jobs are isolated by their environment only"
    )
    stacks = cloud.client("cloudformation").describe_stacks()["Stacks"]
    for stack in stacks:
        _say(f"  stack {stack['StackName']}: {stack['StackStatus']}")
    for job, processes in told["processes"].items():
        _say(f"  job {job}: processes {', '.join(map(str, processes))}")


def env(_given: argparse.Namespace) -> None:
    """Print shell commands that point AWS tools at the server."""
    for name, value in _needed().environment.items():
        _say(f"export {name}={value}")


def interrupt(given: argparse.Namespace) -> None:
    """Take a training job's spot instances away."""
    done = _needed().command("interrupt", job=given.job)["interrupted"]
    _say("interrupted" if done else f"{given.job} is no running spot job")


def misbehave(given: argparse.Namespace) -> None:
    """Plant wrong replies of the language model."""
    try:
        planted = _needed().command("writer", mode=given.mode, times=given.times)["planted"]
    except ValueError as error:
        raise NotServing(str(error), remedy="name one of the modes") from error
    _say(f"next replies: {', '.join(planted) or 'good'}")


def arguments() -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog="python -m local_cloud",
        description="The embedded AWS of this checkout.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, action: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(action=action)
        return added

    starting = command("up", up, "start the server and deploy the application")
    starting.add_argument("--port", type=int, default=0, help="port to serve on (default: any)")
    starting.add_argument("--empty", action="store_true", help="deploy nothing")
    stopping = command("down", down, "stop the server")
    stopping.add_argument("--forget", action="store_true", help="delete what it holds")
    for parser_with_state in (starting, stopping):
        parser_with_state.add_argument(
            "--state", type=Path, default=STATE, help="folder of stored state"
        )
    command("deploy", deploy_command, "deploy the application onto the running server")
    command("destroy", destroy_command, "delete the application's stacks from it")
    command("status", status, "show stacks and running jobs")
    command("env", env, "print variables for AWS tools")
    taking = command("interrupt", interrupt, "simulate the loss of a job's spot instances")
    taking.add_argument("--job", required=True)
    planting = command("misbehave", misbehave, "plant wrong replies of the language model")
    planting.add_argument("--mode", required=True, help="a mode, or `good` to take all away")
    planting.add_argument("--times", type=int, default=1)
    return parser.parse_args()


def main() -> int:
    """Carry out one command; errors name the problem and the remedy."""
    given = arguments()
    try:
        given.action(given)
    except SevenLensError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
