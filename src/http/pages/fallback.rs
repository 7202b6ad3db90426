//! The checkout without JavaScript: what a page inside `<noscript>` shows of an order.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use qrcode::QrCode;
use qrcode::render::svg;

use super::link::Link;
use super::template::escape;
use super::texts::Texts;
use crate::config::Config;
use crate::domain::amount::Amount;
use crate::domain::order::{Order, OrderStatus, Payment};
use crate::domain::registry::Blockchain;
use crate::service::App;
use crate::service::orders::{self, OrderError};
use crate::service::payments::{self, PaymentDetail, PaymentError, PaymentOption};

/// What a visitor sees who has JavaScript switched off. Of an order only with its valid signature.
pub struct Fallback<'a> {
    pub app: &'a App,
    pub config: &'a Config,
    pub texts: &'a Texts,
    pub link: &'a Link,
    /// Why the choice just made came to nothing.
    pub refused: Option<PaymentError>,
}

impl Fallback<'_> {
    pub fn html(&self) -> String {
        let content = match self.link.order(self.app) {
            None => self.paragraph("problem.incomplete"),
            Some(Err(_)) => self.paragraph("fallback.problem"),
            Some(Ok(id)) => match orders::find(self.app, id) {
                Ok(order) => self.order(&order),
                Err(OrderError::NotFound) => self.paragraph("problem.unknown"),
                Err(error) => {
                    tracing::error!(%error, "cannot show an order without JavaScript");
                    self.paragraph("problem.unreachable")
                }
            },
        };
        format!("<div class=\"fallback\" role=\"main\">{content}</div>")
    }

    fn order(&self, order: &Order) -> String {
        let reference = escape(&order.new.merchant_order_id);
        let about = order.new.description.as_deref().unwrap_or_default();
        let head = format!(
            "<h1>{}</h1><p>{}</p>{}",
            escape(&self.config.checkout.title),
            self.texts.html("fallback.order", &[("id", &reference)]),
            non_empty("p", about),
        );
        head + &match (order.status, &order.payment) {
            (OrderStatus::Paid, _) => self.over("fallback.paid", &order.new.success_url),
            (OrderStatus::Expired, _) => self.over("fallback.expired", &order.new.cancel_url),
            (OrderStatus::Cancelled, _) => self.over("fallback.cancelled", &order.new.cancel_url),
            (OrderStatus::Pending, Some(payment)) => self.seen(payment),
            (OrderStatus::Pending, None) if self.app.clock().now() > order.expires_at => {
                self.over("fallback.expired", &order.new.cancel_url)
            }
            (OrderStatus::Pending, None) => self.open(order),
        }
    }

    /// The order is over: what became of it, and the way back to the shop.
    fn over(&self, key: &str, back: &Option<String>) -> String {
        let link = back.as_ref().map(|url| {
            let text = self.texts.html("fallback.return", &[]);
            format!(
                "<p><a class=\"fallback-refresh\" href=\"{}\">{text}</a></p>",
                escape(url)
            )
        });
        self.paragraph(key) + &link.unwrap_or_default()
    }

    fn seen(&self, payment: &Payment) -> String {
        let values = [
            ("confirmations", &*payment.confirmations.to_string()),
            ("required", &*payment.confirmations_required.to_string()),
        ];
        let text = self.texts.html("fallback.seen", &values);
        format!("<p>{text}</p>{}", self.refresh())
    }

    fn open(&self, order: &Order) -> String {
        match payments::newest(self.app, order) {
            Ok(Some(detail)) => self.detail(order, &detail),
            Ok(None) => self.choice(order),
            Err(error) => {
                tracing::error!(%error, "cannot show a deposit without JavaScript");
                self.paragraph("problem.unreachable")
            }
        }
    }

    /// One button for each way to pay: pressing it makes the deposit, looking at the page does not.
    fn choice(&self, order: &Order) -> String {
        let options = payments::options(self.app, Some(order));
        if options.is_empty() {
            return self.paragraph("choose.nothing");
        }
        // Several wallets can take the same coin.
        let mut buttons: Vec<String> = options.iter().map(|option| self.button(option)).collect();
        let mut known = HashSet::new();
        buttons.retain(|button| known.insert(button.clone()));
        let buttons = buttons.concat();
        let refused = self.refused.as_ref().map(|error| {
            self.paragraph(match error {
                PaymentError::NoSlot => "problem.full",
                PaymentError::Order(OrderError::NotPending) => "problem.closed",
                PaymentError::Order(_) => "problem.unreachable",
                _ => "problem.unavailable",
            })
        });
        format!(
            "{}<p class=\"fallback-amount\">{}</p><form method=\"post\" action=\"?{}\"><p>{}</p>{buttons}</form>",
            refused.unwrap_or_default(),
            escape(&order.new.amount),
            escape(&self.link.query),
            self.texts.html("choose.title", &[]),
        )
    }

    fn button(&self, option: &PaymentOption) -> String {
        format!(
            "<p><button class=\"fallback-refresh\" name=\"choice\" value=\"{}\">{} · {}</button></p>",
            escape(&format!("{} {}", option.blockchain, option.coin)),
            escape(option.coin.as_str()),
            self.network(&option.blockchain),
        )
    }

    fn detail(&self, order: &Order, detail: &PaymentDetail) -> String {
        let (coin, network) = (
            escape(detail.coin.as_str()),
            self.network(&detail.blockchain),
        );
        let address = escape(&detail.wallet.to_string());
        let amount = detail.amount.to_string();
        let text = |key| {
            self.texts
                .html(key, &[("coin", &*coin), ("network", &*network)])
        };
        // A tail is more than the order asks for; the same number written otherwise is none.
        let asked = Amount::parse(&order.new.amount);
        let tail = asked.is_ok_and(|asked| asked != detail.amount);
        let tail = if tail {
            self.paragraph("fallback.tail")
        } else {
            String::new()
        };
        let qr = qr(&detail.wallet.to_string()).map(|source| {
            let alt = text("fallback.qr");
            format!("<img class=\"fallback-qr\" src=\"{source}\" alt=\"{alt}\" width=\"208\" height=\"208\">")
        });
        let until = time(order.expires_at);
        [
            format!("<p>{}</p>", text("fallback.amount")),
            format!("<p class=\"fallback-amount\"><bdi>{amount} {coin}</bdi></p>"),
            tail,
            format!("<p>{}</p>", text("fallback.address")),
            format!("<p class=\"fallback-address\" dir=\"ltr\">{address}</p>"),
            qr.unwrap_or_default(),
            format!("<p>{}</p>", text("fallback.warning")),
            format!(
                "<p>{}</p>",
                self.texts.html("fallback.expires", &[("time", &until)])
            ),
            self.paragraph("fallback.waiting"),
            self.refresh(),
        ]
        .concat()
    }

    fn refresh(&self) -> String {
        let refresh = self.texts.html("fallback.refresh", &[]);
        let note = self
            .texts
            .html("fallback.javascript", &[("refresh", &refresh)]);
        let query = escape(&self.link.query);
        format!("<p><a class=\"fallback-refresh\" href=\"?{query}\">{refresh}</a></p><p>{note}</p>")
    }

    fn network(&self, blockchain: &Blockchain) -> String {
        let chain = self.config.chain(blockchain);
        escape(chain.map_or(blockchain.as_str(), |chain| &chain.chain.name))
    }

    fn paragraph(&self, key: &str) -> String {
        format!("<p>{}</p>", self.texts.html(key, &[]))
    }
}

fn non_empty(element: &str, text: &str) -> String {
    match text {
        "" => String::new(),
        text => format!("<{element}>{}</{element}>", escape(text)),
    }
}

/// A QR code as the address of an image.
fn qr(text: &str) -> Option<String> {
    let code = QrCode::new(text).ok()?;
    let image = code
        .render::<svg::Color<'_>>()
        .min_dimensions(208, 208)
        .build();
    Some(format!(
        "data:image/svg+xml;base64,{}",
        BASE64_STANDARD.encode(image)
    ))
}

/// A moment for people everywhere: without their clock's zone it is told in GMT.
fn time(seconds: i64) -> String {
    let since = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    let text = SystemTime::UNIX_EPOCH
        .checked_add(since)
        .map(httpdate::fmt_http_date);
    format!("<bdi lang=\"en\">{}</bdi>", text.unwrap_or_default())
}
