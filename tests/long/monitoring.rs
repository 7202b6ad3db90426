//! What Prometheus itself says about the example's rules.

use std::path::Path;
use std::process::Command;

fn promtool(args: &[&str], file: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let checked = Command::new("promtool")
        .args(args)
        .arg(&file)
        .output()
        .expect("promtool is installed: see .ci/full");
    let said = String::from_utf8_lossy(&checked.stdout).into_owned()
        + &String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}");
}

#[test]
fn the_alerts_fire_when_they_should() {
    promtool(&["check", "config"], "examples/monitoring/prometheus.yml");
    promtool(&["test", "rules"], "tests/long/alerts_test.yml");
}
