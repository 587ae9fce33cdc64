//! The short text under which a value of an enum is stored: `CHANNEL_EMAIL` is `email`.

/// The code of an enum value by its protobuf `name`; `None` for the unspecified one.
pub fn code(name: &str, prefix: &str) -> Option<String> {
    match name.strip_prefix(prefix)? {
        "UNSPECIFIED" => None,
        rest => Some(rest.to_ascii_lowercase()),
    }
}

/// The protobuf name of a code: the way back.
pub fn name(code: &str, prefix: &str) -> String {
    format!("{prefix}{}", code.to_ascii_uppercase())
}

/// A text that is absent when it is empty, as proto3 has it.
pub fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_name_are_inverse_and_the_unspecified_has_none() {
        assert_eq!(
            code("CHANNEL_WALK_IN", "CHANNEL_").as_deref(),
            Some("walk_in")
        );
        assert_eq!(name("walk_in", "CHANNEL_"), "CHANNEL_WALK_IN");
        assert_eq!(code("CHANNEL_UNSPECIFIED", "CHANNEL_"), None);
        assert_eq!(given(""), None);
    }
}
