//! Logs: human text, or JSON where a program reads them.

use tracing_subscriber::EnvFilter;

/// What these trace shows whole URLs, and with them keys, whatever `RUST_LOG` asks for.
const QUIET: &[&str] = &["ureq=info", "ureq_proto=info", "rustls=info"];

/// Logs to stderr from here on. `RUST_LOG` filters; `OCRCH_LOG_FORMAT=json` writes JSON.
pub fn start(default_filter: &str) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_filter));
    let filter = QUIET
        .iter()
        .filter_map(|d| d.parse().ok())
        .fold(filter, EnvFilter::add_directive);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A log that nobody reads any more (a closed pipe) must not stop the server, nor keep it from stopping.
        .log_internal_errors(false)
        .with_target(false);
    if std::env::var("OCRCH_LOG_FORMAT").is_ok_and(|format| format == "json") {
        builder.json().init();
    } else {
        let on_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
        builder.with_ansi(on_terminal).init();
    }
}
