//! Places for connections: so many in all, and of these a share for each client, so that none can take them all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::metrics::gauge::Gauge;

use crate::http::client::network;

/// One client may hold a tenth of all places, but always this many: a school or a company can be one address.
const CLIENT_AT_LEAST: usize = 64;
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// How many of so many places one client may hold.
pub fn most_of_client(places: usize) -> usize {
    (places / 10).max(CLIENT_AT_LEAST)
}

/// All places of a listener.
#[derive(Clone, Default)]
pub struct Places(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    all: usize,
    by_client: HashMap<IpAddr, usize>,
    told: Option<Instant>,
}

/// A place that is taken; given back when dropped.
pub struct Place {
    places: Places,
    client: Option<IpAddr>,
    open: Gauge,
}

/// Whose places are all taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    All,
    Client,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Client => "client",
        }
    }
}

/// There was no place.
#[derive(Debug)]
pub struct Refused {
    pub reason: Reason,
    /// The limit that was met.
    pub most: usize,
    /// Whether this is worth a line in the log.
    pub tell: bool,
}

impl Places {
    /// Takes a place for a client, one of `most`. A proxy's connections are many clients', and have no limit of their
    /// own. Places in use are shown in `open`.
    pub fn take(
        &self,
        peer: IpAddr,
        most: usize,
        proxy: bool,
        open: &Gauge,
    ) -> Result<Place, Refused> {
        let client = (!proxy).then(|| network(peer));
        let mut taken = self.taken();
        if taken.all >= most {
            return Err(taken.refuse(Reason::All, most));
        }
        if let Some(client) = client {
            let most = most_of_client(most);
            let of_client = taken.by_client.entry(client).or_default();
            if *of_client >= most {
                return Err(taken.refuse(Reason::Client, most));
            }
            *of_client += 1;
        }
        taken.all += 1;
        open.inc();
        Ok(Place {
            places: self.clone(),
            client,
            open: open.clone(),
        })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // Counting does not panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn refuse(&mut self, reason: Reason, most: usize) -> Refused {
        let tell = self.told.is_none_or(|at| at.elapsed() >= TOLD_EVERY);
        if tell {
            self.told = Some(Instant::now());
        }
        Refused { reason, most, tell }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.dec();
        let mut taken = self.places.taken();
        taken.all -= 1;
        let Some(client) = self.client else {
            return;
        };
        if let Some(of_client) = taken.by_client.get_mut(&client) {
            *of_client -= 1;
            if *of_client == 0 {
                taken.by_client.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn no_client_gets_all_places_and_each_is_given_back() {
        let (places, open) = (Places::default(), Gauge::default());
        let take = |peer: &str, proxy| places.take(address(peer), 1000, proxy, &open);
        let mine: Vec<_> = (0..100)
            .map(|_| take("203.0.113.9", false).unwrap())
            .collect();
        let refused = take("203.0.113.9", false).err().unwrap();
        assert_eq!(
            (refused.reason, refused.most, refused.tell),
            (Reason::Client, 100, true)
        );
        assert!(
            !take("203.0.113.9", false).err().unwrap().tell,
            "once is enough"
        );
        let proxies: Vec<_> = (0..900).map(|_| take("127.0.0.1", true).unwrap()).collect();
        assert_eq!(
            take("198.51.100.1", false).err().unwrap().reason,
            Reason::All
        );
        assert_eq!(open.get(), 1000);
        drop(mine);
        drop(take("203.0.113.9", false).unwrap());
        drop(proxies);
        assert_eq!(open.get(), 0);
        assert!(places.taken().by_client.is_empty());
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let (places, open) = (Places::default(), Gauge::default());
        let held: Vec<_> = (0..64)
            .map(|n| {
                let peer = address(&format!("2001:db8:1:2::{n:x}"));
                places.take(peer, 100, false, &open).unwrap()
            })
            .collect();
        let other = |text: &str| places.take(address(text), 100, false, &open);
        assert!(other("2001:db8:1:2:ffff::1").is_err());
        assert!(other("2001:db8:1:3::1").is_ok());
        drop(held);
    }
}
