//! The language of a ticket: given, or detected with a confidence.

use whatlang::Lang;

/// Text beyond this tells a detector nothing new.
const MAX_DETECTED_BYTES: usize = 4_096;

/// What a ticket is written in.
#[derive(Clone, Debug, PartialEq)]
pub struct Language {
    /// BCP 47; empty when unknown.
    pub tag: String,
    /// 1 when stated, else the detector's.
    pub confidence: f64,
    /// Where it comes from.
    pub basis: Basis,
}

/// Where a language comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The caller said so.
    Given,
    /// Detected with enough confidence.
    Detected,
    /// From the requester's profile.
    Requester,
    /// Not known.
    Uncertain,
}

impl Basis {
    const WORDS: [(Self, &'static str); 4] = [
        (Self::Given, "given"),
        (Self::Detected, "detected"),
        (Self::Requester, "requester"),
        (Self::Uncertain, "uncertain"),
    ];

    /// The stored word.
    pub fn word(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(basis, _)| *basis == self);
        found.map_or("uncertain", |(_, word)| word)
    }

    /// The value of a stored word.
    pub fn of_word(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(_, known)| *known == word);
        found.map(|(basis, _)| *basis)
    }
}

impl Language {
    /// As the caller says; an empty tag says that it is not known.
    pub fn given(tag: String) -> Self {
        let known = !tag.is_empty();
        Self {
            confidence: if known { 1.0 } else { 0.0 },
            basis: if known {
                Basis::Given
            } else {
                Basis::Uncertain
            },
            tag,
        }
    }

    /// Works it out from a ticket's words. Below `threshold` (0 to 1) nothing is guessed: the
    /// confidence is kept and the tag stays empty.
    pub fn detect(subject: &str, body: &str, threshold: f64) -> Self {
        let mut text = format!("{subject}\n{body}");
        text.truncate(text.floor_char_boundary(MAX_DETECTED_BYTES));
        let Some(found) = whatlang::detect(&text) else {
            return Self::given(String::new());
        };
        let sure = found.confidence() >= threshold;
        Self {
            tag: if sure {
                tag_of(found.lang()).to_owned()
            } else {
                String::new()
            },
            confidence: found.confidence(),
            basis: if sure {
                Basis::Detected
            } else {
                Basis::Uncertain
            },
        }
    }

    /// Falls back on the language that the requester prefers, where nothing else is known.
    #[must_use]
    pub fn or_of_requester(self, preferred: &str) -> Self {
        if self.basis == Basis::Uncertain && !preferred.is_empty() {
            Self {
                tag: preferred.to_owned(),
                confidence: 1.0,
                basis: Basis::Requester,
            }
        } else {
            self
        }
    }
}

/// Not a language tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a BCP 47 language tag such as `en` or `pt-BR`")]
pub struct NotATag;

/// Checks the form of a BCP 47 tag (RFC 5646, section 2.1, without the grandfathered ones) and
/// returns it in the usual case: `zh-hant-tw` as `zh-Hant-TW`. Whether the language exists is not
/// checked.
///
/// # Errors
/// When the form is wrong.
pub fn canonical_tag(given: &str) -> Result<String, NotATag> {
    // The longest tag that RFC 5646, section 4.4.1 asks software to hold.
    if given.len() > 35 {
        return Err(NotATag);
    }
    let mut parts = given.split('-');
    let language = parts.next().unwrap_or_default();
    let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !(2..=8).contains(&language.len()) || !letters(language) {
        return Err(NotATag);
    }
    let mut tag = language.to_ascii_lowercase();
    let mut extended = false;
    for part in parts {
        if !(1..=8).contains(&part.len()) || !part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            return Err(NotATag);
        }
        let lower = part.to_ascii_lowercase();
        tag.push('-');
        match part.len() {
            // A singleton opens an extension, in which case means nothing.
            1 => {
                extended = true;
                tag.push_str(&lower);
            }
            2 if !extended && letters(part) => tag.push_str(&part.to_ascii_uppercase()),
            4 if !extended && letters(part) => {
                tag.push_str(&lower[..1].to_ascii_uppercase());
                tag.push_str(&lower[1..]);
            }
            _ => tag.push_str(&lower),
        }
    }
    // A singleton needs something after it.
    if tag.as_bytes().iter().nth_back(1) == Some(&b'-') {
        return Err(NotATag);
    }
    Ok(tag)
}

/// BCP 47 wants the two-letter code where there is one; whatlang speaks ISO 639-3.
fn tag_of(lang: Lang) -> &'static str {
    match lang {
        Lang::Epo => "eo",
        Lang::Eng => "en",
        Lang::Rus => "ru",
        Lang::Cmn => "zh",
        Lang::Spa => "es",
        Lang::Por => "pt",
        Lang::Ita => "it",
        Lang::Ben => "bn",
        Lang::Fra => "fr",
        Lang::Deu => "de",
        Lang::Ukr => "uk",
        Lang::Kat => "ka",
        Lang::Ara => "ar",
        Lang::Hin => "hi",
        Lang::Jpn => "ja",
        Lang::Heb => "he",
        Lang::Yid => "yi",
        Lang::Pol => "pl",
        Lang::Amh => "am",
        Lang::Jav => "jv",
        Lang::Kor => "ko",
        Lang::Nob => "nb",
        Lang::Dan => "da",
        Lang::Swe => "sv",
        Lang::Fin => "fi",
        Lang::Tur => "tr",
        Lang::Nld => "nl",
        Lang::Hun => "hu",
        Lang::Ces => "cs",
        Lang::Ell => "el",
        Lang::Bul => "bg",
        Lang::Bel => "be",
        Lang::Mar => "mr",
        Lang::Kan => "kn",
        Lang::Ron => "ro",
        Lang::Slv => "sl",
        Lang::Hrv => "hr",
        Lang::Srp => "sr",
        Lang::Mkd => "mk",
        Lang::Lit => "lt",
        Lang::Lav => "lv",
        Lang::Est => "et",
        Lang::Tam => "ta",
        Lang::Vie => "vi",
        Lang::Urd => "ur",
        Lang::Tha => "th",
        Lang::Guj => "gu",
        Lang::Uzb => "uz",
        Lang::Pan => "pa",
        Lang::Aze => "az",
        Lang::Ind => "id",
        Lang::Tel => "te",
        Lang::Pes => "fa",
        Lang::Mal => "ml",
        Lang::Ori => "or",
        Lang::Mya => "my",
        Lang::Nep => "ne",
        Lang::Sin => "si",
        Lang::Khm => "km",
        Lang::Tuk => "tk",
        Lang::Aka => "ak",
        Lang::Zul => "zu",
        Lang::Sna => "sn",
        Lang::Afr => "af",
        Lang::Lat => "la",
        Lang::Slk => "sk",
        Lang::Cat => "ca",
        Lang::Tgl => "tl",
        Lang::Hye => "hy",
        // A language that a newer whatlang knows: its own code is a valid tag too.
        other => other.code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_detected_and_a_fragment_is_not_guessed() {
        let german = Language::detect(
            "Drucker druckt nicht",
            "Guten Tag, seit heute Morgen druckt unser Drucker im zweiten Stock überhaupt nicht mehr.",
            0.8,
        );
        assert_eq!((german.tag.as_str(), german.basis), ("de", Basis::Detected));
        assert!(german.confidence >= 0.8);
        let fragment = Language::detect("VPN", "", 0.8);
        assert_eq!(
            (fragment.tag.as_str(), fragment.basis),
            ("", Basis::Uncertain)
        );
    }

    #[test]
    fn nothing_but_digits_has_no_language() {
        let none = Language::detect("4711", "", 0.8);
        assert_eq!((none.basis, none.confidence), (Basis::Uncertain, 0.0));
    }

    #[test]
    fn requester_preference_fills_a_gap_only() {
        let unknown = Language::given(String::new()).or_of_requester("pt-BR");
        assert_eq!(
            (unknown.tag.as_str(), unknown.basis),
            ("pt-BR", Basis::Requester)
        );
        let given = Language::given("en".to_owned()).or_of_requester("pt-BR");
        assert_eq!(given.tag, "en");
    }

    #[test]
    fn a_cut_through_a_character_is_avoided() {
        let long = "ü".repeat(MAX_DETECTED_BYTES);
        assert!(Language::detect("x", &long, 0.8).confidence <= 1.0);
    }

    #[test]
    fn tags_get_their_usual_case_and_bad_ones_are_refused() {
        for (given, tag) in [
            ("EN", "en"),
            ("pt-br", "pt-BR"),
            ("ZH-hant-tw", "zh-Hant-TW"),
            ("es-419", "es-419"),
            ("de-x-PRIVATE", "de-x-private"),
        ] {
            assert_eq!(canonical_tag(given).as_deref(), Ok(tag));
        }
        for bad in [
            "",
            "e",
            "english_uk",
            "en-",
            "-en",
            "12",
            "en-x",
            "en-a-very-long-tag-that-goes-on-forever",
        ] {
            assert_eq!(canonical_tag(bad), Err(NotATag), "{bad}");
        }
    }
}
