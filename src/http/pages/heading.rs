//! What is at the page's head before its script has loaded: the shop, as `assets/checkout/screens.js` shows it.

use super::template::escape;
use super::texts::Texts;
use crate::config::Config;

/// Where it goes in the page. A comment, so that a copy of the page on the shop's own host shows nothing there.
pub const PLACE: &str = "<!--heading-->";

/// The shop's mark and name, as HTML.
pub fn html(config: &Config, texts: &Texts) -> String {
    let (logo, heading) = (logo(config), text(config, texts));
    format!("<header class=\"shop\">{logo}<h1>{heading}</h1></header>")
}

/// The shop's own title, or whom payments are to, as HTML.
pub fn text(config: &Config, texts: &Texts) -> String {
    let (name, title) = (&config.merchant.name, &config.checkout.title);
    match (title.as_str(), name.as_str()) {
        (title, name) if !title.is_empty() && title != name => escape(title),
        (_, "") => texts.html("page.title", &[]),
        (_, name) => texts.html("page.titleFor", &[("name", &bdi(name))]),
    }
}

/// The shop's logo, or its first letter.
fn logo(config: &Config) -> String {
    let (merchant, checkout) = (&config.merchant, &config.checkout);
    if let Some(url) = &checkout.logo_url {
        let url = escape(url);
        return format!("<span class=\"logo image\"><img src=\"{url}\" alt=\"\"></span>");
    }
    let mut letters = merchant.name.chars().chain(checkout.title.chars());
    let letter = escape(&letters.next().unwrap_or('€').to_string());
    // A colour of the shop's own comes with its script, which makes it readable; until then there is none.
    let class = match checkout.accent {
        Some(_) => "logo image",
        None => "logo",
    };
    format!("<span class=\"{class}\" aria-hidden=\"true\">{letter}</span>")
}

/// A name keeps its own direction in the middle of a text from right to left.
fn bdi(name: &str) -> String {
    format!("<bdi>{}</bdi>", escape(name))
}
