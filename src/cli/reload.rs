//! Reading the configuration again while the server runs.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::{Config, ConfigErrors, Loaded, load};
use crate::http::serve::raise_limit;
use crate::service::App;

/// Where the configuration comes from.
#[derive(Clone)]
pub struct Source {
    pub path: PathBuf,
    /// From the command line, in the place of `server.listen`.
    pub listen: Option<SocketAddr>,
}

impl Source {
    /// Reads the file and logs its warnings.
    pub fn read(&self) -> Result<Loaded, ConfigErrors> {
        let mut loaded = load(&self.path)?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        if let Some(address) = self.listen {
            loaded.config.listen_on(address);
        }
        Ok(loaded)
    }

    /// Has the application go by the file as it is now. A file that is not right changes nothing.
    pub async fn reload(&self, app: &App) {
        let source = self.clone();
        // Hashing a secret takes its time.
        let read = tokio::task::spawn_blocking(move || source.read().map(sealed)).await;
        let mut config = match read {
            Ok(Ok(config)) => config,
            Ok(Err(errors)) => return refuse(&errors.to_string()),
            Err(crash) => return refuse(&crash.to_string()),
        };
        keep_what_stays(&mut config, &app.config());
        match app.reconfigure(config) {
            Ok(()) => {
                raise_limit(&app.config().server);
                tracing::info!("configuration reloaded");
            }
            Err(error) => refuse(&error.to_string()),
        }
    }
}

fn refuse(why: &str) {
    tracing::error!(
        "the configuration was not reloaded; the server goes on by the one it has:\n{why}"
    );
}

/// Replaces a plain admin secret in the file by its hash.
pub fn sealed(loaded: Loaded) -> Config {
    match loaded.seal() {
        Ok(true) => tracing::info!("admin.secret in the configuration was replaced by its hash"),
        Ok(false) => {}
        Err(warning) => tracing::warn!("{warning}"),
    }
    loaded.config
}

/// Where the server listens and what its database is cannot change while it runs.
fn keep_what_stays(config: &mut Config, running: &Config) {
    if config.server.listen != running.server.listen {
        needs_restart("server.listen", config.server.listen, running.server.listen);
        config.listen_on(running.server.listen);
    }
    if config.database.path != running.database.path {
        let (new, old) = (&config.database.path, &running.database.path);
        needs_restart("database.path", new.display(), old.display());
        config.database.path.clone_from(&running.database.path);
    }
}

fn needs_restart(key: &str, new: impl ToString, old: impl ToString) {
    let (new, old) = (new.to_string(), old.to_string());
    tracing::warn!(
        new,
        running = old,
        "{key} has changed; this takes effect after a restart"
    );
}
