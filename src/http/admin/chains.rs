//! How the chains are watched.

use poem::Request;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::Admin;
use super::answers::ListErrors;
use crate::http::errors::Failure;
use crate::http::group::Group;
use crate::http::scheme::AdminSecret;
use crate::service::admin::chains::{self, ChainReport};
use crate::service::watching::ProviderReport;

pub struct ChainsApi(pub Admin);

/// A chain that the merchant has a wallet on.
#[derive(Object)]
#[oai(rename = "AdminChain", example)]
pub struct ChainJson {
    pub blockchain: String,
    pub name: String,
    /// Whether it is watched: it has a provider that this version can use.
    pub watched: bool,
    /// The newest block that a provider told of.
    pub head: Option<u64>,
    /// When it was told, in Unix seconds.
    pub head_seen_at: Option<i64>,
    /// The block up to which all its wallets have been read.
    pub scanned_to: Option<u64>,
    /// How many blocks that is behind the head.
    pub lag_blocks: Option<u64>,
    /// Until when everything that was mined has been read; null before the first pass after a start.
    pub read_until: Option<i64>,
    /// Since when it could not be watched; null while it is well.
    pub degraded_since: Option<i64>,
    /// The provider that passes go by.
    pub provider_in_use: Option<String>,
    /// What was wrong with the one that failed last.
    pub last_error: Option<String>,
    /// Of all its providers, in this UTC day.
    pub requests_today: u64,
    /// In order of preference.
    pub providers: Vec<ProviderJson>,
    pub wallets: Vec<WatchedWalletJson>,
}

/// How one provider is doing.
#[derive(Object)]
#[oai(rename = "AdminProvider")]
pub struct ProviderJson {
    /// Kind and host.
    pub label: String,
    pub in_use: bool,
    pub head: Option<u64>,
    pub head_seen_at: Option<i64>,
    /// Whether it is behind another one and left alone therefore.
    pub lagging: bool,
    pub failing_since: Option<i64>,
    pub error: Option<String>,
    pub requests_today: u64,
    pub errors_today: u64,
    /// The requests that its plan allows in a day, where one is known.
    pub daily_limit: Option<u64>,
}

/// How far a wallet has been read.
#[derive(Object)]
#[oai(rename = "WatchedWallet")]
pub struct WatchedWalletJson {
    pub address: String,
    pub scanned_to: Option<u64>,
}

#[OpenApi(prefix_path = "/admin", tag = "Group::Admin")]
impl ChainsApi {
    /// Ask how the chains are watched
    ///
    /// Those on which the merchant has a wallet: how far they have been read, and how their providers are doing.
    #[oai(path = "/chains", method = "get", operation_id = "adminChains")]
    async fn list(
        &self,
        request: &Request,
        _admin: AdminSecret,
    ) -> Result<Json<Vec<ChainJson>>, ListErrors> {
        self.0.enter(request).await?;
        let found = chains::list(&self.0.app).await.map_err(Failure::from)?;
        Ok(Json(found.into_iter().map(ChainJson::from).collect()))
    }
}

fn seconds(ms: i64) -> i64 {
    ms.div_euclid(1000)
}

impl From<ChainReport> for ChainJson {
    fn from(report: ChainReport) -> Self {
        let head = report.head.map(|(number, _)| number);
        let in_use = report.providers.iter().find(|p| p.in_use);
        let failing = report.providers.iter().filter(|p| p.error.is_some());
        let failed_last = failing.max_by_key(|p| p.failing_since_ms);
        let wallets = report.wallets.iter();
        Self {
            blockchain: report.blockchain.to_string(),
            name: report.name,
            watched: report.watched,
            head,
            head_seen_at: report.head.map(|(_, at)| seconds(at)),
            scanned_to: report.scanned_to,
            lag_blocks: head
                .zip(report.scanned_to)
                .map(|(head, to)| head.saturating_sub(to)),
            read_until: report.read_until_ms.map(seconds),
            degraded_since: report.degraded_since,
            provider_in_use: in_use.map(|p| p.label.clone()),
            last_error: failed_last.and_then(|p| p.error.clone()),
            requests_today: report.providers.iter().map(|p| p.requests_today).sum(),
            wallets: wallets
                .map(|(address, scanned_to)| WatchedWalletJson {
                    address: address.to_string(),
                    scanned_to: *scanned_to,
                })
                .collect(),
            providers: report.providers.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<ProviderReport> for ProviderJson {
    fn from(report: ProviderReport) -> Self {
        Self {
            label: report.label,
            in_use: report.in_use,
            head: report.head.map(|(number, _)| number),
            head_seen_at: report.head.map(|(_, at)| seconds(at)),
            lagging: report.lagging,
            failing_since: report.failing_since_ms.map(seconds),
            error: report.error,
            requests_today: report.requests_today,
            errors_today: report.errors_today,
            daily_limit: report.daily_limit,
        }
    }
}
