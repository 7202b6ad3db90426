//! What the doctor found, and how it is shown.

use std::fmt::Write;

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Ok,
    /// It works, but not well, or not for long.
    Warn,
    /// Payments are missed or impossible.
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    pub level: Level,
    /// What was looked at: "database", "eth", "eth rpc eth.drpc.org".
    pub what: String,
    /// What was found.
    pub text: String,
    /// What to do about it, where there is something to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// All that was found, in the order in which it is shown.
#[derive(Clone, Default, Debug)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    pub fn ok(&mut self, what: &str, text: impl Into<String>) {
        self.add(Level::Ok, what, text.into(), None);
    }

    pub fn warn(&mut self, what: &str, text: impl Into<String>, remedy: impl Into<String>) {
        self.add(Level::Warn, what, text.into(), Some(remedy.into()));
    }

    pub fn fail(&mut self, what: &str, text: impl Into<String>, remedy: impl Into<String>) {
        self.add(Level::Fail, what, text.into(), Some(remedy.into()));
    }

    fn add(&mut self, level: Level, what: &str, text: String, remedy: Option<String>) {
        self.findings.push(Finding {
            level,
            what: what.to_owned(),
            text,
            remedy: remedy.filter(|remedy| !remedy.is_empty()),
        });
    }

    pub fn failures(&self) -> usize {
        self.count(Level::Fail)
    }

    fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|f| f.level == level).count()
    }

    /// A table with a line for each finding, its remedy below it, and a summary at the end.
    pub fn table(&self) -> String {
        let widths = self.findings.iter().map(|f| f.what.chars().count());
        let width = widths.max().unwrap_or(0);
        let mut table = String::new();
        for finding in &self.findings {
            let word = match finding.level {
                Level::Ok => "ok",
                Level::Warn => "warn",
                Level::Fail => "FAIL",
            };
            let Finding { what, text, .. } = finding;
            // Writing to a String cannot fail.
            let _ = writeln!(table, "{word:<4}  {what:<width$}  {text}");
            if let Some(remedy) = &finding.remedy {
                let _ = writeln!(table, "{:<4}  {:<width$}  > {remedy}", "", "");
            }
        }
        let _ = write!(table, "{}", self.summary());
        table
    }

    fn summary(&self) -> String {
        let several = |count: usize, one: &str| match count {
            1 => format!("1 {one}"),
            _ => format!("{count} {one}s"),
        };
        match (self.count(Level::Fail), self.count(Level::Warn)) {
            (0, 0) => "All is well.".to_owned(),
            (0, warnings) => format!("It works, with {}.", several(warnings, "warning")),
            (failures, 0) => format!("{}.", several(failures, "failure")),
            (failures, warnings) => {
                format!(
                    "{}, {}.",
                    several(failures, "failure"),
                    several(warnings, "warning")
                )
            }
        }
    }

    /// The same for programs.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "ok": self.failures() == 0,
            "failures": self.failures(),
            "warnings": self.count(Level::Warn),
            "checks": self.findings,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_aligned_and_says_what_to_do() {
        let mut report = Report::default();
        assert_eq!(report.table(), "All is well.");
        report.ok("clock", "right");
        report.fail("eth rpc node.example", "no answer", "Try another one.");
        report.warn("database", "large", "");
        let expected = "\
ok    clock                 right
FAIL  eth rpc node.example  no answer
                            > Try another one.
warn  database              large
1 failure, 1 warning.";
        assert_eq!(report.table(), expected);
        let json = report.json();
        assert_eq!((&json["ok"], &json["failures"]), (&false.into(), &1.into()));
        assert_eq!(json["checks"][1]["remedy"], "Try another one.");
        assert_eq!(json["checks"][0]["level"], "ok");
        assert!(json["checks"][0].get("remedy").is_none());
    }
}
