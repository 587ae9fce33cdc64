//! English.

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
        "Alice", "Ben", "Chloe", "Daniel", "Emma", "Finn", "Hannah", "Isaac", "Maya", "Oliver",
        "Ruth", "Sam",
    ],
    last_names: &[
        "Ashby", "Bennett", "Clarke", "Dalton", "Ellis", "Fletcher", "Hughes", "Marsh", "Osborne",
        "Reid", "Turner", "Walsh",
    ],
    problems: &[
        about(
            Order,
            "Change the colour of my order {order}",
            "Hello, I ordered the Tern 4 in green by mistake. Can you still change order {order} to black?",
        ),
        about(
            Order,
            "Order {order} is still not confirmed",
            "I paid two days ago and never got a confirmation for {order}. Did it go through?",
        ),
        about(
            Order,
            "Add a lock to my order",
            "Could you add the folding lock to order {order} before it ships?",
        ),
        about(
            Order,
            "Cancel order {order}",
            "Please cancel {order}. My employer is giving me a bike instead.",
        ),
        about(
            Delivery,
            "Where is my parcel?",
            "Tracking for order {order} has not moved since Monday. Where is it?",
        ),
        about(
            Delivery,
            "The box arrived damaged",
            "The carrier left the bike with a torn box and a bent fork. Order {order}. What now?",
        ),
        about(
            Delivery,
            "Deliver to another address",
            "We are moving this week. Can order {order} go to the new address?",
        ),
        about(
            Delivery,
            "Driver did not ring",
            "The card says nobody was home, but I was there all day. When do you try again with {order}?",
        ),
        about(
            Returns,
            "The frame is too large",
            "I would like to swap the L frame of order {order} for an M. How does that work?",
        ),
        about(
            Returns,
            "How long do I have to return it?",
            "I bought a Tern 2 four weeks ago and it is not for me. Is it too late to return {order}?",
        ),
        about(
            Returns,
            "Return label does not print",
            "The page for the return label of {order} stays white.",
        ),
        about(
            Returns,
            "Wrong pedals in the box",
            "I got the flat pedals instead of the ones I ordered ({order}).",
        ),
        about(
            Account,
            "Cannot sign in to the app",
            "The app says my e-mail address is unknown, but I get your newsletter on it.",
        ),
        about(
            Account,
            "Two accounts, one bike",
            "I seem to have two accounts and my bike is in the wrong one. Can you merge them?",
        ),
        about(
            Account,
            "Change my e-mail address",
            "I changed providers and need my account on my new address.",
        ),
        about(
            Account,
            "Code never arrives",
            "I ask for a sign-in code and nothing comes, not even in spam.",
        ),
        about(
            Billing,
            "Charged twice for {order}",
            "My bank shows two payments for order {order}. Please send one back.",
        ),
        about(
            Billing,
            "Invoice with VAT number",
            "Our accounting needs the invoice of {order} with our VAT number on it.",
        ),
        about(
            Billing,
            "Refund has not arrived",
            "You confirmed the refund for {order} nine days ago. It is not on my account.",
        ),
        about(
            Billing,
            "Instalment was not collected",
            "You did not collect this month's instalment and now I get reminders.",
        ),
        about(
            Product,
            "Battery drops from 60 % to zero",
            "Since the last update the battery of my Tern 4 goes from 60 % to zero within a kilometre.",
        ),
        about(
            Product,
            "Error E21 on the display",
            "The display shows E21 and the motor does not help any more. Restarting does nothing.",
        ),
        about(
            Product,
            "Motor cuts out on hills",
            "Going uphill the motor stops for some seconds, then comes back. This frightens me in traffic.",
        ),
        about(
            Product,
            "App does not find my bike",
            "Bluetooth is on, the bike is on, the app searches forever.",
        ),
    ],
    replies: &[
        "Hello {name}, thanks for writing. I am looking into this and come back to you shortly.",
        "Hello {name}, I see what happened. Give me a moment to check with our warehouse.",
        "Hello {name}, I am sorry about that. I am on it.",
    ],
    questions: &[
        "Hello {name}, could you send me a photo of the sticker under the frame?",
        "Hello {name}, which version does the app show under Settings?",
        "Hello {name}, is the address on your order the one you are at now?",
        "Hello {name}, can you tell me the last four digits of the payment?",
    ],
    answers: &[
        "Sure, here it is: KB-4471-09. Does that help?",
        "It says 3.8.1. I updated it yesterday.",
        "Yes, that is the one. There is a bell at the gate.",
        "4402, paid on the third.",
    ],
    solutions: &[
        "Hello {name}, this is done now. You get a confirmation by e-mail within the hour.",
        "Hello {name}, I have corrected it on our side. Please restart the app once and try again.",
        "Hello {name}, a replacement is on its way; the tracking link follows tonight.",
        "Hello {name}, the amount is on its way back to you and arrives within three days.",
    ],
    thanks: &[
        "Thank you so much!",
        "Great, thanks for the quick help!",
        "Thanks, works now!",
    ],
    again: &[
        "Unfortunately it is back: the same thing happened this morning.",
        "I was told this was done, but nothing has arrived. Please look again.",
    ],
    praise: &[
        "Quick, friendly, solved. That is how it should be.",
        "Somebody who knew what she was talking about, on the first try.",
        "Did not expect an answer this fast.",
        "Clear instructions, worked at once.",
    ],
    complaints: &[
        "I had to explain the same thing three times.",
        "It took hours until anybody answered.",
        "Friendly, but my problem is still there.",
        "Sent from one department to the next.",
    ],
};
