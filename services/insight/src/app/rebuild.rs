//! Making the facts anew from the journal.

use lotse_journal::Journal;

use crate::error::Error;
use crate::jobs::CONSUMER;
use crate::store;

/// Throws all facts away and sets the consumer back to the beginning of the journal, in one
/// transaction. The running consumer then makes the facts again, batch by batch; until it has
/// caught up, figures rest on a part of them. The result is the same as before, because facts
/// depend on nothing but the journal.
///
/// # Errors
/// The database's; nothing was changed then.
pub async fn rebuild(journal: &Journal) -> Result<(), Error> {
    journal
        .rewind(CONSUMER, |tx| async move {
            store::clear(&tx).await?;
            Ok::<_, Error>(())
        })
        .await
}
