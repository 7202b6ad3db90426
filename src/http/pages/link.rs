//! The link that a shopper opened: what of it was signed, and whether it is.

use poem::Request;

use super::super::auth;
use super::super::errors::Failure;
use crate::domain::order::OrderId;
use crate::service::App;

/// The query of a checkout link, taken apart.
#[derive(Default)]
pub struct Link {
    /// As it came, to link to the same page again.
    pub query: String,
    signed: String,
    signature: Option<String>,
    pub lang: Option<String>,
}

impl Link {
    pub fn of(request: &Request) -> Self {
        Self::read(request.uri().query().unwrap_or_default())
    }

    /// What was signed is the URL without `sig`, and without a `lang` that was put behind it.
    fn read(query: &str) -> Self {
        let mut link = Self {
            query: query.to_owned(),
            ..Self::default()
        };
        let mut signed = Vec::new();
        let mut after_signature = false;
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let is_appended = after_signature && name == "lang";
            after_signature = name == "sig";
            match name {
                // A "+" that a shop forgot to encode arrives as a space.
                "sig" => link.signature = Some(decoded(value).replace(' ', "+")),
                "lang" => link.lang = Some(decoded(value)),
                _ => {}
            }
            if name != "sig" && !is_appended {
                signed.push(pair);
            }
        }
        link.signed = signed.join("&");
        link
    }

    /// The order that the link was signed for; `None` where it carries no signature at all.
    pub fn order(&self, app: &App) -> Option<Result<OrderId, Failure>> {
        let signature = self.signature.as_ref()?;
        let page = format!("{}/checkout", app.config().server.public_url);
        let url = match self.signed.as_str() {
            "" => page,
            query => format!("{page}?{query}"),
        };
        Some(auth::own_page(app, &url, signature))
    }
}

fn decoded(value: &str) -> String {
    let pairs = serde_urlencoded::from_str::<Vec<(String, String)>>(&format!("v={value}"));
    let first = pairs.ok().and_then(|pairs| pairs.into_iter().next());
    first.map(|(_, value)| value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_what_was_signed_its_signature_and_a_language() {
        for (query, signed, signature, lang) in [
            (
                "order_id=1&sig=2.a%2Bb%3D",
                "order_id=1",
                Some("2.a+b="),
                None,
            ),
            (
                "order_id=1&sig=2.a+b=&lang=de",
                "order_id=1",
                Some("2.a+b="),
                Some("de"),
            ),
            (
                "a=b&lang=de&sig=2.x&c",
                "a=b&lang=de&c",
                Some("2.x"),
                Some("de"),
            ),
            (
                "sig=2.x&order_id=1&lang=fr",
                "order_id=1&lang=fr",
                Some("2.x"),
                Some("fr"),
            ),
            ("lang=%22%3E", "lang=%22%3E", None, Some("\">")),
            ("", "", None, None),
        ] {
            let link = Link::read(query);
            assert_eq!(link.signed, signed, "{query}");
            assert_eq!(link.signature.as_deref(), signature, "{query}");
            assert_eq!(link.lang.as_deref(), lang, "{query}");
        }
    }
}
