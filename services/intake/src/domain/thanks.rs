//! Whether a message says nothing but thank you.
//!
//! A word list, not a model: every word of a short message must be known in one language, one of
//! them a word of thanks. Anything else (a name, a number, a question mark, a "but") counts as
//! something said. So the rule errs to one side only: a thank-you that it does not recognise
//! reopens a ticket, which costs a click; a complaint is not swallowed.

/// Longer messages say more than thanks.
const MAX_BYTES: usize = 200;
/// As `MAX_BYTES`, in words.
const MAX_WORDS: usize = 14;

/// One language: its words of thanks, and what may stand around them.
struct Vocabulary {
    thanks: &'static [&'static str],
    beside: &'static [&'static str],
}

const VOCABULARIES: [Vocabulary; 6] = [
    // English
    Vocabulary {
        thanks: &["thanks", "thank", "thankyou", "thx", "cheers"],
        beside: &[
            "you", "so", "very", "much", "a", "lot", "many", "again", "for", "your", "the", "all",
            "help", "support", "quick", "fast", "reply", "answer", "response", "great", "perfect",
            "super", "ok", "okay", "hi", "hello", "dear", "team", "everyone", "it", "works",
            "worked", "now", "solved", "best", "kind", "regards",
        ],
    },
    // German
    Vocabulary {
        thanks: &["danke", "dank", "dankeschön", "dankesehr"],
        beside: &[
            "vielen",
            "herzlichen",
            "besten",
            "lieben",
            "schön",
            "sehr",
            "nochmals",
            "nochmal",
            "für",
            "die",
            "ihre",
            "eure",
            "deine",
            "hilfe",
            "schnelle",
            "antwort",
            "unterstützung",
            "super",
            "perfekt",
            "toll",
            "prima",
            "hallo",
            "liebes",
            "team",
            "ok",
            "es",
            "funktioniert",
            "geht",
            "jetzt",
            "wieder",
            "mit",
            "freundlichen",
            "viele",
            "liebe",
            "beste",
            "grüße",
            "grüßen",
            "gruß",
            "ihnen",
            "euch",
            "dir",
        ],
    },
    // French
    Vocabulary {
        thanks: &["merci"],
        beside: &[
            "beaucoup",
            "bien",
            "mille",
            "fois",
            "pour",
            "votre",
            "ton",
            "l",
            "aide",
            "réponse",
            "rapide",
            "la",
            "à",
            "vous",
            "toi",
            "tous",
            "encore",
            "bonjour",
            "super",
            "parfait",
            "ok",
            "ça",
            "marche",
            "fonctionne",
            "maintenant",
            "cordialement",
            "équipe",
            "toute",
        ],
    },
    // Spanish
    Vocabulary {
        thanks: &["gracias"],
        beside: &[
            "muchas",
            "mil",
            "muy",
            "por",
            "su",
            "tu",
            "la",
            "el",
            "ayuda",
            "apoyo",
            "respuesta",
            "rápida",
            "hola",
            "perfecto",
            "genial",
            "ok",
            "ya",
            "funciona",
            "ahora",
            "de",
            "nuevo",
            "equipo",
            "a",
            "todos",
            "un",
            "saludo",
            "saludos",
        ],
    },
    // Portuguese
    Vocabulary {
        thanks: &["obrigado", "obrigada"],
        beside: &[
            "muito",
            "pela",
            "pelo",
            "ajuda",
            "apoio",
            "resposta",
            "rápida",
            "olá",
            "perfeito",
            "ótimo",
            "ok",
            "já",
            "funciona",
            "agora",
            "equipe",
            "equipa",
            "a",
            "todos",
            "abraço",
            "cumprimentos",
        ],
    },
    // Italian
    Vocabulary {
        thanks: &["grazie"],
        beside: &[
            "mille", "molte", "tante", "per", "l", "il", "la", "aiuto", "vostro", "supporto",
            "risposta", "rapida", "ciao", "perfetto", "ok", "ora", "adesso", "funziona", "ancora",
            "a", "tutti", "un", "saluto", "saluti", "cordiali",
        ],
    },
];

/// Whether `body` is a short thank-you in one of the shipped languages and nothing else. Quoted
/// lines (`>`) do not count as said.
pub fn is_all_it_says(body: &str) -> bool {
    // Quotes can be long, what stands beside them must not be.
    let said = body
        .lines()
        .filter(|line| !line.trim_start().starts_with('>'));
    let mut words = Vec::new();
    let mut bytes = 0;
    for line in said {
        bytes += line.len();
        if bytes > MAX_BYTES || line.contains(['?', '¿']) {
            return false;
        }
        let parts = line
            .split(|c: char| !c.is_alphanumeric())
            .filter(|part| !part.is_empty());
        words.extend(parts.map(str::to_lowercase));
    }
    if words.len() > MAX_WORDS {
        return false;
    }
    VOCABULARIES.iter().any(|vocabulary| {
        let thanks = |word: &String| vocabulary.thanks.contains(&word.as_str());
        let known = |word: &String| thanks(word) || vocabulary.beside.contains(&word.as_str());
        words.iter().any(thanks) && words.iter().all(known)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thank_you_in_six_languages_is_recognised() {
        for body in [
            "Thank you!",
            "Thanks a lot for your quick reply 🙂",
            "Great, it works now. Thanks!\n\n> Did you try\n> turning it off? And 100 more words",
            "Vielen Dank für die schnelle Hilfe!",
            "Danke, geht wieder.\r\nViele Grüße",
            "Merci beaucoup pour l'aide",
            "¡Muchas gracias!",
            "Muito obrigada",
            "Grazie mille",
        ] {
            assert!(is_all_it_says(body), "{body}");
        }
    }

    #[test]
    fn whoever_says_more_is_heard() {
        for body in [
            "",
            "👍",
            "ok",
            "Thanks, but it does not work",
            "Thanks! When will it be fixed?",
            "Thank you. Order 4711 is missing too",
            "Danke, geht wieder nicht",
            "Danke, thanks",
            "Merci, mais non",
            "> thanks",
            "No, thanks to you it is worse",
        ] {
            assert!(!is_all_it_says(body), "{body}");
        }
        assert!(!is_all_it_says(&"thanks ".repeat(15)));
        assert!(!is_all_it_says(&format!("thanks{}", ".".repeat(MAX_BYTES))));
    }
}
