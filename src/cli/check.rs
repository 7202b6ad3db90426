//! `ocrch check`: the doctor. Looks at everything that payments depend on, changes nothing, and says what to do.

mod chains;
mod examination;
mod local;
mod reach;
mod report;

use self::report::Report;
use super::ConfigArg;
use super::print::print;
use crate::config::load;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// Only what needs no network
    #[arg(long)]
    offline: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints what was found. An error if any of it is a failure.
pub fn run(args: Args) -> Result<(), String> {
    let mut report = Report::default();
    look(&args, &mut report);
    match args.json {
        true => print(format!("{:#}", report.json()))?,
        false => print(report.table())?,
    }
    match report.failures() {
        0 => Ok(()),
        // The table has said it all.
        _ => Err(String::new()),
    }
}

fn look(args: &Args, report: &mut Report) {
    let path = &args.config.config;
    let loaded = match load(path) {
        Ok(loaded) => loaded,
        Err(errors) => return local::broken_config(&errors, report),
    };
    local::config(path, &loaded, report);
    let config = &loaded.config;
    local::public_url(config, report);
    let server_runs = local::database(config, report);
    local::listen(config, server_runs, report);
    local::wallets(config, report);
    chains::plan(config, report);
    if args.offline {
        return;
    }
    chains::providers(config, report);
    reach::urls(config, report);
}
