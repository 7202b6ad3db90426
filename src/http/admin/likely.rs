//! Why a transfer pays nothing, in fields and in words.

use poem_openapi::Object;

use crate::domain::likely::Reason;
use crate::service::admin::Meant;

/// An order that an unmatched transfer may have been meant for.
#[derive(Object)]
#[oai(rename = "LikelyOrder")]
pub struct LikelyJson {
    pub order_id: String,
    pub merchant_order_id: String,
    /// `pending`, `paid`, `expired` or `cancelled`.
    pub order_status: String,
    /// What the order asks for.
    pub order_amount: String,
    pub blockchain: String,
    pub token: String,
    pub wallet_address: String,
    /// What its deposit asks for.
    pub value: String,
    pub reasons: Vec<ReasonJson>,
    /// The reasons in a sentence: "0.5 short, 3 minutes after it expired".
    pub why: String,
}

/// One thing that keeps a transfer from paying a deposit.
#[derive(Object)]
#[oai(rename = "MismatchReason")]
pub struct ReasonJson {
    /// `short_by`, `over_by`, `other_chain`, `other_coin`, `other_wallet`, `wrong_sender`, `early`, `late` or `closed`.
    pub kind: String,
    /// By how much it is short or over.
    #[oai(skip_serializing_if_is_none)]
    pub amount: Option<String>,
    /// By how much it is early or late.
    #[oai(skip_serializing_if_is_none)]
    pub seconds: Option<i64>,
    /// What the deposit asks for: a chain, a coin, a wallet or a sender; of a closed order, its status.
    #[oai(skip_serializing_if_is_none)]
    pub expected: Option<String>,
}

impl LikelyJson {
    pub fn new(meant: Meant, reasons: &[Reason]) -> Self {
        let deposit = meant.candidate.deposit;
        Self {
            order_id: meant.order.to_string(),
            merchant_order_id: meant.merchant_order_id,
            order_status: meant.candidate.order.as_str().to_owned(),
            order_amount: meant.amount,
            blockchain: deposit.blockchain.to_string(),
            token: deposit.coin.to_string(),
            wallet_address: deposit.wallet.to_string(),
            value: deposit.value.to_string(),
            reasons: reasons.iter().map(ReasonJson::from).collect(),
            why: sentence(reasons),
        }
    }
}

impl From<&Reason> for ReasonJson {
    fn from(reason: &Reason) -> Self {
        let (mut amount, mut seconds, mut expected) = (None, None, None);
        let kind = match reason {
            Reason::ShortBy(by) => {
                amount = Some(by.to_string());
                "short_by"
            }
            Reason::OverBy(by) => {
                amount = Some(by.to_string());
                "over_by"
            }
            Reason::OtherChain(chain) => {
                expected = Some(chain.to_string());
                "other_chain"
            }
            Reason::OtherCoin(coin) => {
                expected = Some(coin.to_string());
                "other_coin"
            }
            Reason::OtherWallet(wallet) => {
                expected = Some(wallet.to_string());
                "other_wallet"
            }
            Reason::WrongSender(sender) => {
                expected = Some(sender.to_string());
                "wrong_sender"
            }
            Reason::Early { seconds: by } => {
                seconds = Some(*by);
                "early"
            }
            Reason::Late { seconds: by } => {
                seconds = Some(*by);
                "late"
            }
            Reason::Closed(status) => {
                expected = Some(status.as_str().to_owned());
                "closed"
            }
        };
        Self {
            kind: kind.to_owned(),
            amount,
            seconds,
            expected,
        }
    }
}

fn sentence(reasons: &[Reason]) -> String {
    let words: Vec<String> = reasons.iter().map(in_words).collect();
    match words.is_empty() {
        true => "it fits; it was decided before it could be matched".to_owned(),
        false => words.join(", "),
    }
}

fn in_words(reason: &Reason) -> String {
    match reason {
        Reason::ShortBy(by) => format!("{by} short"),
        Reason::OverBy(by) => format!("{by} too much"),
        Reason::OtherChain(chain) => format!("on another chain than {chain}"),
        Reason::OtherCoin(coin) => format!("in another coin than {coin}"),
        Reason::OtherWallet(wallet) => format!("to another wallet than {wallet}"),
        Reason::WrongSender(sender) => format!("not from {sender}"),
        Reason::Early { seconds: 0 } => "mined before the order asked for it".to_owned(),
        Reason::Early { seconds } => format!("{} before the order asked for it", time(*seconds)),
        Reason::Late { seconds } => format!("{} after it expired", time(*seconds)),
        Reason::Closed(status) => format!("the order is {} already", status.as_str()),
    }
}

/// A length of time as people say it.
fn time(seconds: i64) -> String {
    let (count, unit) = match seconds {
        ..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::amount::Amount;

    #[test]
    fn reasons_read_as_a_sentence() {
        let half = Amount::parse("0.5").unwrap();
        let reasons = [Reason::ShortBy(half), Reason::Late { seconds: 185 }];
        assert_eq!(sentence(&reasons), "0.5 short, 3 minutes after it expired");
        let check = |seconds, expected: &str| assert_eq!(time(seconds), expected);
        check(1, "1 second");
        check(119, "119 seconds");
        check(7_199, "119 minutes");
        check(7_200, "2 hours");
        check(200_000, "2 days");
    }
}
