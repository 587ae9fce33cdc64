//! Which bucket a key belongs to, and which replica a bucket.

use std::hash::Hasher as _;
use std::ops::RangeInclusive;

use siphasher::sip::SipHasher24;

/// Number of buckets. Stored with the journal; a program with another number refuses to start.
pub const BUCKETS: u8 = 64;
/// Number of lanes.
pub const LANES: u8 = 16;
/// Buckets of one lane.
pub const BUCKETS_PER_LANE: u8 = BUCKETS / LANES;

/// Names the hash below; stored with the journal and checked like the number of buckets.
pub(crate) const HASH: &str = "siphash-2-4, key 0, low 6 bits";

/// The bucket of a key, below [`BUCKETS`]: SipHash-2-4 (Aumasson and Bernstein, 2012) of its UTF-8
/// bytes with an all-zero key, the low six bits. Stable for ever: events stand where it put them.
pub fn bucket_of(key: &str) -> u8 {
    let mut hasher = SipHasher24::new_with_keys(0, 0);
    hasher.write(key.as_bytes());
    (hasher.finish() % u64::from(BUCKETS)) as u8
}

/// The lane of a bucket, below [`LANES`].
pub const fn lane_of(bucket: u8) -> u8 {
    bucket / BUCKETS_PER_LANE
}

/// The buckets of a lane.
pub const fn buckets_of(lane: u8) -> RangeInclusive<u8> {
    let first = lane * BUCKETS_PER_LANE;
    first..=first + (BUCKETS_PER_LANE - 1)
}

/// Which of `replicas` a bucket belongs to: the one with the highest weight for it (rendezvous
/// hashing, Thaler and Ravishankar, 1998). All replicas that see the same list agree, and when one
/// goes only its buckets move. Not stored, so the hash may change.
pub(crate) fn owner_of(bucket: u8, replicas: &[String]) -> Option<&str> {
    replicas
        .iter()
        .max_by_key(|replica| {
            let mut hasher = SipHasher24::new_with_keys(0, u64::from(bucket) + 1);
            hasher.write(replica.as_bytes());
            (hasher.finish(), replica.as_str())
        })
        .map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn keys_stay_in_their_buckets() {
        // Computed once with another implementation of SipHash-2-4; a change here means that every
        // stored journal is unreadable.
        for (key, bucket) in PINNED {
            assert_eq!(bucket_of(key), bucket, "{key:?}");
        }
    }

    /// See `keys_stay_in_their_buckets`.
    const PINNED: [(&str, u8); 5] = [
        ("", 23),
        ("tkt_1", 49),
        ("tkt_2", 54),
        ("agt_01h2xcejqtf2nbrexx3vqjhp41", 39),
        ("policy:bräuchte", 61),
    ];

    #[test]
    fn keys_spread_over_all_buckets() {
        let mut counts = [0_u32; BUCKETS as usize];
        for key in 0..64_000 {
            counts[usize::from(bucket_of(&format!("tkt_{key}")))] += 1;
        }
        assert!(counts.iter().all(|count| (800..1_200).contains(count)));
    }

    #[test]
    fn lanes_partition_the_buckets() {
        for bucket in 0..BUCKETS {
            assert!(buckets_of(lane_of(bucket)).contains(&bucket));
        }
    }

    #[test]
    fn a_lost_replica_moves_only_its_own_buckets() {
        let three: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        let two = three[..2].to_vec();
        let mut counts = BTreeMap::new();
        for bucket in 0..BUCKETS {
            let before = owner_of(bucket, &three).unwrap();
            *counts.entry(before).or_insert(0) += 1;
            if before != "c" {
                assert_eq!(owner_of(bucket, &two), Some(before));
            }
        }
        assert!(counts.values().all(|count| *count >= 8), "{counts:?}");
        assert_eq!(owner_of(0, &[]), None);
    }
}
