"""Checks a running suite as a Python client meets it: `check.py GRPC_ADDRESS PUBLIC_URL`."""

import pathlib
import sys
import tempfile

import grpc

import desk
import explore
import stubs


def main(address: str, public: str) -> None:
    with tempfile.TemporaryDirectory() as folder, grpc.insecure_channel(address) as channel:
        services = stubs.generate(pathlib.Path(folder))
        ticket_id = desk.Desk(channel, public).check()
        explore.check(channel, services, ticket_id)
    print(f"Python: {len(services)} services, three tickets all the way")


if __name__ == "__main__":
    main(*sys.argv[1:])
