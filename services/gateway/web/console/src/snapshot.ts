// What the gateway sends (services/gateway/src/console/snapshot.rs): whole, once a second. Ages
// and spans are in seconds, shares from 0 to 1, and what is not known is null.

export interface Snapshot {
  as_of: number;
  time_zone: string;
  away: string[];
  queue: Queue | null;
  alerts: Alerts | null;
  team: Team | null;
  kpis: Kpis | null;
  scores: Score[] | null;
  answers: Answer[] | null;
  ticker: Happening[];
}

export interface Queue {
  tickets: Ticket[];
  open: number;
  more: boolean;
  overdue: number;
}

export interface Ticket {
  id: string;
  number: number;
  subject: string;
  channel: string;
  language: string;
  priority: "urgent" | "high" | "normal" | "low";
  age: number;
  idle: number;
  heat: number;
  clock: Clock | null;
  assignee: string | null;
  group: string | null;
}

export interface Clock {
  metric: string;
  share: number;
  left: number | null;
}

export interface Alerts {
  open: Alert[];
  more: number;
}

export interface Alert {
  id: string;
  number: number | null;
  subject: string | null;
  metric: string;
  percent: number;
  late: number | null;
  level: number;
  held: boolean;
  told: Told[];
  acknowledged_by: string | null;
}

export interface Told {
  names: string[];
  age: number;
}

export interface Team {
  unassigned: number;
  agents: Agent[];
}

export interface Agent {
  name: string;
  presence: "online" | "away" | "not responding" | "offline";
  load: number;
  offered: number;
  capacity: number;
}

export interface Figure {
  value: number | null;
  n: number;
  p50: number | null;
  p90: number | null;
  provisional: boolean;
}

export interface Kpis {
  created: Figure;
  solved: Figure;
  backlog: Figure;
  first_reply: Figure;
  resolution: Figure;
  first_contact: Figure;
  transfers: Figure;
  escalations: Figure;
  sla: Figure;
}

export interface Score {
  kind: "csat" | "ces" | "nps";
  value: number | null;
  interval: [number, number] | null;
  mean: number | null;
  n: number;
}

export interface Answer {
  kind: "csat" | "ces" | "nps";
  score: number;
  max: number;
  verdict: "good" | "fair" | "bad";
  comment: string;
  number: number | null;
  age: number;
}

export interface Happening {
  kind: "transfer" | "escalation";
  number: number | null;
  reason: string | null;
  from: string | null;
  to: string | null;
  age: number;
}
