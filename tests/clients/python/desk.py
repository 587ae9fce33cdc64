"""A ticket's way through the suite, with generated stubs and plain HTTP."""

import json
import time
import urllib.parse
import urllib.request

import grpc


def eventually(what: str, look, seconds: float = 30.0):
    """What `look` returns once that is true; other services learn of a change a moment later."""
    deadline = time.monotonic() + seconds
    while not (value := look()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return value


class Desk:
    """The suite as a caller sees it."""

    def __init__(self, channel: grpc.Channel, public: str):
        # Only now: the stubs have just been generated.
        from lotse.common.v1 import ticket_pb2 as common
        from lotse.insight.v1 import insight_service_pb2 as insight
        from lotse.insight.v1 import insight_service_pb2_grpc as insight_grpc
        from lotse.intake.v1 import ticket_service_pb2 as intake
        from lotse.intake.v1 import ticket_service_pb2_grpc as intake_grpc
        from lotse.routing.v1 import agent_service_pb2 as agents
        from lotse.routing.v1 import agent_service_pb2_grpc as agents_grpc
        from lotse.routing.v1 import routing_service_pb2 as routing
        from lotse.routing.v1 import routing_service_pb2_grpc as routing_grpc
        from lotse.routing.v1 import workflow_service_pb2 as workflow
        from lotse.routing.v1 import workflow_service_pb2_grpc as workflow_grpc
        from lotse.survey.v1 import survey_pb2
        from lotse.survey.v1 import survey_service_pb2 as survey
        from lotse.survey.v1 import survey_service_pb2_grpc as survey_grpc

        self.common, self.intake, self.agents = common, intake, agents
        self.routing, self.workflow, self.insight = routing, workflow, insight
        self.survey, self.invitation = survey, survey_pb2.Invitation
        self.tickets_stub = intake_grpc.TicketServiceStub(channel)
        self.agents_stub = agents_grpc.AgentServiceStub(channel)
        self.routing_stub = routing_grpc.RoutingServiceStub(channel)
        self.workflow_stub = workflow_grpc.WorkflowServiceStub(channel)
        self.survey_stub = survey_grpc.SurveyServiceStub(channel)
        self.insight_stub = insight_grpc.InsightServiceStub(channel)
        self.public = public

    def check(self) -> str:
        """Three tickets all the way; gives the id of one."""
        agent_id = self.hire()
        answered = [self.answer_by_grpc, self.answer_by_json, self.answer_by_form]
        for number, answer in enumerate(answered):
            ticket_id = self.create(f"customer-{number}")
            self.work(ticket_id, agent_id)
            answer(self.invited(ticket_id))
        self.measure(len(answered), agent_id)
        self.refuse()
        return ticket_id

    def hire(self) -> str:
        """An agent in the group that every installation begins with; offline, so that only what
        is assigned by hand is theirs."""
        [group] = self.workflow_stub.ListGroups(self.workflow.ListGroupsRequest()).groups
        agent = self.agents.Agent(name="Ada", group_ids=[group.id], capacity=5)
        return self.agents_stub.PutAgent(self.agents.PutAgentRequest(agent=agent)).agent.id

    def create(self, customer: str) -> str:
        request = self.intake.CreateTicketRequest(
            request_id=f"python-{customer}",
            requester_profile={"external_id": customer, "name": "Grace"},
            channel=self.common.CHANNEL_CHAT,
            subject="Printer on fire",
            body="It is quite warm.",
            category="hardware",
            attributes={"building": "b2"},
        )
        created = self.tickets_stub.CreateTicket(request).ticket
        assert created.status == self.common.TICKET_STATUS_NEW, created
        assert created.attributes["building"] == "b2", created
        # A retry is the same ticket.
        assert self.tickets_stub.CreateTicket(request).ticket.id == created.id
        return created.id

    def work(self, ticket_id: str, agent_id: str) -> None:
        """Assigns, replies, solves."""
        assign = self.routing.AssignTicketRequest(ticket_id=ticket_id, agent_id=agent_id)
        assert self.routing_stub.AssignTicket(assign).route.agent_id == agent_id
        reply = self.intake.AddMessageRequest(
            ticket_id=ticket_id,
            author={"kind": self.common.AUTHOR_KIND_HUMAN, "id": agent_id},
            visibility=self.common.VISIBILITY_PUBLIC,
            body="Please unplug it.",
        )
        replied = self.tickets_stub.AddMessage(reply).ticket
        assert replied.status == self.common.TICKET_STATUS_OPEN, replied
        solve = self.intake.SolveTicketRequest(ticket_id=ticket_id, agent_id=agent_id)
        solved = self.tickets_stub.SolveTicket(solve).ticket
        assert solved.status == self.common.TICKET_STATUS_SOLVED, solved

    def invited(self, ticket_id: str) -> str:
        """The token of the survey link; by chat one is asked at once."""
        about = self.survey.ListInvitationsRequest(ticket_id=ticket_id)

        def token() -> str:
            found = self.survey_stub.ListInvitations(about).invitations
            asked = [it.token for it in found if it.state == self.invitation.STATE_INVITED]
            return asked[0] if asked else ""

        return eventually("an invitation", token)

    def answer_by_grpc(self, token: str) -> None:
        form = self.survey_stub.GetForm(self.survey.GetFormRequest(token=token)).form
        assert (form.min_score, form.max_score, form.open) == (1, 5, True), form
        request = self.survey.SubmitAnswerRequest(token=token, score=5, comment="Thank you")
        assert self.survey_stub.SubmitAnswer(request).answer.revision == 1

    def answer_by_json(self, token: str) -> None:
        answer = {"request_id": "python-1", "score": 4, "comment": "Gut"}
        request = urllib.request.Request(
            f"{self.public}/s/{token}/answer",
            data=json.dumps(answer).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            stored = json.load(response)
        assert (stored["score"], stored["revision"]) == (4, 1), stored

    def answer_by_form(self, token: str) -> None:
        link = f"{self.public}/s/{token}"
        with urllib.request.urlopen(link, timeout=10) as response:
            page = response.read().decode()
        assert "<form" in page and 'name="score"' in page, page
        form = urllib.parse.urlencode({"score": "2", "comment": ""}).encode()
        with urllib.request.urlopen(link, data=form, timeout=10) as response:
            assert response.status == 200, response.status

    def measure(self, tickets: int, agent_id: str) -> None:
        def figures(metric: str, group_by: list[str]) -> dict:
            request = self.insight.QueryMetricsRequest(metrics=[metric], group_by=group_by)
            return {
                (it.part, *(value.value for value in it.group)): it.points[0].figure
                for it in self.insight_stub.QueryMetrics(request).series
            }

        eventually("all answers", lambda: figures("csat", [])[("",)].n == tickets)
        csat = figures("csat", [])[("",)]
        assert (csat.numerator, round(csat.value, 3)) == (2, 0.667), csat
        assert figures("ticket_volume", ["channel"])[("", "CHAT")].value == tickets
        assert figures("solved_per_agent", ["agent"])[("", agent_id)].value == tickets
        assert figures("sla_compliance", [])[("share",)].value == 1.0
        assert figures("first_contact_resolution", [])[("",)].n == tickets
        assert not figures("nps", [])[("",)].HasField("value"), "nobody was asked"
        names = self.insight_stub.ListMetrics(self.insight.ListMetricsRequest()).metrics
        assert len(names) >= 17, names

    def refuse(self) -> None:
        try:
            self.tickets_stub.GetTicket(self.intake.GetTicketRequest(ticket_id="nonsense"))
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
            details = dict(error.trailing_metadata())
            assert b"INVALID_FIELD" in details["grpc-status-details-bin"], details
        else:
            raise AssertionError("a malformed id was taken")
