"""Generates what a Python client is made of from the protos, as a user of them would."""

import pathlib
import sys

import grpc_tools
from google.protobuf import descriptor_pb2
from grpc_tools import protoc

PROTOS = pathlib.Path(__file__).parents[3] / "proto"


def generate(folder: pathlib.Path) -> set[str]:
    """Writes the stubs to `folder`, makes them importable, and names the suite's services."""
    well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    descriptors = folder / "descriptors.bin"
    files = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.glob("lotse/**/*.proto"))
    arguments = [
        "protoc",
        f"--proto_path={PROTOS}",
        f"--proto_path={well_known}",
        f"--python_out={folder}",
        f"--grpc_python_out={folder}",
        f"--descriptor_set_out={descriptors}",
        *files,
    ]
    assert protoc.main(arguments) == 0, "protoc refuses the protos"
    sys.path.insert(0, str(folder))
    compiled = descriptor_pb2.FileDescriptorSet.FromString(descriptors.read_bytes())
    return {
        f"{file.package}.{service.name}" for file in compiled.file for service in file.service
    }
