//! Examples of what travels as JSON, for the API document.

use poem_openapi::types::Example;

use super::claims::{ClaimBody, ExaminedJson, FindingJson};
use super::types::{
    CreateOrderBody, DetailJson, OptionJson, OrderJson, OrderReference, PaymentChoice, PaymentJson,
    StatusJson, TicketJson,
};

impl Example for CreateOrderBody {
    fn example() -> Self {
        Self {
            order_id: "A-1042".into(),
            amount: "19.99".into(),
            webhook_url: "https://shop.example.com/ocrch-webhook".into(),
            expecting_wallet_address: None,
            blockchain: None,
            stablecoin: None,
            description: Some("Two tickets".into()),
            expires_in: None,
            success_url: Some("https://shop.example.com/thanks".into()),
            cancel_url: None,
        }
    }
}

impl Example for OrderReference {
    fn example() -> Self {
        Self {
            order_id: "0193b6a0-5f0e-7c3a-9d4e-2b1f0a6c8e11".into(),
        }
    }
}

impl Example for PaymentChoice {
    fn example() -> Self {
        Self {
            blockchain: "eth".into(),
            stablecoin: "USDT".into(),
        }
    }
}

impl Example for OrderJson {
    fn example() -> Self {
        Self {
            order_id: OrderReference::example().order_id,
            merchant_order_id: "A-1042".into(),
            amount: "19.99".into(),
            status: StatusJson::Paid,
            created_at: 1_795_390_606,
            expires_at: 1_795_392_406,
            description: Some("Two tickets".into()),
            paid_at: Some(1_795_390_742),
            payment: Some(PaymentJson::example()),
            checkout_url: Some(
                "https://pay.example.com/checkout?order_id=0193b6a0-5f0e-7c3a-9d4e-2b1f0a6c8e11&sig=1795390606.q83v".into(),
            ),
            success_url: Some("https://shop.example.com/thanks".into()),
            cancel_url: None,
        }
    }
}

impl Example for PaymentJson {
    fn example() -> Self {
        Self {
            blockchain: "eth".into(),
            stablecoin: "USDT".into(),
            txn_hash: "0x9a3f6c2be1d04857a6f1f0f1c2c9d1e8b7a6958473625140f9e8d7c6b5a49382".into(),
            amount: "19.99".into(),
            from_address: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8".into(),
            block_number: 23_850_114,
            block_timestamp: 1_795_390_595,
            confirmations: 12,
            confirmations_required: 12,
            explorer_url: Some(
                "https://etherscan.io/tx/0x9a3f6c2be1d04857a6f1f0f1c2c9d1e8b7a6958473625140f9e8d7c6b5a49382".into(),
            ),
        }
    }
}

impl Example for OptionJson {
    fn example() -> Self {
        Self {
            blockchain: "eth".into(),
            stablecoin: "USDT".into(),
            wallet_address: "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266".into(),
            degraded: None,
        }
    }
}

impl Example for DetailJson {
    fn example() -> Self {
        Self {
            order_id: OrderReference::example().order_id,
            wallet_address: "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266".into(),
            amount: "19.9901".into(),
            blockchain: "eth".into(),
            stablecoin: "USDT".into(),
            expires_at: 1_795_392_406,
            payment_uri: Some(
                "ethereum:0xdAC17F958D2ee523a2206206994597C13D831ec7@1/transfer\
                 ?address=0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266&uint256=19990100"
                    .into(),
            ),
            contract_address: "0xdAC17F958D2ee523a2206206994597C13D831ec7".into(),
            decimals: 6,
            chain_id: 1,
            confirmations_required: 12,
        }
    }
}

impl Example for TicketJson {
    fn example() -> Self {
        Self {
            ticket: "5f0c…".into(),
            expires_in: 30,
        }
    }
}

impl Example for ClaimBody {
    fn example() -> Self {
        Self {
            txn_hash: PaymentJson::example().txn_hash,
            blockchain: None,
        }
    }
}

impl Example for ExaminedJson {
    fn example() -> Self {
        Self {
            finding: FindingJson::Short,
            blockchain: Some("eth".into()),
            stablecoin: Some("USDT".into()),
            amount: Some("19.5".into()),
            expected: Some("19.99".into()),
            difference: Some("0.49".into()),
            confirmations: Some(14),
            confirmations_required: Some(12),
            explorer_url: PaymentJson::example().explorer_url,
            reported: true,
        }
    }
}
