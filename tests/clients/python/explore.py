"""The same server, by reflection alone."""

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)


def check(channel: grpc.Channel, services: set[str], ticket_id: str) -> None:
    """Every service is listed and described, and a method can be called by what is told of it."""
    database = ProtoReflectionDescriptorDatabase(channel)
    listed = set(database.get_services())
    assert services <= listed, f"not listed: {sorted(services - listed)}"
    assert "grpc.health.v1.Health" in listed, listed
    strange = {name for name in listed - services if name.startswith("lotse.")}
    assert not strange, f"not in the protos: {strange}"

    pool = descriptor_pool.DescriptorPool(database)
    for name in sorted(services):
        methods = pool.FindServiceByName(name).methods
        assert methods, f"{name} has no methods"
        for method in methods:
            assert method.input_type.full_name.endswith(f".{method.name}Request"), method.name

    method = pool.FindServiceByName("lotse.intake.v1.TicketService").FindMethodByName("GetTicket")
    call = channel.unary_unary(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )
    request = message_factory.GetMessageClass(method.input_type)(ticket_id=ticket_id)
    ticket = json_format.MessageToDict(call(request))["ticket"]
    assert (ticket["id"], ticket["status"]) == (ticket_id, "TICKET_STATUS_SOLVED"), ticket
