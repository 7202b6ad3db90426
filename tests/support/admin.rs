//! The admin, by the protocol's text.

use serde_json::Value;

use super::http::{self, Reply};

/// The plain text of the hash that tests' configurations have.
pub const SECRET: &str = "admin-secret-for-tests";

/// Whoever knows the secret.
#[derive(Clone)]
pub struct Admin {
    pub base: String,
    pub secret: String,
}

impl Admin {
    pub fn of(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            secret: SECRET.to_owned(),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}/api/v1/admin{path}", self.base)
    }

    /// A call; a null body is an empty one.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.call_with(method, path, body, &[])
    }

    pub fn call_with(
        &self,
        method: &str,
        path: &str,
        body: &Value,
        more: &[(&str, &str)],
    ) -> Reply {
        let mut headers = vec![("ocrch-admin-authorization", &*self.secret)];
        headers.extend(more);
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        http::send(method, &self.url(path), &headers, body.as_bytes())
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        self.call("GET", path, &Value::Null).expect(200).json()
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Value {
        self.call("POST", path, body).expect(200).json()
    }
}
