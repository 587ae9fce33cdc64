//! The scripts, each over the one key of a lane, so that they run on Redis Cluster too.
//!
//! A lane is a sorted set: member `row:generation`, score = when to look, in milliseconds. Beyond
//! all entries, at +inf, stands the lane's generation mark, `!complete`: while it is there the lane
//! holds all that was armed. It lives and dies with the data, so whatever empties the lane (FLUSHALL,
//! eviction, a new server) takes it along, and its absence says: arm everything again. Marks have no
//! colon, entries always do.

use std::sync::LazyLock;

use ::redis::Script;

/// Score of the marks, beyond every due time.
pub(super) const BEYOND: &str = "+inf";

/// `ARGV`: `NX` or ``, the channel, the lane, the number of entries, of each entry the member before
/// it, then of each its score and its member. Publishes lane and score when the lane's head moves
/// earlier.
pub(super) static ARM: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local before = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
local first = 5 + ARGV[4]
redis.call('ZREM', KEYS[1], unpack(ARGV, 5, first - 1))
if ARGV[1] == 'NX' then
  redis.call('ZADD', KEYS[1], 'NX', unpack(ARGV, first))
else
  redis.call('ZADD', KEYS[1], unpack(ARGV, first))
end
local after = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
if not before or tonumber(after) < tonumber(before) then
  redis.call('PUBLISH', ARGV[2], ARGV[3] .. ' ' .. after)
end
return 1
",
    )
});

/// `ARGV`: now, end of the lease, limit. Returns whether the lane is complete, the head's score
/// after the claim, and the claimed members each followed by its score before.
pub(super) static CLAIM: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[3])
if #due > 0 then
  local leased = {}
  for i = 1, #due, 2 do
    leased[#leased + 1] = ARGV[2]
    leased[#leased + 1] = due[i]
  end
  redis.call('ZADD', KEYS[1], 'XX', unpack(leased))
end
local complete = redis.call('ZSCORE', KEYS[1], '!complete') and 1 or 0
local head = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] or 'inf'
return { complete, head, due }
",
    )
});

/// `ARGV`: the mark of this attempt. Marks the lane complete if that mark is still there.
pub(super) static FINISH_REARM: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return 0
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '+inf', '+inf')
redis.call('ZADD', KEYS[1], '+inf', '!complete')
return 1
",
    )
});

pub(super) fn all() -> [&'static Script; 3] {
    [&ARM, &CLAIM, &FINISH_REARM]
}
