//! German.

use super::Topic::{Account, Billing, Delivery, Order, Product, Returns};
use super::{Phrases, Problem, Topic};

const fn about(topic: Topic, subject: &'static str, body: &'static str) -> Problem {
    Problem {
        topic,
        subject,
        body,
    }
}

pub(super) const PHRASES: Phrases = Phrases {
    first_names: &[
        "Anja", "Bernd", "Carla", "Dirk", "Elke", "Florian", "Greta", "Holger", "Jana", "Kai",
        "Lena", "Uwe",
    ],
    last_names: &[
        "Albrecht", "Busch", "Dietrich", "Engel", "Franke", "Hartmann", "Krause", "Lorenz",
        "Seidel", "Thiele", "Vogt", "Ziegler",
    ],
    problems: &[
        about(
            Order,
            "Farbe meiner Bestellung {order} ändern",
            "Guten Tag, ich habe das Tern 4 versehentlich in Grün bestellt. Lässt sich {order} noch auf Schwarz ändern?",
        ),
        about(
            Order,
            "Keine Bestätigung für {order}",
            "Ich habe vorgestern bezahlt und nie eine Bestätigung für {order} bekommen. Ist alles angekommen?",
        ),
        about(
            Order,
            "Schloss zur Bestellung hinzufügen",
            "Können Sie das Faltschloss noch zu {order} dazulegen, bevor es verschickt wird?",
        ),
        about(
            Order,
            "Bestellung {order} stornieren",
            "Bitte stornieren Sie {order}, ich bekomme ein Dienstrad.",
        ),
        about(
            Delivery,
            "Wo bleibt mein Paket?",
            "Die Sendungsverfolgung von {order} steht seit Montag still. Wo ist das Rad?",
        ),
        about(
            Delivery,
            "Karton war beschädigt",
            "Der Fahrer hat das Rad mit aufgerissenem Karton abgestellt, die Gabel ist verbogen. Bestellung {order}. Was nun?",
        ),
        about(
            Delivery,
            "An andere Adresse liefern",
            "Wir ziehen diese Woche um. Kann {order} an die neue Adresse gehen?",
        ),
        about(
            Delivery,
            "Niemand hat geklingelt",
            "Auf der Karte steht, es sei niemand da gewesen. Ich war den ganzen Tag zu Hause. Wann kommt {order}?",
        ),
        about(
            Returns,
            "Rahmen ist zu groß",
            "Ich möchte bei {order} den Rahmen L gegen M tauschen. Wie geht das?",
        ),
        about(
            Returns,
            "Wie lange kann ich zurückgeben?",
            "Ich habe das Tern 2 vor vier Wochen gekauft und komme nicht zurecht. Geht eine Rückgabe von {order} noch?",
        ),
        about(
            Returns,
            "Rücksendeschein lässt sich nicht drucken",
            "Die Seite mit dem Rücksendeschein für {order} bleibt weiß.",
        ),
        about(
            Returns,
            "Falsche Pedale geliefert",
            "Im Karton lagen andere Pedale als bestellt ({order}).",
        ),
        about(
            Account,
            "Anmeldung in der App geht nicht",
            "Die App kennt meine E-Mail-Adresse nicht, dabei bekomme ich Ihren Newsletter dorthin.",
        ),
        about(
            Account,
            "Zwei Konten, ein Rad",
            "Ich habe anscheinend zwei Konten und das Rad steckt im falschen. Können Sie beide zusammenführen?",
        ),
        about(
            Account,
            "Neue E-Mail-Adresse",
            "Ich habe den Anbieter gewechselt und brauche mein Konto auf der neuen Adresse.",
        ),
        about(
            Account,
            "Code kommt nicht an",
            "Ich fordere einen Anmeldecode an, und es kommt nichts, auch nicht im Spam.",
        ),
        about(
            Billing,
            "{order} doppelt abgebucht",
            "Meine Bank zeigt zwei Abbuchungen für {order}. Bitte überweisen Sie eine zurück.",
        ),
        about(
            Billing,
            "Rechnung mit USt-IdNr.",
            "Unsere Buchhaltung braucht die Rechnung zu {order} mit unserer USt-IdNr.",
        ),
        about(
            Billing,
            "Erstattung fehlt noch",
            "Die Erstattung für {order} haben Sie vor neun Tagen bestätigt, auf dem Konto ist nichts.",
        ),
        about(
            Billing,
            "Rate wurde nicht eingezogen",
            "Die Rate dieses Monats wurde nicht eingezogen, und jetzt bekomme ich Mahnungen.",
        ),
        about(
            Product,
            "Akku fällt von 60 % auf null",
            "Seit dem letzten Update fällt der Akku meines Tern 4 innerhalb eines Kilometers von 60 % auf null.",
        ),
        about(
            Product,
            "Fehler E21 im Display",
            "Im Display steht E21 und der Motor unterstützt nicht mehr. Neustarten hilft nicht.",
        ),
        about(
            Product,
            "Motor setzt am Berg aus",
            "Bergauf setzt der Motor einige Sekunden aus und kommt dann wieder. Im Verkehr macht mir das Angst.",
        ),
        about(
            Product,
            "App findet mein Rad nicht",
            "Bluetooth ist an, das Rad ist an, die App sucht endlos.",
        ),
    ],
    replies: &[
        "Guten Tag {name}, danke für Ihre Nachricht. Ich kümmere mich darum und melde mich gleich wieder.",
        "Guten Tag {name}, ich sehe, was passiert ist, und frage kurz im Lager nach.",
        "Guten Tag {name}, das tut mir leid. Ich bin dran.",
    ],
    questions: &[
        "Guten Tag {name}, könnten Sie mir ein Foto vom Aufkleber unter dem Rahmen schicken?",
        "Guten Tag {name}, welche Version zeigt die App unter Einstellungen?",
        "Guten Tag {name}, stimmt die Adresse in Ihrer Bestellung noch?",
        "Guten Tag {name}, wie lauten die letzten vier Ziffern der Zahlung?",
    ],
    answers: &[
        "Gern, hier ist es: KB-4471-09. Reicht das?",
        "Da steht 3.8.1, gestern erst aktualisiert.",
        "Ja, die stimmt. Am Tor ist eine Klingel.",
        "4402, bezahlt am Dritten.",
    ],
    solutions: &[
        "Guten Tag {name}, das ist erledigt. Die Bestätigung kommt innerhalb einer Stunde per E-Mail.",
        "Guten Tag {name}, ich habe es bei uns korrigiert. Bitte starten Sie die App einmal neu.",
        "Guten Tag {name}, der Ersatz ist unterwegs, der Link zur Sendung folgt heute Abend.",
        "Guten Tag {name}, der Betrag ist angewiesen und in spätestens drei Tagen bei Ihnen.",
    ],
    thanks: &[
        "Vielen Dank!",
        "Super, danke für die schnelle Hilfe!",
        "Danke, es funktioniert jetzt!",
    ],
    again: &[
        "Leider ist es wieder da: heute früh genau dasselbe.",
        "Es hieß, das sei erledigt, aber angekommen ist nichts. Bitte sehen Sie noch einmal nach.",
    ],
    praise: &[
        "Schnell, freundlich, gelöst. So muss das sein.",
        "Gleich beim ersten Mal jemand, der sich auskennt.",
        "So schnell hatte ich keine Antwort erwartet.",
        "Gut erklärt, hat sofort geklappt.",
    ],
    complaints: &[
        "Ich musste dasselbe dreimal erklären.",
        "Es hat Stunden gedauert, bis sich jemand gemeldet hat.",
        "Freundlich, aber mein Problem besteht weiter.",
        "Von einer Abteilung zur nächsten geschickt.",
    ],
};
