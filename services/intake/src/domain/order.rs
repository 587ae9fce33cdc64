//! The order in which tickets are listed.

/// What tickets can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// When they were created.
    CreatedAt,
    /// When they last changed.
    UpdatedAt,
    /// Their number.
    Number,
}

/// A sort key and its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The key; ties are broken by the number, in the same direction.
    pub key: Key,
    /// Largest first.
    pub descending: bool,
}

/// An order that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be `created_at`, `updated_at` or `number`, then `asc` or `desc`")]
pub struct BadOrder;

impl Order {
    /// Reads an AIP-132 `order_by` of one field; empty is `created_at desc`.
    ///
    /// # Errors
    /// For another field or direction.
    pub fn parse(given: &str) -> Result<Self, BadOrder> {
        let mut words = given.split_whitespace();
        let key = match words.next() {
            None => {
                return Ok(Self {
                    key: Key::CreatedAt,
                    descending: true,
                });
            }
            Some("created_at") => Key::CreatedAt,
            Some("updated_at") => Key::UpdatedAt,
            Some("number") => Key::Number,
            Some(_) => return Err(BadOrder),
        };
        let descending = match words.next() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Err(BadOrder),
        };
        if words.next().is_some() {
            return Err(BadOrder);
        }
        Ok(Self { key, descending })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_by_takes_one_field_and_a_direction() {
        let newest = Order {
            key: Key::CreatedAt,
            descending: true,
        };
        assert_eq!(Order::parse(""), Ok(newest));
        assert_eq!(Order::parse(" created_at  desc "), Ok(newest));
        assert_eq!(
            Order::parse("number"),
            Ok(Order {
                key: Key::Number,
                descending: false
            })
        );
        for bad in ["subject", "number down", "number asc, created_at", "desc"] {
            assert_eq!(Order::parse(bad), Err(BadOrder), "{bad}");
        }
    }
}
