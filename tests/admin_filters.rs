//! What the Admin API's lists and exports can be asked for, and how they refuse what they cannot read.

use serde_json::Value;

use crate::support::admin::Admin;
use crate::support::config::Config;
use crate::support::server::{Server, run};

/// The names and types of a call's parameters in the query.
fn in_query(call: &Value) -> impl Iterator<Item = (&str, &str)> {
    let parameters = call["parameters"].as_array().into_iter().flatten();
    parameters
        .filter(|p| p["in"] == "query")
        .map(|p| (p["name"].as_str(), p["schema"]["type"].as_str()))
        .map(|(name, kind)| (name.expect("a name"), kind.expect("a type")))
}

#[test]
fn every_parameter_says_what_it_expects() {
    let server = Server::start(&Config::new());
    let admin = Admin::of(&server.base());
    let document: Value = serde_json::from_slice(&run(&["openapi"]).stdout).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let mut tried = 0;
    for (path, methods) in paths {
        for (name, kind) in in_query(&methods["get"]) {
            let expected = match kind {
                "integer" => "a whole number",
                "boolean" => "true or false",
                _ => continue,
            };
            let path = path.strip_prefix("/api/v1/admin").expect("the admin's");
            for wrong in ["abc", "1.5", "", "99999999999999999999"] {
                let refused = admin.call("GET", &format!("{path}?{name}={wrong}"), &Value::Null);
                refused.expect_error(400, &format!("invalid {name}: expected {expected}"));
                tried += 1;
            }
        }
    }
    assert!(tried > 50, "{tried}");
}
