//! One claim, two databases, two tests.

/// Makes of each `async fn claim(db: TestDb) { … }` two tests, `claim::sqlite`
/// and `claim::postgres`, each with a fresh database migrated by `migrations`
/// (a function such as a crate's own `migrations`, or a closure without
/// captures). They run on two worker threads, so that what is concurrent in
/// the test is concurrent indeed.
#[macro_export]
macro_rules! on_both_databases {
    (
        migrations = $migrations:expr;
        $(
            $(#[$attribute:meta])*
            async fn $claim:ident($db:ident: $type:ty) $body:block
        )+
    ) => {
        $(
            $(#[$attribute])*
            async fn $claim($db: $type) $body

            mod $claim {
                #[allow(unused_imports, reason = "`migrations` may be named by a path of the parent")]
                use super::*;

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn sqlite() {
                    super::$claim($crate::sqlite($migrations).await).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn postgres() {
                    if let Some(db) = $crate::postgres($migrations).await {
                        super::$claim(db).await;
                    }
                }
            }
        )+
    };
}
