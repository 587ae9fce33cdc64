//! Ids that are the same in every run.

use std::fmt::Debug;
use std::str::FromStr;

/// The digits of a `TypeID`.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The id of a kind with a number; ids sort as their numbers do.
pub(crate) fn numbered<T>(prefix: &str, number: u64) -> T
where
    T: FromStr,
    T::Err: Debug,
{
    // A UUIDv7 whose last 60 bits, which are random otherwise, are the number.
    let mut id = format!("{prefix}_01h455vb4pex5v");
    for place in (0..12).rev() {
        let digit = (number >> (5 * place)) & 31;
        id.push(char::from(DIGITS[usize::try_from(digit).unwrap_or(0)]));
    }
    id.parse().expect("a TypeID") // invariant: a known prefix and 26 digits, the first below 8
}

#[cfg(test)]
mod tests {
    use lotse_ids::TicketId;

    use super::*;

    #[test]
    fn ids_sort_as_their_numbers_do() {
        let ids: Vec<TicketId> = [0, 1, 31, 32, 1_000_000, u64::from(u32::MAX)]
            .map(|number| numbered("tkt", number))
            .into();
        assert!(ids.is_sorted());
        assert_eq!(ids.len(), 6);
    }
}
