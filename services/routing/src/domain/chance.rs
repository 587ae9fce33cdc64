//! How likely an agent is to solve a ticket without passing it on: what is counted for it, and what
//! follows from that.

use std::collections::{BTreeMap, HashMap};

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId};
use serde::{Deserialize, Serialize};

const DAY: f64 = 86_400_000.0;

/// Days after which a ticket counts half.
const HALF_LIFE: f64 = 60.0;

/// As many tickets like the mean stand beside those that were counted: after so many of their own,
/// these decide as much as the mean.
const PRIOR: f64 = 20.0;

/// Tickets that ended well and that were passed on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    /// Solved by whoever had them.
    pub(crate) resolved: f64,
    /// Passed on because they were wrong there.
    pub(crate) passed_on: f64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.resolved += other.resolved;
        self.passed_on += other.passed_on;
    }

    fn tickets(self) -> f64 {
        self.resolved + self.passed_on
    }

    /// The share that ended well, drawn to `mean`.
    fn towards(self, mean: f64) -> f64 {
        (self.resolved + PRIOR * mean) / (self.tickets() + PRIOR)
    }
}

/// What was counted of an agent in a group with tickets of a category, in [`weight`]s.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Counted {
    /// The agent.
    pub(crate) agent: AgentId,
    /// The group.
    pub(crate) group: GroupId,
    /// What the tickets were about.
    pub(crate) category: String,
    /// How they ended.
    pub(crate) tally: Tally,
}

/// The chances in one group, in thousandths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shares {
    /// Of those who are about as good as the mean, and of whoever is new.
    pub(crate) mean: u16,
    /// Of those who are not.
    pub(crate) agents: BTreeMap<AgentId, u16>,
}

/// The chance of each agent in each group, told apart from `tolerance` on.
///
/// An agent's tickets are compared with what the group makes of tickets of their categories, so that
/// nobody looks worse for getting the harder ones; the difference is spread over the agent's tickets
/// and those of the prior (an empirical Bayes estimate: few tickets hardly move anybody from the
/// group's mean, and old ones count less). `is_here` says who is still there.
pub(crate) fn shares(
    counted: &[Counted],
    is_here: impl Fn(&AgentId) -> bool,
    tolerance: f64,
    now: Timestamp,
) -> BTreeMap<GroupId, Shares> {
    let today = 1.0 / weight(now);
    let mut groups: BTreeMap<&GroupId, Vec<(&Counted, Tally)>> = BTreeMap::new();
    for one in counted {
        let tally = Tally {
            resolved: one.tally.resolved * today,
            passed_on: one.tally.passed_on * today,
        };
        groups.entry(&one.group).or_default().push((one, tally));
    }
    let of_group = |counted: Vec<(&Counted, Tally)>| {
        let mut all = Tally::default();
        let mut categories: HashMap<&str, Tally> = HashMap::new();
        for (one, tally) in &counted {
            all.add(*tally);
            categories.entry(&one.category).or_default().add(*tally);
        }
        let mean = all.resolved / all.tickets().max(f64::MIN_POSITIVE);
        // By how many tickets more than others, of how many.
        let mut agents: BTreeMap<&AgentId, (f64, f64)> = BTreeMap::new();
        for (one, tally) in counted.iter().filter(|(one, _)| is_here(&one.agent)) {
            let expected = categories[one.category.as_str()].towards(mean) * tally.tickets();
            let agent = agents.entry(&one.agent).or_default();
            agent.0 += tally.resolved - expected;
            agent.1 += tally.tickets();
        }
        let shares = agents.into_iter().map(|(agent, (more, tickets))| {
            let share = mean + more / (tickets + PRIOR);
            (Some(agent), share.clamp(0.0, 1.0))
        });
        classes(shares.chain([(None, mean)]).collect(), tolerance)
    };
    groups
        .into_iter()
        .map(|(group, counted)| (group.clone(), of_group(counted)))
        .collect()
}

/// Makes equal what differs by less than `tolerance`: the best and those near them have their mean,
/// then the best of the rest and those near them, and so on. In classes, because equal must be equal
/// among any three. Without an agent: the group's mean.
fn classes(mut shares: Vec<(Option<&AgentId>, f64)>, tolerance: f64) -> Shares {
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut told = Shares::default();
    let mut rest = shares.as_slice();
    while let Some((_, best)) = rest.first() {
        let alike = rest.partition_point(|(_, share)| share >= best || best - share < tolerance);
        let (class, others) = rest.split_at(alike);
        #[allow(clippy::cast_precision_loss, reason = "agents")]
        let mean = class.iter().map(|(_, share)| share).sum::<f64>() / class.len() as f64;
        let mean = thousandths(mean);
        if class.iter().any(|(agent, _)| agent.is_none()) {
            told.mean = mean;
        } else {
            let agents = class.iter().filter_map(|(agent, _)| *agent);
            told.agents
                .extend(agents.map(|agent| (agent.clone(), mean)));
        }
        rest = others;
    }
    told
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 to 1,000"
)]
fn thousandths(share: f64) -> u16 {
    (share * 1_000.0).round().clamp(0.0, 1_000.0) as u16
}

/// What a ticket at `at` counts for. Weights grow with time instead of shrinking, so that a count
/// is a sum that only ever has something added to it (forward decay: Cormode and others, 2009);
/// whoever reads it divides by the weight of the present. 2^1023, which is more than fits, is 168
/// years away.
pub(crate) fn weight(at: Timestamp) -> f64 {
    /// 2020-01-01.
    const LANDMARK: i64 = 1_577_836_800_000;
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of a lifetime")]
    let days = (at.as_millis() - LANDMARK) as f64 / DAY;
    (days / HALF_LIFE).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples::{agent, group};

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    /// What is told of agents 1 to 3, who solved and passed on so many of each category.
    fn told(counts: &[(usize, &str, f64, f64)]) -> [u16; 3] {
        let counted: Vec<Counted> = counts
            .iter()
            .map(|&(n, category, resolved, passed_on)| Counted {
                agent: agent(n),
                group: group(1),
                category: category.to_owned(),
                tally: Tally {
                    resolved: resolved * weight(NOW),
                    passed_on: passed_on * weight(NOW),
                },
            })
            .collect();
        let shares = &shares(&counted, |_| true, 0.1, NOW)[&group(1)];
        [1, 2, 3].map(|n| *shares.agents.get(&agent(n)).unwrap_or(&shares.mean))
    }

    #[test]
    fn few_tickets_punish_nobody() {
        let [many, few, none] = told(&[(1, "vpn", 90.0, 10.0), (2, "vpn", 0.0, 2.0)]);
        assert_eq!((many, few), (none, none));
    }

    #[test]
    fn many_tickets_speak_for_themselves_and_newcomers_have_the_mean() {
        assert_eq!(
            told(&[(1, "vpn", 95.0, 5.0), (2, "vpn", 30.0, 70.0)]),
            [896, 354, 625]
        );
    }

    #[test]
    fn nobody_looks_worse_for_getting_the_harder_tickets() {
        let [easy, hard, _] = told(&[(1, "easy", 95.0, 5.0), (2, "hard", 50.0, 50.0)]);
        assert_eq!(easy, hard);
    }

    #[test]
    fn who_is_near_the_best_counts_as_good_as_they() {
        let id = [1, 2, 3, 4].map(agent);
        let shares = [0.80, 0.60, 0.75, 0.58].into_iter().zip(&id);
        let mut shares: Vec<_> = shares.map(|(share, id)| (Some(id), share)).collect();
        shares.push((None, 0.69));
        let told = classes(shares.clone(), 0.1);
        assert_eq!(told.mean, 645);
        let [a, b, c, d] = id.each_ref().map(|id| told.agents.get(id).copied());
        assert_eq!([a, b, c, d], [Some(775), None, Some(775), Some(580)]);
        assert!(classes(shares.clone(), 1.1).agents.is_empty());
        assert_eq!(classes(shares, 0.0).agents.len(), 4);
    }

    #[test]
    fn a_ticket_counts_half_after_its_half_life() {
        let then = NOW - std::time::Duration::from_secs(60 * 86_400);
        assert!((weight(then) / weight(NOW) - 0.5).abs() < 1e-9);
    }
}
