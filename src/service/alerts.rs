//! Short messages to the operator: queued with what they tell, sent by the task, and never a flood.

use super::App;
use crate::config::Config;
use crate::domain::order::Order;
use crate::store::transfers::StoredTransfer;
use crate::store::{StoreError, Tx, alerts};

pub use crate::store::alerts::Alert;

/// Messages read at a time: more than that in one summary says nothing more.
const MOST: usize = 1000;
/// So many of each kind are named in a summary.
const NAMED: usize = 3;

/// What a summary may be about, the most important first, and what it calls one and many of them. Alarms are never summed up.
const SUMMED_UP: [(Kind, &str, &str); 4] = [
    (
        Kind::Unmatched,
        "payment that belongs to no order",
        "payments that belong to no order",
    ),
    (Kind::WebhookFailed, "webhook given up", "webhooks given up"),
    (
        Kind::ChainDown,
        "message about a chain",
        "messages about chains",
    ),
    (Kind::Paid, "order paid", "orders paid"),
];

/// What a message is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Paid,
    Unmatched,
    ChainDown,
    WebhookFailed,
    /// Money that was there is gone: told whatever `alerts.on` says.
    Vanished,
}

impl Kind {
    /// The name in `alerts.on`.
    fn as_str(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Unmatched => "unmatched",
            Self::ChainDown => "chain_down",
            Self::WebhookFailed => "webhook_failed",
            Self::Vanished => "vanished",
        }
    }

    fn is_wanted(self, config: &Config) -> bool {
        let Some(alerts) = &config.alerts else {
            return false;
        };
        self == Self::Vanished || alerts.on.iter().any(|kind| kind == self.as_str())
    }
}

/// Queues a message in the transaction that makes it worth sending, if the operator wants to hear of its kind.
fn queue(
    tx: &Tx<'_>,
    config: &Config,
    kind: Kind,
    text: impl FnOnce() -> String,
) -> Result<(), StoreError> {
    match kind.is_wanted(config) {
        true => alerts::queue(tx, kind.as_str(), &text()),
        false => Ok(()),
    }
}

/// An order was paid, by a transfer or by the admin.
pub fn order_paid(tx: &Tx<'_>, config: &Config, order: &Order) -> Result<(), StoreError> {
    queue(tx, config, Kind::Paid, || {
        let name = &order.new.merchant_order_id;
        match &order.payment {
            Some(p) => format!(
                "Order {name} is paid: {} {} on {}.",
                p.amount, p.stablecoin, p.blockchain
            ),
            None => format!("Order {name} ({}) is marked as paid.", order.new.amount),
        }
    })
}

/// A confirmed transfer belongs to no order.
pub fn unmatched(
    tx: &Tx<'_>,
    config: &Config,
    transfer: &StoredTransfer,
) -> Result<(), StoreError> {
    queue(tx, config, Kind::Unmatched, || {
        format!(
            "{} came in that belongs to no order: {}.",
            money(transfer),
            transfer.id.txn_hash
        )
    })
}

/// A transfer that paid an order has left the chain.
pub fn vanished(
    tx: &Tx<'_>,
    config: &Config,
    transfer: &StoredTransfer,
    order: &Order,
) -> Result<(), StoreError> {
    queue(tx, config, Kind::Vanished, || {
        format!(
            "ALARM: the payment of order {} has left the chain: {}, {}. The order stays paid; look at the transaction, and do not \
             ship if you have not.",
            order.new.merchant_order_id,
            money(transfer),
            transfer.id.txn_hash
        )
    })
}

/// A webhook is not tried any more.
pub fn webhook_given_up(
    tx: &Tx<'_>,
    config: &Config,
    url: &str,
    body: &str,
    tries: u32,
) -> Result<(), StoreError> {
    queue(tx, config, Kind::WebhookFailed, || {
        let origin = crate::domain::signature::origin_of(url).unwrap_or_default();
        let about = about(body);
        format!(
            "{origin} could not be told{about}: given up after {tries} tries. Send it again when the shop works."
        )
    })
}

/// A chain cannot be watched, or can again; whether the operator wants to hear of it.
pub async fn chain_down(app: &App, text: String) -> Result<bool, StoreError> {
    let config = app.config();
    if !Kind::ChainDown.is_wanted(&config) {
        return Ok(false);
    }
    let queued = app
        .db()
        .write(move |tx| queue(tx, &config, Kind::ChainDown, || text));
    queued.await.map(|()| true)
}

/// The messages that wait, alarms first.
pub fn waiting(app: &App) -> Result<Vec<Alert>, StoreError> {
    app.db()
        .read(|c| alerts::waiting(c, Kind::Vanished.as_str(), MOST))
}

/// Whether a message must not be lost among others: strangers can cause as many of the others as they like.
pub fn is_alarm(alert: &Alert) -> bool {
    alert.kind == Kind::Vanished.as_str()
}

/// Forgets messages that were sent, or that nobody wants any more.
pub async fn remove(app: &App, rows: Vec<i64>) -> Result<(), StoreError> {
    app.db().write(move |tx| alerts::remove(tx, &rows)).await
}

/// Many messages in one: how many of each kind, where to see them, and what the first ones say.
pub fn summary(config: &Config, waiting: &[Alert]) -> String {
    let of = |kind: Kind| -> Vec<&Alert> {
        let alerts = waiting.iter();
        alerts.filter(|alert| alert.kind == kind.as_str()).collect()
    };
    let (mut counts, mut first) = (Vec::new(), String::new());
    for (kind, one, many) in SUMMED_UP {
        let found = of(kind);
        match found.len() {
            0 => continue,
            1 => counts.push(format!("1 {one}")),
            n => counts.push(format!("{n} {many}")),
        }
        for alert in found.iter().take(NAMED) {
            first.push_str("\n- ");
            first.push_str(&alert.text);
        }
        if found.len() > NAMED {
            first.push_str("\n- …");
        }
    }
    let view = match of(Kind::Unmatched).is_empty() {
        true => "",
        false => "#/inbox",
    };
    format!(
        "{} messages in one: {}. See {}/admin{view}{first}",
        waiting.len(),
        counts.join(", "),
        config.server.public_url
    )
}

fn money(transfer: &StoredTransfer) -> String {
    let facts = &transfer.facts;
    format!("{} {} on {}", facts.value, facts.coin, facts.blockchain)
}

/// Whom a webhook's body is about.
fn about(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let (order, status) = (&body["merchant_order_id"], &body["status"]);
    match (order.as_str(), status.as_str()) {
        (Some(order), Some(status)) => format!(" that order {order} is {status}"),
        _ => " of a payment that belongs to no order".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_counts_what_it_stands_for_and_names_the_first_of_each_kind() {
        let alert = |(n, kind): (usize, Kind)| Alert {
            row: 1,
            kind: kind.as_str().to_owned(),
            text: format!("{} {n}.", kind.as_str()),
            created_at: 0,
        };
        let config = crate::config::parse(
            "[merchant]\nsecret = \"0123456789abcdef\"\n[admin]\nsecret = \"0123456789abcdef\"\n\
             [server]\npublic_url = \"https://pay.shop.example\"",
            "test",
            std::path::Path::new("/"),
        );
        let config = config.unwrap().config;
        let told = |kinds: &[Kind]| {
            let waiting: Vec<Alert> = kinds.iter().copied().enumerate().map(alert).collect();
            summary(&config, &waiting)
        };
        use Kind::{ChainDown, Paid, Unmatched};
        assert_eq!(
            told(&[Paid, Unmatched, Paid, Paid, Paid]),
            "5 messages in one: 1 payment that belongs to no order, 4 orders paid. See https://pay.shop.example/admin#/inbox\n\
             - unmatched 1.\n- paid 0.\n- paid 2.\n- paid 3.\n- …"
        );
        assert_eq!(
            told(&[ChainDown, ChainDown]),
            "2 messages in one: 2 messages about chains. See https://pay.shop.example/admin\n- chain_down 0.\n- chain_down 1."
        );
    }
}
