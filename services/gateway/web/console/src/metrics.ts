// What the SLA metrics are called on a wall.

const NAMES: Record<string, string> = {
  first_reply: "1st reply",
  next_reply: "reply",
  periodic_update: "update",
  pausable_update: "update",
  requester_wait: "wait",
  agent_work: "work",
  total_resolution: "solve",
  idle: "idle",
  group_ownership: "group",
  pickup: "pick up",
};

/** The metric's short name; its own where it has none. */
export function metricName(metric: string): string {
  return NAMES[metric] ?? metric;
}
