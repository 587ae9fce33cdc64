//! Databases on the test PostgreSQL: cloned from a template, dropped behind
//! the test.
//!
//! Migrating takes longer than most tests, cloning some hundredths of a second.
//! So the first test that needs a set of migrations makes a template of it, and
//! every test gets a copy. A thread with a connection of its own does all of
//! this, because a test's connections die with its runtime.
//!
//! Several test processes may share the server. Templates are made and cloned
//! under an advisory lock. Each process takes a number and holds an advisory
//! lock on it; its databases carry the number, so that a later process can tell
//! what a killed one has left and drop that.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, DefaultHasher, Hash as _, Hasher as _, RandomState};
use std::sync::{Mutex, OnceLock, mpsc};
use std::time::UNIX_EPOCH;

use lotse_db::{Db, DbConfig, Migrations};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tokio::sync::oneshot;

/// First key of the locks on templates; any number that others do not use.
const TEMPLATE_LOCKS: i32 = 0x107_5E01;
/// First key of the locks on the numbers of processes.
const PROCESS_LOCKS: i32 = 0x107_5E02;

enum Order {
    Create {
        migrations: fn() -> Migrations,
        reply: oneshot::Sender<Result<Created, String>>,
    },
    Drop {
        name: String,
    },
}

/// A database made for one test.
pub(crate) struct Created {
    pub(crate) name: String,
    pub(crate) url: String,
}

/// Makes a database on the server at `url` for the calling test.
pub(crate) async fn create(url: &'static str, migrations: fn() -> Migrations) -> Created {
    let (reply, created) = oneshot::channel();
    send(url, Order::Create { migrations, reply });
    match created.await {
        Ok(Ok(created)) => created,
        Ok(Err(error)) => panic!("no test database: {error}"),
        Err(_) => panic!("no test database: the thread that makes them is gone"),
    }
}

/// Drops a database; returns at once.
pub(crate) fn discard(url: &'static str, name: String) {
    send(url, Order::Drop { name });
}

/// Hands an order to the one thread of this process. There is one server per
/// process, so the first URL is the only one.
fn send(url: &'static str, order: Order) {
    static ORDERS: OnceLock<Mutex<mpsc::Sender<Order>>> = OnceLock::new();
    let orders = ORDERS.get_or_init(|| {
        let (sender, orders) = mpsc::channel();
        std::thread::spawn(move || work(url, &orders));
        Mutex::new(sender)
    });
    let orders = orders
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    // A thread that is gone has said why; who waits for an answer learns it.
    let _sent = orders.send(order);
}

/// Runs on the thread of its own until this process ends.
fn work(url: &str, orders: &mpsc::Receiver<Order>) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => panic!("no runtime for test databases: {error}"),
    };
    let mut cluster = match runtime.block_on(Cluster::join(url)) {
        Ok(cluster) => cluster,
        Err(error) => panic!("cannot use PostgreSQL at {url}: {error}"),
    };
    for order in orders {
        match order {
            Order::Create { migrations, reply } => {
                let created = runtime.block_on(cluster.create(migrations));
                // A test that no longer waits has failed for a reason of its own.
                let _answered = reply.send(created.map_err(|error| error.to_string()));
            }
            Order::Drop { name } => {
                if let Err(error) = runtime.block_on(cluster.drop(&name)) {
                    panic!("cannot drop the test database {name}: {error}");
                }
            }
        }
    }
}

/// One process's hold on the server.
struct Cluster {
    url: String,
    connection: PgConnection,
    /// The number this process holds a lock on.
    process: i32,
    databases: u32,
}

impl Cluster {
    async fn join(url: &str) -> Result<Cluster, sqlx::Error> {
        let mut cluster = Cluster {
            url: url.to_owned(),
            connection: PgConnection::connect(url).await?,
            process: 0,
            databases: 0,
        };
        cluster.sweep().await?;
        while cluster.process == 0 {
            let number = RandomState::new().hash_one(url) as i32 & i32::MAX;
            if cluster.try_lock(PROCESS_LOCKS, number).await? {
                cluster.process = number;
            }
        }
        Ok(cluster)
    }

    /// Drops the databases of processes that no longer hold their number.
    async fn sweep(&mut self) -> Result<(), sqlx::Error> {
        let rows = sqlx::query("SELECT datname FROM pg_database WHERE datname LIKE 'lotse-test-%'")
            .fetch_all(&mut self.connection)
            .await?;
        let mut by_process = Vec::new();
        for row in rows {
            let name: String = row.try_get(0)?;
            let number = name
                .split('-')
                .nth(2)
                .and_then(|number| number.parse::<i32>().ok());
            by_process.extend(number.map(|number| (number, name)));
        }
        let numbers: BTreeSet<i32> = by_process.iter().map(|(number, _)| *number).collect();
        for number in numbers {
            if self.try_lock(PROCESS_LOCKS, number).await? {
                for (_, name) in by_process.iter().filter(|(of, _)| *of == number) {
                    self.drop(name).await?;
                }
                self.run(format!(
                    "SELECT pg_advisory_unlock({PROCESS_LOCKS}, {number})"
                ))
                .await?;
            }
        }
        Ok(())
    }

    /// Clones the template of `migrations`, made first where it is missing.
    async fn create(
        &mut self,
        migrations: fn() -> Migrations,
    ) -> Result<Created, Box<dyn std::error::Error>> {
        let mut names = DefaultHasher::new();
        for migration in migrations() {
            migration.name().hash(&mut names);
        }
        let key = names.finish();
        let template = format!("lotse-template-{key:016x}");
        self.databases += 1;
        let name = format!("lotse-test-{}-{}", self.process, self.databases);

        let lock = (key as i32).wrapping_abs();
        self.run(format!("SELECT pg_advisory_lock({TEMPLATE_LOCKS}, {lock})"))
            .await?;
        let cloned = self.clone_template(&template, &name, migrations).await;
        self.run(format!(
            "SELECT pg_advisory_unlock({TEMPLATE_LOCKS}, {lock})"
        ))
        .await?;
        cloned?;
        let url = self.url_of(&name);
        Ok(Created { name, url })
    }

    async fn clone_template(
        &mut self,
        template: &str,
        name: &str,
        migrations: fn() -> Migrations,
    ) -> Result<(), Box<dyn std::error::Error>> {
        // A migration may have been edited under its old name since the
        // template was made, so the build that made it is noted as its comment.
        let build = build_of_this_process();
        let known = sqlx::query(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1",
        )
        .bind(template)
        .fetch_optional(&mut self.connection)
        .await?;
        let made_by: Option<String> = known.as_ref().and_then(|row| row.try_get(0).ok());
        if made_by.as_deref() != Some(build.as_str()) {
            self.drop(template).await?;
            self.run(format!(
                r#"CREATE DATABASE "{template}" TEMPLATE template0"#
            ))
            .await?;
            let db = Db::connect(&DbConfig::new(self.url_of(template))).await?;
            lotse_db::migrate(&db, migrations()).await?;
            // Nobody may be connected to what is cloned.
            db.close().await?;
            self.run(format!(r#"COMMENT ON DATABASE "{template}" IS '{build}'"#))
                .await?;
        }
        self.run(format!(r#"CREATE DATABASE "{name}" TEMPLATE "{template}""#))
            .await?;
        Ok(())
    }

    /// Drops a database, whoever is still connected to it.
    async fn drop(&mut self, name: &str) -> Result<(), sqlx::Error> {
        self.run(format!(r#"DROP DATABASE IF EXISTS "{name}" WITH (FORCE)"#))
            .await
    }

    async fn try_lock(&mut self, class: i32, number: i32) -> Result<bool, sqlx::Error> {
        sqlx::query("SELECT pg_try_advisory_lock($1, $2)")
            .bind(class)
            .bind(number)
            .fetch_one(&mut self.connection)
            .await?
            .try_get(0)
    }

    /// Runs a statement whose names are all our own making.
    async fn run(&mut self, sql: String) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// The server's URL with another database in its path.
    fn url_of(&self, database: &str) -> String {
        let (base, parameters) = match self.url.split_once('?') {
            Some((base, parameters)) => (base, format!("?{parameters}")),
            None => (self.url.as_str(), String::new()),
        };
        let server = base.rsplit_once('/').map_or(base, |(server, _)| server);
        format!("{server}/{database}{parameters}")
    }
}

/// Changes with every build of the running test program.
fn build_of_this_process() -> String {
    let program = std::env::current_exe().and_then(|program| program.metadata());
    let changed = program.and_then(|data| Ok((data.len(), data.modified()?)));
    match changed {
        Ok((length, time)) => {
            let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            format!("build {length} {}", since.as_nanos())
        }
        // Unknown: never equal to any noted one, so the template is made anew.
        Err(_) => format!("build unknown {}", RandomState::new().hash_one(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_killed_process_left_is_dropped_and_what_a_live_one_uses_is_not() {
        let Some(server) = crate::own_postgres() else {
            return;
        };
        let mut other = PgConnection::connect(&server.url())
            .await
            .expect("connected");
        for database in ["lotse-test-7-1", "lotse-test-8-1"] {
            let create = AssertSqlSafe(format!(r#"CREATE DATABASE "{database}""#));
            sqlx::raw_sql(create)
                .execute(&mut other)
                .await
                .expect("created");
        }
        let lock = AssertSqlSafe(format!("SELECT pg_advisory_lock({PROCESS_LOCKS}, 8)"));
        sqlx::raw_sql(lock)
            .execute(&mut other)
            .await
            .expect("locked");

        let _joined = Cluster::join(&server.url()).await.expect("joined");

        let left = sqlx::query("SELECT datname FROM pg_database WHERE datname LIKE 'lotse-test-%'")
            .fetch_all(&mut other)
            .await
            .expect("rows");
        let left: Vec<String> = left.iter().map(|row| row.get(0)).collect();
        assert_eq!(left, ["lotse-test-8-1"]);
    }
}
