use std::collections::BTreeSet;

use lotse_ids::DecisionId;

use super::hopes::hope;
use super::outcome::why;
use super::*;
use crate::domain::choice::Misfit;
use crate::domain::codes::{Channel, Guard, Reason, TransferReason};
use crate::domain::decision::ByHand;
use crate::domain::language::Language;
use crate::domain::queue::look_at;
use crate::domain::samples::{self, agent, group, item};

fn record(kind: DecisionKind, reason: Reason, by_hand: Option<ByHand>) -> Record {
    Record {
        id: DecisionId::generate(item(1).queued_at),
        kind,
        reason,
        from_group: None,
        from_agent: None,
        group: None,
        agent: None,
        offer: None,
        step: None,
        advice: None,
        look: None,
        by_hand,
    }
}

fn sentence(kind: DecisionKind, reason: Reason, by_hand: Option<ByHand>) -> String {
    tell(&record(kind, reason, by_hand), &Directory::default()).join(" ")
}

/// All of them; a new one does not compile before it stands here.
fn misfits() -> Vec<Misfit> {
    let german = Language::parse("de").unwrap();
    let after = |misfit: &Misfit| {
        Some(match misfit {
            Misfit::Retired => Misfit::NotOnline,
            Misfit::NotOnline => Misfit::NotOnChannel(Channel::Chat),
            Misfit::NotOnChannel(_) => Misfit::OffShift,
            Misfit::OffShift => Misfit::Absent,
            Misfit::Absent => Misfit::OnBreak,
            Misfit::OnBreak => Misfit::Excluded,
            Misfit::Excluded => Misfit::Declined,
            Misfit::Declined => Misfit::BelowTier(2),
            Misfit::BelowTier(_) => Misfit::LacksSkill("vpn".to_owned(), 2),
            Misfit::LacksSkill(..) => Misfit::LacksLanguage(german.clone()),
            Misfit::LacksLanguage(_) => Misfit::LacksLanguageLevel(german.clone(), 2),
            Misfit::LacksLanguageLevel(..) => Misfit::AtChannelCap(Channel::Chat),
            Misfit::AtChannelCap(_) => Misfit::AtCapacity,
            Misfit::AtCapacity => Misfit::LacksPreferred("vpn".to_owned(), 2),
            Misfit::LacksPreferred(..) => return None,
        })
    };
    std::iter::successors(Some(Misfit::Retired), after).collect()
}

#[test]
fn every_code_has_words_of_its_own() {
    let automatic = Reason::EVERY.iter().filter(|reason| {
        !matches!(
            reason,
            Reason::Manual | Reason::Transfer | Reason::Escalation
        )
    });
    let reasons = automatic.map(|reason| sentence(DecisionKind::Automatic, *reason, None));
    let kinds = [
        (DecisionKind::Manual, Reason::Manual),
        (DecisionKind::Transfer, Reason::Transfer),
        (DecisionKind::Escalation, Reason::Escalation),
    ];
    let kinds = kinds.map(|(kind, reason)| sentence(kind, reason, None));
    let transfer = |by_hand| sentence(DecisionKind::Transfer, Reason::Transfer, Some(by_hand));
    let guards = Guard::EVERY.iter().map(|guard| {
        transfer(ByHand {
            guard: Some(*guard),
            ..ByHand::default()
        })
    });
    let whys = TransferReason::EVERY.iter().map(|why| {
        transfer(ByHand {
            transfer_reason: Some(*why),
            ..ByHand::default()
        })
    });
    let misfits = misfits();
    let left_out = misfits.iter().map(|misfit| why(misfit, 1));
    let hopes = misfits.iter().map(|misfit| hope(misfit, None));
    let sets: [Vec<String>; 5] = [
        reasons.chain(kinds).collect(),
        guards.collect(),
        whys.collect(),
        left_out.collect(),
        hopes.collect(),
    ];
    for all in sets {
        let different: BTreeSet<&String> = all.iter().collect();
        assert_eq!(different.len(), all.len(), "{all:#?}");
        assert!(all.iter().all(|words| !words.is_empty()), "{all:#?}");
    }
}

fn told(setup: impl FnOnce(&mut samples::Team)) -> Vec<String> {
    let mut team = samples::team(3);
    setup(&mut team);
    let mut item = item(1);
    item.group = Some(group(1));
    item.facts.required_skills.insert("vpn".to_owned());
    let (directory, seats) = team.finish();
    let planned = look_at(&item, &directory, &seats, item.queued_at);
    let record = Record {
        group: planned.group,
        agent: planned.agent.map(|(agent, _)| agent),
        step: planned.step,
        look: planned.look,
        ..record(DecisionKind::Automatic, planned.reason, None)
    };
    tell(&record, &directory)
}

#[test]
fn words_say_who_why_and_why_not_the_others() {
    let words = told(|team| {
        team.skill(1, "vpn", 5);
        team.skill(2, "vpn", 2);
    });
    assert_eq!(
        words,
        [
            "The ticket belongs to group \"group 1\" (tier 1).",
            "It needs the skill vpn at level 1 or more.",
            "Of 2 agents who could take it agent 1 got it, ahead of agent 2 by a better fit in \
             skills and language (5 against 2).",
            "Left out: 1 lacks vpn at level 1 or more.",
        ]
    );
}

#[test]
fn words_say_why_it_waits() {
    let words = told(|_| ());
    assert_eq!(
        words[2],
        "It waits: no agent who is online has the skills it needs."
    );
    assert_eq!(words[3], "Left out: 3 lack vpn at level 1 or more.");
    assert_eq!(
        Names(&Directory::default()).owner(Some(&agent(1)), None),
        agent(1).to_string()
    );
}
