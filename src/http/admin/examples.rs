//! Examples of what the Admin API answers, for the API document.

use poem_openapi::types::Example;

use super::audit::AuditJson;
use super::chains::{ChainJson, ProviderJson, WatchedWalletJson};
use super::feed::{ChangeJson, FeedJson};
use super::likely::{LikelyJson, ReasonJson};
use super::order_detail::{DetailDepositJson, HistoryJson, OrderDetailJson};
use super::stats::{CountsJson, DayJson, NowJson, PaymentsJson, StatsJson};
use super::types::{AdminDepositJson, AdminOrderJson, AdminTransferJson, AdminWalletJson};
use super::webhooks::{AttemptJson, OutcomeJson, WebhookJson};
use crate::http::types::{OptionJson, OrderJson, PaymentJson};

const AT: i64 = 1_795_390_742;

impl Example for AdminOrderJson {
    fn example() -> Self {
        let order = OrderJson::example();
        Self {
            order_id: order.order_id,
            merchant_order_id: order.merchant_order_id,
            amount: order.amount,
            status: order.status,
            created_at: order.created_at,
            webhook_url: "https://shop.example.com/ocrch-webhook".into(),
            webhook_retry_count: 0,
            webhook_success_at: Some(AT),
            webhook_last_tried_at: Some(AT),
            expires_at: order.expires_at,
            description: order.description,
            paid_at: order.paid_at,
            payment: order.payment,
            checkout_url: order.checkout_url,
        }
    }
}

impl Example for AdminDepositJson {
    fn example() -> Self {
        let option = OptionJson::example();
        Self {
            id: 41,
            order_id: OrderJson::example().order_id,
            blockchain: option.blockchain,
            token: option.stablecoin,
            user_address: None,
            wallet_address: option.wallet_address,
            value: "19.9901".into(),
            started_at: AT,
            last_scanned_at: AT,
        }
    }
}

impl Example for AdminTransferJson {
    fn example() -> Self {
        let (payment, order) = (PaymentJson::example(), OrderJson::example());
        let option = OptionJson::example();
        let likely = LikelyJson {
            order_id: order.order_id,
            merchant_order_id: order.merchant_order_id,
            order_status: "expired".into(),
            order_amount: order.amount,
            blockchain: option.blockchain,
            token: option.stablecoin,
            wallet_address: option.wallet_address.clone(),
            value: "19.99".into(),
            reasons: vec![ReasonJson {
                kind: "short_by".into(),
                amount: Some("0.49".into()),
                seconds: None,
                expected: None,
            }],
            why: "0.49 short".into(),
        };
        Self {
            id: 7,
            blockchain: payment.blockchain,
            token: payment.stablecoin,
            from_address: payment.from_address,
            to_address: option.wallet_address,
            txn_hash: payment.txn_hash,
            value: "19.5".into(),
            block_number: payment.block_number,
            block_timestamp: payment.block_timestamp,
            blockchain_confirmed: true,
            created_at: AT,
            status: "no_matched_deposit".into(),
            fulfillment_id: None,
            order_id: None,
            contract_address: "0xdAC17F958D2ee523a2206206994597C13D831ec7".into(),
            confirmations: 12,
            confirmations_required: 12,
            held_back: None,
            explorer_url: payment.explorer_url,
            ignored: false,
            small: false,
            vanished: false,
            tail_dropped: false,
            likely: Some(vec![likely]),
            claims: Some(vec![]),
        }
    }
}

impl Example for AdminWalletJson {
    fn example() -> Self {
        let option = OptionJson::example();
        Self {
            blockchain: option.blockchain,
            address: option.wallet_address,
            enabled_coins: vec!["USDT".into(), "USDC".into()],
        }
    }
}

impl Example for OrderDetailJson {
    fn example() -> Self {
        let option = OptionJson::example();
        Self {
            order: AdminOrderJson::example(),
            expecting_wallet_address: None,
            blockchain: None,
            stablecoin: None,
            success_url: None,
            cancel_url: None,
            deposits: vec![DetailDepositJson {
                id: 41,
                blockchain: option.blockchain,
                token: option.stablecoin,
                wallet_address: option.wallet_address,
                value: "19.99".into(),
                status: "fulfilled".into(),
                started_at: AT - 100,
                closed_at: Some(AT),
            }],
            transfers: vec![],
            webhooks: vec![WebhookJson::example()],
            history: vec![HistoryJson {
                at: AT,
                kind: "order_status_changed".into(),
                status: "paid".into(),
                txn_hash: Some(PaymentJson::example().txn_hash),
            }],
            audit: vec![],
            claims: vec![],
        }
    }
}

impl Example for WebhookJson {
    fn example() -> Self {
        Self {
            id: 12,
            webhook_id: "evt_0193b6a05f0e7c3a9d4e2b1f0a6c8e11".into(),
            event_type: "order_status_changed".into(),
            order_id: Some(OrderJson::example().order_id),
            transfer_id: None,
            url: "https://shop.example.com/ocrch-webhook".into(),
            state: "queued".into(),
            attempts: 1,
            created_at: AT,
            last_tried_at: Some(AT),
            delivered_at: None,
            next_attempt_at: Some(AT + 1),
            body: "{\"event_type\":\"order_status_changed\"}".into(),
            tries: vec![AttemptJson {
                tried_at: AT,
                status: Some(503),
                error: None,
                latency_ms: 31,
                answer: "be right back".into(),
            }],
        }
    }
}

impl Example for OutcomeJson {
    fn example() -> Self {
        Self {
            delivered: true,
            status: Some(200),
            error: None,
            latency_ms: 31,
            answer: "ok".into(),
        }
    }
}

impl Example for AuditJson {
    fn example() -> Self {
        Self {
            id: 3,
            at: AT,
            client: "203.0.113.9".into(),
            action: "mark_paid".into(),
            order_id: Some(OrderJson::example().order_id),
            transfer_id: None,
            reason: Some("paid in cash".into()),
            detail: Some("was expired".into()),
        }
    }
}

impl Example for FeedJson {
    fn example() -> Self {
        Self {
            events: vec![ChangeJson {
                id: 118,
                at: AT,
                event_type: "order_status_changed".into(),
                order: Some(OrderJson::example()),
                transfer_id: None,
            }],
            next: 118,
            missed: false,
        }
    }
}

fn counts() -> CountsJson {
    CountsJson {
        created: 12,
        paid: 9,
        expired: 2,
        cancelled: 0,
        payments: vec![PaymentsJson {
            blockchain: Some("eth".into()),
            token: Some("USDT".into()),
            orders: 9,
            amount: Some("431.5".into()),
        }],
    }
}

impl Example for StatsJson {
    fn example() -> Self {
        Self {
            days: vec![DayJson {
                day: 1_795_305_600,
                counts: counts(),
            }],
            total: counts(),
            now: NowJson {
                pending_orders: 1,
                open_deposits: 1,
                waiting_transfers: 0,
                unmatched_transfers: 1,
                small_transfers: 0,
                failing_webhooks: 0,
            },
        }
    }
}

impl Example for ChainJson {
    fn example() -> Self {
        let label = "rpc ethereum-rpc.example.com".to_owned();
        Self {
            blockchain: "eth".into(),
            name: "Ethereum".into(),
            watched: true,
            head: Some(23_850_126),
            head_seen_at: Some(AT),
            scanned_to: Some(23_850_126),
            lag_blocks: Some(0),
            read_until: Some(AT),
            degraded_since: None,
            provider_in_use: Some(label.clone()),
            last_error: None,
            requests_today: 4_321,
            providers: vec![ProviderJson {
                label,
                in_use: true,
                head: Some(23_850_126),
                head_seen_at: Some(AT),
                lagging: false,
                failing_since: None,
                error: None,
                requests_today: 4_321,
                errors_today: 2,
                daily_limit: None,
            }],
            wallets: vec![WatchedWalletJson {
                address: OptionJson::example().wallet_address,
                scanned_to: Some(23_850_126),
            }],
        }
    }
}
