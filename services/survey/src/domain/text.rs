//! What is asked, in the languages we ship, with fallback.

use std::collections::BTreeMap;

use super::kind::Kind;

/// A question and what the ends of its scale mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// BCP 47.
    pub language: String,
    /// The question.
    pub question: String,
    /// What the lowest score means.
    pub lowest: &'static str,
    /// What the highest score means.
    pub highest: &'static str,
}

/// What a survey asks in the first of `wanted` that it has, by full tag and then by base language;
/// else in English. A survey's own questions go before the shipped ones.
pub fn wording(kind: Kind, own: &BTreeMap<String, String>, wanted: &[&str]) -> Wording {
    let candidates = wanted
        .iter()
        .copied()
        .filter(|tag| !tag.is_empty())
        .flat_map(|tag| [tag, base(tag)])
        .chain(["en"]);
    for tag in candidates {
        let shipped = shipped(kind, tag);
        let own_question = own
            .iter()
            .find(|(language, _)| language.eq_ignore_ascii_case(tag))
            .map(|(_, question)| question.clone());
        if let Some(question) = own_question.or_else(|| shipped.map(|text| text[0].to_owned())) {
            let labels = shipped
                .or_else(|| self::shipped(kind, base(tag)))
                .unwrap_or(ENGLISH[place(kind)]);
            return Wording {
                language: tag.to_owned(),
                question,
                lowest: labels[1],
                highest: labels[2],
            };
        }
    }
    let [question, lowest, highest] = ENGLISH[place(kind)];
    Wording {
        language: "en".to_owned(),
        question: question.to_owned(),
        lowest,
        highest,
    }
}

fn base(tag: &str) -> &str {
    tag.split('-').next().unwrap_or(tag)
}

/// Question, meaning of the lowest score, meaning of the highest score.
type Texts = [&'static str; 3];

const fn place(kind: Kind) -> usize {
    match kind {
        Kind::Csat => 0,
        Kind::Ces => 1,
        Kind::Nps => 2,
    }
}

fn shipped(kind: Kind, tag: &str) -> Option<Texts> {
    let (_, texts) = SHIPPED
        .iter()
        .find(|(language, _)| language.eq_ignore_ascii_case(tag))?;
    Some(texts[place(kind)])
}

const ENGLISH: [Texts; 3] = [
    [
        "How satisfied are you with the support you received?",
        "Very dissatisfied",
        "Very satisfied",
    ],
    [
        "The company made it easy for me to handle my issue.",
        "Strongly disagree",
        "Strongly agree",
    ],
    [
        "How likely are you to recommend us to a friend or colleague?",
        "Not at all likely",
        "Extremely likely",
    ],
];

/// The languages we ship.
const SHIPPED: [(&str, [Texts; 3]); 8] = [
    ("en", ENGLISH),
    (
        "de",
        [
            [
                "Wie zufrieden sind Sie mit der Unterstützung, die Sie erhalten haben?",
                "Sehr unzufrieden",
                "Sehr zufrieden",
            ],
            [
                "Das Unternehmen hat es mir leicht gemacht, mein Anliegen zu klären.",
                "Stimme gar nicht zu",
                "Stimme voll zu",
            ],
            [
                "Wie wahrscheinlich ist es, dass Sie uns weiterempfehlen?",
                "Sehr unwahrscheinlich",
                "Sehr wahrscheinlich",
            ],
        ],
    ),
    (
        "sv",
        [
            [
                "Hur nöjd är du med hjälpen du fick?",
                "Mycket missnöjd",
                "Mycket nöjd",
            ],
            [
                "Företaget gjorde det enkelt för mig att lösa mitt ärende.",
                "Håller inte alls med",
                "Håller helt med",
            ],
            [
                "Hur troligt är det att du skulle rekommendera oss till en vän eller kollega?",
                "Inte alls troligt",
                "Mycket troligt",
            ],
        ],
    ),
    (
        "zh",
        [
            ["您对此次获得的支持服务满意吗?", "非常不满意", "非常满意"],
            ["该公司让我很容易地解决了问题。", "非常不同意", "非常同意"],
            [
                "您向朋友或同事推荐我们的可能性有多大?",
                "完全不可能",
                "极有可能",
            ],
        ],
    ),
    (
        "ru",
        [
            [
                "Насколько вы довольны полученной поддержкой?",
                "Совсем не доволен",
                "Полностью доволен",
            ],
            [
                "Компания помогла мне легко решить мой вопрос.",
                "Совершенно не согласен",
                "Полностью согласен",
            ],
            [
                "Насколько вероятно, что вы порекомендуете нас друзьям или коллегам?",
                "Совсем не вероятно",
                "Очень вероятно",
            ],
        ],
    ),
    (
        "es",
        [
            [
                "¿Qué tan satisfecho está con la atención recibida?",
                "Muy insatisfecho",
                "Muy satisfecho",
            ],
            [
                "La empresa me facilitó la solución de mi problema.",
                "Totalmente en desacuerdo",
                "Totalmente de acuerdo",
            ],
            [
                "¿Qué probabilidad hay de que nos recomiende a un amigo o colega?",
                "Nada probable",
                "Muy probable",
            ],
        ],
    ),
    (
        "fr",
        [
            [
                "Dans quelle mesure êtes-vous satisfait de l'assistance reçue ?",
                "Très insatisfait",
                "Très satisfait",
            ],
            [
                "L'entreprise m'a permis de régler facilement mon problème.",
                "Pas du tout d'accord",
                "Tout à fait d'accord",
            ],
            [
                "Quelle est la probabilité que vous nous recommandiez à un ami ou un collègue ?",
                "Pas du tout probable",
                "Très probable",
            ],
        ],
    ),
    (
        "pt",
        [
            [
                "Qual é a sua satisfação com o suporte recebido?",
                "Muito insatisfeito",
                "Muito satisfeito",
            ],
            [
                "A empresa facilitou a resolução do meu problema.",
                "Discordo totalmente",
                "Concordo totalmente",
            ],
            [
                "Qual é a probabilidade de nos recomendar a um amigo ou colega?",
                "Nada provável",
                "Muito provável",
            ],
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn own(language: &str, question: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(language.to_owned(), question.to_owned())])
    }

    #[test]
    fn a_regional_tag_falls_back_to_its_language_and_then_to_english() {
        let none = BTreeMap::new();
        assert_eq!(wording(Kind::Csat, &none, &["de-AT"]).language, "de");
        assert_eq!(wording(Kind::Nps, &none, &["fi"]).language, "en");
        assert_eq!(wording(Kind::Ces, &none, &["", "sv"]).language, "sv");
        assert_eq!(
            wording(Kind::Ces, &none, &["fi", "zh-Hant-TW"]).language,
            "zh"
        );
    }

    #[test]
    fn a_surveys_own_question_goes_before_the_shipped_one() {
        let mine = wording(Kind::Csat, &own("de", "Na?"), &["de-CH"]);
        assert_eq!(
            (mine.question.as_str(), mine.lowest),
            ("Na?", "Sehr unzufrieden")
        );
        let foreign = wording(Kind::Csat, &own("fi", "No?"), &["fi"]);
        assert_eq!(
            (foreign.language.as_str(), foreign.lowest),
            ("fi", "Very dissatisfied")
        );
    }
}
