"""Plays fifty agents for ten minutes of manual time: `fifty.py DESK [SEED]`, where DESK is the program
of `cargo build -p lotse-tests --example desk`.

Chats and calls are offered to agents who accept, decline or go silent; mail is theirs at once. They
answer what they have and solve it; some room stays taken while they wrap up. When all have gone home
a few more tickets come. Checked all the while and at the end: nobody is over capacity, no ticket is
offered to the same agent twice, who was silent counts as not responding and gets nothing more, all
room is given back, and every ticket has exactly one owner or waits with a reason.
"""

import collections
import dataclasses
import heapq
import pathlib
import random
import subprocess
import sys
import tempfile

import grpc

import stubs

AGENTS = 50
SECONDS = 600
STEP = 1
CAPACITY = 3
CHATS = 2
TIMEOUT = 20
WRAP_UP = 10
# Of a hundred offers.
ACCEPTED, DECLINED = 86, 12


class Desk:
    """The suite on a manual clock."""

    def __init__(self, program: str):
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        address = self.line("grpc ")
        self.line("ready")
        self.channel = grpc.insecure_channel(address)

    def line(self, prefix: str) -> str:
        line = self.process.stdout.readline().strip()
        assert line.startswith(prefix), f"expected {prefix!r}, got {line!r}"
        return line.removeprefix(prefix)

    def advance(self, seconds: float) -> int:
        """Lets time pass; gives the time in milliseconds since the epoch."""
        self.process.stdin.write(f"advance {round(seconds * 1000)}\n")
        self.process.stdin.flush()
        return int(self.line("now "))

    def close(self) -> None:
        self.channel.close()
        self.process.stdin.close()
        assert self.process.wait(30) == 0, "the desk did not end in order"


@dataclasses.dataclass
class Agent:
    """Somebody who answers, as their client knows them."""

    id: str
    silent: bool = False
    silent_since: int = 0


class Day:
    """What happens in the ten minutes."""

    def __init__(self, desk: Desk, seed: int):
        from lotse.common.v1 import ticket_pb2 as common
        from lotse.intake.v1 import event_service_pb2 as events
        from lotse.intake.v1 import event_service_pb2_grpc as events_grpc
        from lotse.intake.v1 import ticket_service_pb2 as intake
        from lotse.intake.v1 import ticket_service_pb2_grpc as intake_grpc
        from lotse.routing.v1 import agent_service_pb2 as agents
        from lotse.routing.v1 import agent_service_pb2_grpc as agents_grpc
        from lotse.routing.v1 import channel_pb2 as channel
        from lotse.routing.v1 import offer_pb2 as offer
        from lotse.routing.v1 import routing_service_pb2 as routing
        from lotse.routing.v1 import routing_service_pb2_grpc as routing_grpc
        from lotse.routing.v1 import workflow_service_pb2 as workflow
        from lotse.routing.v1 import workflow_service_pb2_grpc as workflow_grpc

        self.common, self.intake, self.agent_messages = common, intake, agents
        self.presence, self.offer, self.routing, self.events = channel, offer, routing, events
        self.workflow = workflow
        self.tickets_stub = intake_grpc.TicketServiceStub(desk.channel)
        self.events_stub = events_grpc.EventServiceStub(desk.channel)
        self.agents_stub = agents_grpc.AgentServiceStub(desk.channel)
        self.routing_stub = routing_grpc.RoutingServiceStub(desk.channel)
        self.workflow_stub = workflow_grpc.WorkflowServiceStub(desk.channel)
        self.desk, self.dice = desk, random.Random(seed)
        self.agents: dict[str, Agent] = {}
        self.tickets: dict[str, int] = {}  # their channels
        self.answers: list = []  # (when, number, agent, offer, what)
        self.work: list = []  # (when, ticket, agent)
        self.seen: set[str] = set()
        self.resume = ""
        self.told = collections.Counter()
        self.asked: dict[str, set[str]] = collections.defaultdict(set)
        self.accepted: dict[str, str] = {}
        self.owner: dict[str, str] = {}
        self.solved_by: dict[str, str] = {}
        # What each agent has or is being asked to take.
        self.held: dict[str, set[str]] = collections.defaultdict(set)
        self.peak = 0

    def staff(self) -> None:
        handling = {
            "offer_timeout": {"seconds": TIMEOUT},
            "wrap_up": {"seconds": WRAP_UP},
            "auto_accept": {"channels": [self.common.CHANNEL_EMAIL]},
        }
        group = self.workflow.Group(name="Desk", tier=1, handling=handling)
        put = self.workflow.PutGroupRequest(group=group)
        group_id = self.workflow_stub.PutGroup(put).group.id
        plan = self.workflow.Workflow(default_group_id=group_id)
        self.workflow_stub.PutWorkflow(self.workflow.PutWorkflowRequest(workflow=plan))
        for number in range(AGENTS):
            agent = self.agent_messages.Agent(
                name=f"Agent {number:02}",
                group_ids=[group_id],
                capacity=CAPACITY,
                channel_weights=[{"channel": self.common.CHANNEL_PHONE, "thousandths": 2000}],
                channel_caps=[{"channel": self.common.CHANNEL_CHAT, "tickets": CHATS}],
            )
            put = self.agent_messages.PutAgentRequest(agent=agent)
            agent_id = self.agents_stub.PutAgent(put).agent.id
            self.agents[agent_id] = Agent(agent_id)
            self.be(agent_id, self.presence.PRESENCE_ONLINE)

    def be(self, agent_id: str, presence: int) -> None:
        request = self.agent_messages.SetPresenceRequest(agent_id=agent_id, presence=presence)
        self.agents_stub.SetPresence(request)

    def play(self) -> None:
        self.staff()
        now = self.desk.advance(0)
        end = now + SECONDS * 1000
        while now < end:
            self.arrivals()
            self.answer(now)
            self.solve(now)
            self.heartbeats(now)
            now = self.desk.advance(STEP)
            self.hear(now)
            self.look(now)

    def arrivals(self) -> None:
        """A bit more than a ticket a second, now and then a rush."""
        for _ in range(self.dice.choice([0, 0, 1, 1, 1, 1, 2, 4])):
            channel = self.dice.choice(
                [self.common.CHANNEL_CHAT] * 5
                + [self.common.CHANNEL_PHONE] * 2
                + [self.common.CHANNEL_EMAIL] * 3
            )
            request = self.intake.CreateTicketRequest(
                request_id=f"fifty-{len(self.tickets)}",
                requester_profile={"external_id": f"customer-{len(self.tickets) % 200}"},
                channel=channel,
                subject="Help",
                body="Please.",
            )
            self.tickets[self.tickets_stub.CreateTicket(request).ticket.id] = channel

    def answer(self, now: int) -> None:
        """Whoever has thought about an offer for long enough answers."""
        while self.answers and self.answers[0][0] <= now:
            _, number, agent_id, offer_id, what = heapq.heappop(self.answers)
            if self.agents[agent_id].silent:
                continue
            try:
                if what == "accept":
                    request = self.offer.AcceptOfferRequest(
                        offer_id=offer_id, request_id=f"accept-{number}"
                    )
                    # A client that heard nothing asks again.
                    for _ in range(self.dice.choice([1, 1, 1, 2])):
                        self.routing_stub.AcceptOffer(request)
                else:
                    reason = self.offer.DECLINE_REASON_BUSY
                    request = self.offer.DeclineOfferRequest(offer_id=offer_id, reason=reason)
                    self.routing_stub.DeclineOffer(request)
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.FAILED_PRECONDITION, error
                details = dict(error.trailing_metadata())["grpc-status-details-bin"]
                assert b"OFFER_OVER" in details, details
                self.told["answered too late"] += 1

    def solve(self, now: int) -> None:
        while self.work and self.work[0][0] <= now:
            _, ticket_id, agent_id = heapq.heappop(self.work)
            request = self.intake.SolveTicketRequest(ticket_id=ticket_id, agent_id=agent_id)
            self.tickets_stub.SolveTicket(request)
            self.told["solved"] += 1
            if self.dice.random() < 0.3:
                self.desk.advance(0)
                end = self.offer.EndWrapUpRequest(ticket_id=ticket_id)
                self.routing_stub.EndWrapUp(end)

    def heartbeats(self, now: int) -> None:
        """Even a silent agent's client sends them: it is the person who is away."""
        if now // 1000 % 30 == 0:
            for agent_id in self.agents:
                request = self.agent_messages.HeartbeatRequest(agent_id=agent_id)
                self.agents_stub.Heartbeat(request)

    def hear(self, now: int) -> None:
        """What the journal tells since the last time."""
        request = self.events.StreamEventsRequest(
            resume_token=self.resume,
            kinds=["offer_changed", "ticket_assigned", "ticket_released"],
            end_when_caught_up=True,
        )
        for item in self.events_stub.StreamEvents(request):
            self.resume = item.resume_token or self.resume
            event = item.event
            body = event.WhichOneof("body")
            if body == "offer_changed":
                self.offered(now, event.ticket_id, event.offer_changed)
            elif body == "ticket_assigned":
                self.assigned(now, event.ticket_id, event.ticket_assigned)
            elif body == "ticket_released":
                agent_id = event.ticket_released.agent_id
                assert self.owner.pop(event.ticket_id) == agent_id
                self.solved_by[event.ticket_id] = agent_id
                self.held[agent_id].remove(event.ticket_id)
                self.told["released"] += 1
        for agent_id, tickets in self.held.items():
            channels = collections.Counter(self.tickets[ticket_id] for ticket_id in tickets)
            taken = channels.total() + channels[self.common.CHANNEL_PHONE]
            assert taken <= CAPACITY, f"{agent_id} is over capacity: {tickets}"
            assert channels[self.common.CHANNEL_CHAT] <= CHATS, f"{agent_id} has too many chats"

    def offered(self, now: int, ticket_id: str, change) -> None:
        agent, what = self.agents[change.agent_id], change.DESCRIPTOR.enum_types_by_name["Change"]
        name = what.values_by_number[change.change].name.removeprefix("CHANGE_")
        self.told[name.lower()] += 1
        if name == "OFFERED":
            assert not agent.silent_since, f"{agent.id} does not respond and was offered something"
            assert agent.id not in self.asked[ticket_id], f"{ticket_id} twice to {agent.id}"
            assert ticket_id not in self.owner, f"{ticket_id} has an owner and was offered"
            self.asked[ticket_id].add(agent.id)
            self.held[agent.id].add(ticket_id)
            if agent.silent:
                return
            luck = self.dice.randrange(100)
            if luck >= ACCEPTED + DECLINED:
                # From now on nobody is at that desk.
                agent.silent = True
                return
            when = now + self.dice.randrange(1, TIMEOUT + 3) * 1000
            what = "accept" if luck < ACCEPTED else "decline"
            entry = (when, len(self.seen), agent.id, change.offer_id, what)
            heapq.heappush(self.answers, entry)
            self.seen.add(change.offer_id)
            return
        if name == "ACCEPTED":
            self.accepted[ticket_id] = agent.id
            return
        self.held[agent.id].remove(ticket_id)
        if name == "TIMED_OUT":
            agent.silent_since = agent.silent_since or now

    def assigned(self, now: int, ticket_id: str, assigned) -> None:
        assert assigned.agent_id, "to a person"
        assert ticket_id not in self.owner, f"{ticket_id} has two owners"
        agent = self.agents[assigned.agent_id]
        # Who missed one offer may still accept another that is open.
        chosen = self.accepted.pop(ticket_id, None) == agent.id and not agent.silent
        assert chosen or not agent.silent_since, "to somebody who does not respond"
        self.owner[ticket_id] = assigned.agent_id
        self.held[assigned.agent_id].add(ticket_id)
        self.told["assigned"] += 1
        when = now + self.dice.randrange(15, 90) * 1000
        heapq.heappush(self.work, (when, ticket_id, assigned.agent_id))

    def board(self):
        request = self.routing.GetQueueStateRequest(max_waiting=2000)
        return self.routing_stub.GetQueueState(request)

    def look(self, now: int) -> None:
        """The load board, as an operator sees it at this instant."""
        board = self.board()
        for load in board.agents:
            assert load.load <= load.capacity + 1e-9, f"over capacity: {load}"
            agent = self.agents[load.agent_id]
            gone = load.presence == self.presence.PRESENCE_NOT_RESPONDING
            assert gone == bool(agent.silent_since), (agent, load)
            if gone and not agent.silent and now - agent.silent_since > 60_000:
                # They only thought for too long, and are back after a minute.
                self.be(agent.id, self.presence.PRESENCE_ONLINE)
                agent.silent_since = 0
                self.told["came back"] += 1
        self.peak = max(self.peak, sum(round(load.load) for load in board.agents))

    def end(self) -> None:
        """Everybody finishes; then every ticket is accounted for and no room is taken."""
        for _ in range(4 * TIMEOUT):
            self.answer(1 << 62)
            self.solve(1 << 62)
            self.hear(self.desk.advance(5))
        assert not self.board().waiting, "somebody is free and something waits"
        for agent_id in self.agents:
            self.be(agent_id, self.presence.PRESENCE_OFFLINE)
        for _ in range(20):
            self.arrivals()
        self.hear(self.desk.advance(STEP))
        board = self.board()
        waiting = {ticket.ticket_id: ticket.reason for ticket in board.waiting}
        assert not board.offers and not self.owner, (board.offers, self.owner)
        for load in board.agents:
            assert load.load == 0, f"room not given back: {load}"
        for ticket_id in self.tickets:
            explain = self.routing.ExplainRoutingRequest(ticket_id=ticket_id)
            route = self.routing_stub.ExplainRouting(explain).route
            if route.state == self.routing.ROUTE_STATE_WAITING:
                assert waiting[ticket_id], f"{ticket_id} waits without a reason"
                assert ticket_id not in self.solved_by, f"{ticket_id} was solved and waits"
            else:
                assert route.state == self.routing.ROUTE_STATE_DONE, route
                assert route.agent_id == self.solved_by[ticket_id], route
        silent = [agent for agent in self.agents.values() if agent.silent]
        self.told["waiting at the end"] = len(waiting)
        print(f"Python: {AGENTS} agents, {len(self.tickets)} tickets in {SECONDS} s of manual time")
        for what, count in sorted(self.told.items()):
            print(f"  {what:<22}{count:>6}")
        print(f"  {'went silent':<22}{len(silent):>6}")
        print(f"  {'most work at once':<22}{self.peak:>6}")
        for reason, count in collections.Counter(waiting.values()).items():
            print(f"  waits: {reason:<15}{count:>6}")
        for must in ["offered", "accepted", "declined", "timed_out", "assigned", "solved"]:
            assert self.told[must] > 10, f"hardly any {must}: this showed nothing"


def main(program: str, seed: str = "4") -> None:
    with tempfile.TemporaryDirectory() as folder:
        stubs.generate(pathlib.Path(folder))
        desk = Desk(program)
        day = Day(desk, int(seed))
        day.play()
        day.end()
        desk.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
