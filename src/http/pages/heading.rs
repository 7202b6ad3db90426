//! What is at the page's head before its script has loaded: the shop, as `assets/checkout/screens.js` shows it.

use super::template::escape;
use super::texts::Texts;
use crate::config::Config;

/// Where it goes in the page. A comment, so that a copy of the page on the shop's own host shows nothing there.
pub const PLACE: &str = "<!--heading-->";

/// The shop's mark and name, as HTML.
pub fn html(config: &Config, texts: &Texts) -> String {
    let (name, title) = (&config.merchant.name, &config.checkout.title);
    let heading = match (title.as_str(), name.as_str()) {
        (title, name) if !title.is_empty() && title != name => escape(title),
        (_, "") => texts.html("page.title", &[]),
        (_, name) => texts.html("page.titleFor", &[("name", &escape(name))]),
    };
    let logo = match &config.checkout.logo_url {
        Some(url) => format!("image\"><img src=\"{}\" alt=\"\">", escape(url)),
        None => {
            let first = name.chars().chain(title.chars()).next().unwrap_or('€');
            format!("\" aria-hidden=\"true\">{}", escape(&first.to_string()))
        }
    };
    format!("<header class=\"shop\"><span class=\"logo {logo}</span><h1>{heading}</h1></header>")
}
