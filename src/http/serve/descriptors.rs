//! File descriptors: each connection takes one, and the database, the chains and the webhooks must find some as well.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Server;

/// Kept free for everything but connections.
const RESERVED: u64 = 256;

/// Lets the process open as many files as the system's administrator allows it, and says if that is too few for
/// the configured connections: a warning where the owner has chosen their number.
pub fn raise_limit(server: &Server) {
    let connections = server.max_connections;
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Not allowed, the old limit stays, and connections are counted against it.
    let _ = setrlimit(Resource::Nofile, raised);
    let most = most_connections(connections);
    if most >= connections {
        return;
    }
    let text = format!(
        "the process may not open files for server.max_connections = {connections}: it takes {most} at most \
         (systemd: LimitNOFILE={})",
        connections as u64 + RESERVED
    );
    match server.max_connections_is_chosen {
        true => tracing::warn!("{text}"),
        false => tracing::info!("{text}"),
    }
}

/// So many connections at once, of the configured ones, leave descriptors for everything else.
pub fn most_connections(configured: usize) -> usize {
    let Some(limit) = getrlimit(Resource::Nofile).current else {
        return configured;
    };
    let left = limit.saturating_sub(RESERVED).max(limit / 2);
    configured.min(usize::try_from(left).unwrap_or(usize::MAX))
}
