//! The way to a server, which a test can make slow or close.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use lotse_clock::BusinessClock;
use lotse_supervise::Supervisor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A TCP port that leads to a server. Closed, it swallows nothing and breaks no connection: what is
/// sent waits, as behind a network that is down, and arrives once it is open again.
pub struct Road {
    port: u16,
    far_end: String,
    state: watch::Sender<State>,
    supervisor: Supervisor,
}

#[derive(Clone, Copy)]
struct State {
    open: bool,
    /// What everything sent takes, in each direction.
    takes: Duration,
}

impl Road {
    /// A road to the server at `url` (`scheme://host:port/…`), open and short.
    pub async fn to(url: &str) -> Road {
        let (_, rest) = url.split_once("://").unwrap_or(("", url));
        let far_end = rest.split('/').next().unwrap_or_default().to_owned();
        let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await {
            Ok(listener) => listener,
            Err(error) => panic!("no port for a road: {error}"),
        };
        let port = listener.local_addr().as_ref().map_or(0, SocketAddr::port);
        let state = watch::Sender::new(State {
            open: true,
            takes: Duration::ZERO,
        });
        let supervisor = Supervisor::new(BusinessClock::system());
        let travellers = Travellers {
            far_end: far_end.clone(),
            state: state.subscribe(),
            supervisor: supervisor.clone(),
        };
        supervisor.spawn_task("road", travellers.keep_coming(listener));
        Road {
            port,
            far_end,
            state,
            supervisor,
        }
    }

    /// `url` with this road's end instead of the server's.
    pub fn instead_of(&self, url: &str) -> String {
        url.replacen(&self.far_end, &format!("127.0.0.1:{}", self.port), 1)
    }

    /// From now on whatever is sent takes this long in each direction.
    pub fn takes(&self, takes: Duration) {
        self.state.send_modify(|state| state.takes = takes);
    }

    /// Nothing gets through any more.
    pub fn close(&self) {
        self.state.send_modify(|state| state.open = false);
    }

    /// Everything gets through again, also what was sent meanwhile.
    pub fn open(&self) {
        self.state.send_modify(|state| state.open = true);
    }
}

impl Drop for Road {
    fn drop(&mut self) {
        self.supervisor.stopping().cancel();
    }
}

struct Travellers {
    far_end: String,
    state: watch::Receiver<State>,
    supervisor: Supervisor,
}

impl Travellers {
    async fn keep_coming(self, listener: TcpListener) {
        while let Ok((near, _)) = listener.accept().await {
            let (far_end, state) = (self.far_end.clone(), self.state.clone());
            self.supervisor.spawn_task("road's traveller", async move {
                let mut gate = state.clone();
                // An error means that the road is gone.
                if gate.wait_for(|state| state.open).await.is_err() {
                    return;
                }
                let Ok(far) = TcpStream::connect(far_end).await else {
                    return;
                };
                let ((near_in, near_out), (far_in, far_out)) =
                    (near.into_split(), far.into_split());
                // When one direction ends, so does the connection.
                tokio::select! {
                    () = carry(near_in, far_out, state.clone()) => {}
                    () = carry(far_in, near_out, state) => {}
                }
            });
        }
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(read) = from.read(&mut bytes).await
        && read > 0
    {
        let takes = match state.wait_for(|state| state.open).await {
            Ok(state) => state.takes,
            Err(_) => return,
        };
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
        }
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
