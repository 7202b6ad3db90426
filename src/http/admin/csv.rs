//! Exports for spreadsheets, made as they are read: a million rows take no more memory than a hundred.

use std::io;

use futures_util::stream;
use poem::{Body, Request};
use poem_openapi::param::Query;
use poem_openapi::payload::Binary;
use poem_openapi::{ApiResponse, OpenApi};

use super::Admin;
use super::answers::ListErrors;
use super::filters::{OrderQuery, TransferQuery};
use super::lists::between;
use crate::http::group::Group;
use crate::http::scheme::AdminSecret;
use crate::service::App;
use crate::service::admin::{self, ListedOrder, ListedTransfer, Page};

/// Rows read at a time.
const CHUNK: u32 = 500;

const ORDER_COLUMNS: [&str; 16] = [
    "order_id",
    "merchant_order_id",
    "amount",
    "status",
    "created_at",
    "expires_at",
    "paid_at",
    "description",
    "payment_blockchain",
    "payment_token",
    "payment_amount",
    "payment_from_address",
    "payment_txn_hash",
    "webhook_url",
    "webhook_retry_count",
    "webhook_success_at",
];

const TRANSFER_COLUMNS: [&str; 16] = [
    "id",
    "status",
    "ignored",
    "order_id",
    "blockchain",
    "token",
    "value",
    "from_address",
    "to_address",
    "txn_hash",
    "contract_address",
    "block_number",
    "block_timestamp",
    "created_at",
    "fulfillment_id",
    "small",
];

pub struct CsvApi(pub Admin);

#[derive(ApiResponse)]
enum Export {
    /// The rows after a line of their names, newest first (RFC 4180). Text that a spreadsheet would take for a formula has an
    /// apostrophe before it, also behind a `;`, at which some begin another cell.
    #[oai(status = 200, content_type = "text/csv")]
    Csv(
        Binary<Body>,
        /// A name for the file.
        #[oai(header = "Content-Disposition")]
        String,
    ),
}

#[OpenApi(prefix_path = "/admin", tag = "Group::Admin")]
impl CsvApi {
    /// Export orders
    ///
    /// All that the filters leave, newest first, as a table for spreadsheets.
    #[oai(path = "/orders.csv", method = "get", operation_id = "adminOrdersCsv")]
    #[expect(
        clippy::too_many_arguments,
        reason = "one for each parameter of the query"
    )]
    async fn orders(
        &self,
        request: &Request,
        _admin: AdminSecret,
        /// `pending`, `paid`, `expired` or `cancelled`.
        status: Query<Option<String>>,
        /// A search, as in the list of orders; what it finds is sorted as there.
        q: Query<Option<String>>,
        /// Exactly this id of the merchant's.
        merchant_order_id: Query<Option<String>>,
        /// Chain of the payment that the order shows.
        blockchain: Query<Option<String>>,
        /// Coin of the payment that the order shows.
        token: Query<Option<String>>,
        /// Created at this Unix second or later.
        from: Query<Option<i64>>,
        /// Created at this Unix second or earlier.
        to: Query<Option<i64>>,
    ) -> Result<Export, ListErrors> {
        self.0.enter(request).await?;
        let query = OrderQuery {
            status: status.as_deref(),
            q: q.as_deref(),
            merchant_order_id: merchant_order_id.as_deref(),
            blockchain: blockchain.as_deref(),
            token: token.as_deref(),
        };
        let filter = query.read(&self.0.app).await?;
        let page = between(Page::first(CHUNK), *from, *to);
        let body = rows(
            &ORDER_COLUMNS,
            page,
            self.0.app.clone(),
            move |app, page| {
                let filter = filter.clone();
                async move {
                    let (orders, last) = admin::orders::list(&app, filter, page).await?;
                    Ok((orders.into_iter().map(order_row).collect(), last))
                }
            },
        );
        Ok(export(body, "orders.csv"))
    }

    /// Export transfers
    ///
    /// All that the filters leave, newest first, as a table for spreadsheets.
    #[oai(
        path = "/transfers.csv",
        method = "get",
        operation_id = "adminTransfersCsv"
    )]
    #[expect(
        clippy::too_many_arguments,
        reason = "one for each parameter of the query"
    )]
    async fn transfers(
        &self,
        request: &Request,
        _admin: AdminSecret,
        /// `waiting_for_confirmation`, `failed_to_confirm`, `waiting_for_match`, `no_matched_deposit` or `matched`.
        status: Query<Option<String>>,
        /// Chain that it is on.
        blockchain: Query<Option<String>>,
        /// Its coin.
        token: Query<Option<String>>,
        /// `true`: only those that wait for a decision: unmatched and not ignored.
        unmatched: Query<Option<bool>>,
        /// Of those that wait for a decision, `true`: only those that were below `payments.report_from` when they were confirmed;
        /// `false`: only the others.
        small: Query<Option<bool>>,
        /// The hash of a transaction.
        q: Query<Option<String>>,
        /// First seen at this Unix second or later.
        from: Query<Option<i64>>,
        /// First seen at this Unix second or earlier.
        to: Query<Option<i64>>,
    ) -> Result<Export, ListErrors> {
        self.0.enter(request).await?;
        let query = TransferQuery {
            status: status.as_deref(),
            blockchain: blockchain.as_deref(),
            token: token.as_deref(),
            unmatched: *unmatched,
            small: *small,
            q: q.as_deref(),
        };
        let filter = query.read(&self.0.app).await?;
        let page = between(Page::first(CHUNK), *from, *to);
        let body = rows(
            &TRANSFER_COLUMNS,
            page,
            self.0.app.clone(),
            move |app, page| {
                let filter = filter.clone();
                async move {
                    let (transfers, last) = admin::transfers::list(&app, filter, page).await?;
                    Ok((transfers.into_iter().map(transfer_row).collect(), last))
                }
            },
        );
        Ok(export(body, "transfers.csv"))
    }
}

fn export(body: Body, name: &str) -> Export {
    let disposition = format!("attachment; filename=\"{name}\"");
    Export::Csv(Binary(body), disposition)
}

/// Rows of texts, with the place of the last one.
type Chunk = (Vec<Vec<String>>, Option<admin::Place>);

/// A body that reads one chunk after the other as fast as the client takes them. No transaction stays open meanwhile.
fn rows<R, F>(columns: &[&str], page: Page, app: App, read: R) -> Body
where
    R: Fn(App, Page) -> F + Send + 'static,
    F: Future<Output = Result<Chunk, crate::service::StoreError>> + Send,
{
    let names = vec![columns.iter().map(|name| (*name).to_owned()).collect()];
    let begin = (Some(page), Some(names), app, read);
    let chunks = stream::unfold(begin, |(page, names, app, read)| async move {
        if let Some(names) = names {
            return Some((lines(&names), (page, None, app, read)));
        }
        let page = page?;
        let chunk = match read(app.clone(), page).await {
            Ok(chunk) => chunk,
            Err(error) => {
                // Too late for a status: the broken connection tells the client that there is more.
                tracing::error!(%error, "an export was cut off");
                return Some((Err(io::Error::other("cut off")), (None, None, app, read)));
            }
        };
        let (rows, last) = chunk;
        let after = last.filter(|_| rows.len() == page.limit as usize);
        let next = after.map(|after| Page {
            after: Some(after),
            ..page
        });
        match rows.is_empty() {
            true => None,
            false => Some((lines(&rows), (next, None, app, read))),
        }
    });
    Body::from_bytes_stream(chunks)
}

fn lines(rows: &[Vec<String>]) -> io::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.iter().map(|text| defused(text)))?;
    }
    writer.into_inner().map_err(|e| e.into_error())
}

/// A text that no spreadsheet takes for a formula: neither where it begins nor behind what begins another cell, since one that
/// splits at `;` finds no quotes at the beginning of its cells and takes no notice of them.
fn defused(text: &str) -> String {
    let mut defused = String::with_capacity(text.len() + 1);
    let mut at_beginning = true;
    for c in text.chars() {
        if at_beginning && begins_a_formula(c) {
            defused.push('\'');
        }
        defused.push(c);
        at_beginning = begins_a_cell(c);
    }
    defused
}

/// East Asian spreadsheets take the wide forms, too.
fn begins_a_formula(c: char) -> bool {
    matches!(
        c,
        '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '\t' | '\r' | '\n'
    )
}

/// Where some spreadsheet, by its country's habits, begins a cell besides at a comma.
fn begins_a_cell(c: char) -> bool {
    matches!(c, ';' | '\t' | '\r' | '\n')
}

fn or_nothing<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn order_row(listed: ListedOrder) -> Vec<String> {
    let order = listed.order;
    let paid_at = order.paid_at();
    let payment = order.payment.as_ref();
    vec![
        order.id.to_string(),
        order.new.merchant_order_id,
        order.new.amount,
        order.status.as_str().to_owned(),
        order.created_at.to_string(),
        order.expires_at.to_string(),
        or_nothing(paid_at),
        or_nothing(order.new.description),
        or_nothing(payment.map(|p| &p.blockchain)),
        or_nothing(payment.map(|p| &p.stablecoin)),
        or_nothing(payment.map(|p| &p.amount)),
        or_nothing(payment.map(|p| &p.from_address)),
        or_nothing(payment.map(|p| &p.txn_hash)),
        order.new.webhook_url.unwrap_or_default(),
        listed.webhook_failures.to_string(),
        or_nothing(listed.webhook_success_at),
    ]
}

fn transfer_row(transfer: ListedTransfer) -> Vec<String> {
    vec![
        transfer.row.to_string(),
        transfer.status.as_str().to_owned(),
        transfer.ignored.to_string(),
        or_nothing(transfer.order_id),
        transfer.blockchain,
        transfer.coin,
        transfer.value,
        transfer.sender,
        transfer.recipient,
        transfer.txn_hash,
        transfer.contract,
        transfer.block_number.to_string(),
        transfer.block_timestamp.to_string(),
        transfer.created_at.to_string(),
        or_nothing(transfer.fulfillment),
        transfer.small.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_formulas_defused() {
        let row = [
            "plain",
            "a,b",
            "say \"hi\"",
            "two\nlines",
            "=1+1",
            "-2",
            "@x",
            "",
        ];
        let row = row.map(str::to_owned).to_vec();
        let text = String::from_utf8(lines(&[row]).unwrap()).unwrap();
        let expected = "plain,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",'=1+1,'-2,'@x,\r\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn no_cell_is_a_formula_where_others_split() {
        for (text, expected) in [
            ("a;b", "a;b"),
            ("a;=1+1", "a;'=1+1"),
            ("a\n@x", "a\n'@x"),
            ("\";-2", "\";'-2"),
            ("\t=1", "'\t'=1"),
            ("＝1+1", "'＝1+1"),
            ("＋1", "'＋1"),
            ("－1", "'－1"),
            ("＠x", "'＠x"),
            ("1-2=3", "1-2=3"),
        ] {
            assert_eq!(defused(text), expected);
        }
    }
}
