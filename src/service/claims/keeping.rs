//! What the merchant is to know of what a shopper named.

use super::{Case, ClaimError, Examined, Found};
use crate::domain::address::Family::{Evm, Tron};
use crate::domain::claim::Finding;
use crate::store::claims::{self, NewClaim};
use crate::store::{StoreError, Tx};

impl Case<'_> {
    /// Keeps what the merchant should know, and also what is not found yet: few but its sender name a transaction before it is in a
    /// block, which is told to the merchant and proves nothing.
    pub(super) async fn report(&self, found: Found) -> Result<Examined, ClaimError> {
        let finding = found.told.finding;
        let reported = found.concerns_us && !matches!(finding, Finding::Paid | Finding::Confirming);
        let claim = NewClaim {
            txn_hash: found.txn_hash,
            blockchain: found.told.blockchain.clone(),
            finding,
            transfer: found.transfer,
        };
        let is_new = reported || finding == Finding::NotFound;
        let stored = finding != Finding::Unclear && self.keep(claim, is_new).await?;
        Ok(Examined {
            reported: reported && stored,
            ..found.told
        })
    }

    /// Brings the order's claim up to date, or makes one if `is_new` allows; whether there is one now.
    async fn keep(&self, claim: NewClaim, is_new: bool) -> Result<bool, StoreError> {
        let forms = [Evm, Tron].map(|family| self.hash.on(family));
        let row = self.order.row;
        let before = self.app.db().read(|c| {
            let [evm, tron] = &forms;
            claims::find(c, row, [evm, tron])
        })?;
        match before {
            // What is known of a transaction is not unlearned because no chain has it at the moment.
            Some(before) if before.about == claim || claim.finding == Finding::NotFound => Ok(true),
            Some(before) => {
                let update =
                    move |tx: &mut Tx<'_>| claims::update(tx, row, &before.about.txn_hash, &claim);
                self.app.db().write(update).await?;
                Ok(true)
            }
            None if is_new => {
                let before_public = claim.finding == Finding::NotFound;
                let insert = move |tx: &mut Tx<'_>| claims::insert(tx, row, &claim, before_public);
                self.app.db().write(insert).await
            }
            None => Ok(false),
        }
    }
}
