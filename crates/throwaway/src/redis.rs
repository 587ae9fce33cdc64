//! A Redis server of our own.

use crate::keeper::Keeper;
use crate::{Error, Part};

/// Nothing is saved: in Lotse Redis holds only what can be rebuilt, so a
/// server started again is an empty one.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
bin=$1 folder=$2
up() {
    : >"$folder/log"
    "$bin/redis-server" --bind 127.0.0.1 --port "$1" --save '' --appendonly no \
        --dir "$folder" --logfile "$folder/log" </dev/null >/dev/null 2>&1 &
    server=$!
    until grep -q 'Ready to accept connections' "$folder/log"; do
        kill -0 "$server" 2>/dev/null || return 1
        sleep 0.02
    done
}
down() {
    kill -9 "$server" && { wait "$server" 2>/dev/null || :; }
}
echo ok
while read -r order port; do
    case $order in
        start) up "$port" ;;
        kill) down ;;
        *) false ;;
    esac && echo ok || echo failed
done
down
rm -rf "$folder"
"#;

/// A Redis server that ends with this value, or with this process.
#[derive(Debug)]
pub struct Redis {
    keeper: Keeper,
}

impl Redis {
    /// Starts a server; a few hundredths of a second.
    pub fn start() -> Result<Redis, Error> {
        Ok(Redis {
            keeper: Keeper::start(Part::Redis, SCRIPT, Some("redis"))?,
        })
    }

    /// The URL of its database 0.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.keeper.port())
    }

    /// Ends the server at once; all it held is lost.
    pub fn kill(&mut self) -> Result<(), Error> {
        self.keeper.order("kill")
    }

    /// Starts it again, empty, on the same port after [`Redis::kill`].
    pub fn start_again(&mut self) -> Result<(), Error> {
        self.keeper.order("start")
    }
}
