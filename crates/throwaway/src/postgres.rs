//! A PostgreSQL server of our own.

use crate::keeper::Keeper;
use crate::{Error, Part};

/// `fsync` and `full_page_writes` are off: they matter only when the operating
/// system itself goes down, and this server does not outlive a reboot. What a
/// transaction promises while the machine runs, through kills of the server
/// too, is unchanged. Sorting is by language, as on most real servers and
/// unlike SQLite's, so that code which compares texts itself is caught.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
bin=$1 folder=$2
up() {
    "$bin/pg_ctl" -s -w -t 60 -D "$folder/data" -l "$folder/log" -o "-p $1 \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories='' \
        -c fsync=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 \
        -c max_connections=300 -c shared_buffers=128MB -c max_wal_size=2GB" \
        start >>"$folder/log" 2>&1
}
down() {
    "$bin/pg_ctl" -s -w -D "$folder/data" -m "$1" stop >>"$folder/log" 2>&1
}
"$bin/initdb" --pgdata="$folder/data" --username=postgres --auth=trust --no-sync \
    --encoding=UTF8 --locale=C --locale-provider=icu --icu-locale=en-US \
    >"$folder/log" 2>&1 && echo ok || echo failed
while read -r order port; do
    case $order in
        start) up "$port" ;;
        stop) down fast ;;
        kill) down immediate ;;
        *) false ;;
    esac && echo ok || echo failed
done
down immediate
rm -rf "$folder"
"#;

/// A PostgreSQL server that ends with this value, or with this process.
#[derive(Debug)]
pub struct Postgres {
    keeper: Keeper,
}

impl Postgres {
    /// Creates and starts a server; about a second and a half.
    ///
    /// PostgreSQL refuses to run as root; for root it runs as the user
    /// `postgres`, whom every package of it creates.
    pub fn start() -> Result<Postgres, Error> {
        Ok(Postgres {
            keeper: Keeper::start(Part::Postgres, SCRIPT, Some("postgres"))?,
        })
    }

    /// The URL of its maintenance database, with the superuser's name and no
    /// password (it listens on loopback only).
    pub fn url(&self) -> String {
        format!(
            "postgres://postgres@127.0.0.1:{}/postgres",
            self.keeper.port()
        )
    }

    /// Ends the server at once, as a crash would: connections break, running
    /// transactions are lost, committed ones are not.
    pub fn kill(&mut self) -> Result<(), Error> {
        self.keeper.order("kill")
    }

    /// Starts it again on the same port after [`Postgres::kill`].
    pub fn start_again(&mut self) -> Result<(), Error> {
        self.keeper.order("start")
    }
}
