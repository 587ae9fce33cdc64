//! Reading everything again.

use lotse_db::TxError;
use sea_orm::ConnectionTrait;

use crate::bucket::BUCKETS;
use crate::cursor;
use crate::journal::Journal;
use crate::sql::statement;

impl Journal {
    /// Sets `consumer` back to the beginning of the journal. `forget` throws away what it has made
    /// of it so far, in the same transaction; whoever reads its buckets then starts over. Parked
    /// events are tried again in their turn. Not for consumers that emit events.
    ///
    /// # Errors
    /// What `forget` ends with, or the database's error; nothing was changed then.
    pub async fn rewind<E, F, Fut>(&self, consumer: &str, forget: F) -> Result<(), E>
    where
        F: Fn(lotse_db::Tx) -> Fut + Send + Sync,
        Fut: Future<Output = Result<(), E>> + Send,
        E: TxError + Send,
    {
        self.db()
            .in_tx(|tx| {
                let forget = forget(tx.clone());
                async move {
                    let buckets: Vec<u8> = (0..BUCKETS).collect();
                    cursor::lock(&tx, consumer, &buckets).await?;
                    // The epoch fences out a batch on its way; without an owner, replicas take the
                    // buckets anew and look where they stand.
                    let sql = "UPDATE journal_cursors SET position = 0, epoch = epoch + 1, \
                               owner = NULL, parked = 0, redrive = FALSE, attempts = 0, \
                               error = NULL WHERE consumer = $1";
                    tx.execute_raw(statement(&tx, sql, [consumer.into()]))
                        .await?;
                    let sql = "DELETE FROM journal_parked WHERE consumer = $1";
                    tx.execute_raw(statement(&tx, sql, [consumer.into()]))
                        .await?;
                    forget.await
                }
            })
            .await?;
        self.leases_changed();
        Ok(())
    }
}
