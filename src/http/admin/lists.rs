//! Lists: which part of one a client asks for, and how it is told where to go on.

use poem::Request;
use poem::http::StatusCode;
use poem_openapi::ApiResponse;
use poem_openapi::payload::Json;
use poem_openapi::types;

use crate::http::errors::Failure;
use crate::service::admin::{Page, Place};

/// What a list answers with if the client does not say how much it wants, and at most.
const USUAL: i64 = 20;
const MOST: i64 = 200;
/// Who wants to go further uses cursors.
const DEEPEST: i64 = 100_000;

/// A page of a list.
#[derive(ApiResponse)]
pub enum Listed<T: types::Type + types::ToJSON> {
    /// The rows, newest first. With `Ocrch-Next-Cursor` there may be more: ask again with it as `cursor`, or follow `Link`.
    #[oai(status = 200)]
    Rows(
        Json<Vec<T>>,
        /// Where the next page begins.
        #[oai(header = "Ocrch-Next-Cursor")]
        Option<String>,
        /// The URL of the next page: `<…>; rel="next"`.
        #[oai(header = "Link")]
        Option<String>,
    ),
}

/// The part of a list that was asked for. Limits beyond what is allowed are brought back to it; an offset too deep is an
/// empty page.
pub fn page(
    limit: Option<i64>,
    offset: Option<i64>,
    cursor: Option<&str>,
) -> Result<Page, Failure> {
    let limit = limit.unwrap_or(USUAL).clamp(1, MOST);
    let offset = offset.unwrap_or(0).max(0);
    let limit = if offset > DEEPEST { 0 } else { limit };
    Ok(Page {
        limit: u32::try_from(limit).unwrap_or(0),
        offset: u32::try_from(offset.min(DEEPEST)).unwrap_or(0),
        after: given(cursor).map(place).transpose()?,
        ..Page::first(0)
    })
}

/// The same page of what is from between two Unix seconds, both included.
pub fn between(page: Page, from: Option<i64>, to: Option<i64>) -> Page {
    Page {
        between: (from.unwrap_or(i64::MIN), to.unwrap_or(i64::MAX)),
        ..page
    }
}

/// A parameter that says something: an empty one is none.
pub fn given(parameter: Option<&str>) -> Option<&str> {
    parameter.filter(|text| !text.is_empty())
}

/// A parameter that was typed or copied, without the space that this leaves around it.
pub fn typed(parameter: Option<&str>) -> Option<&str> {
    given(parameter.map(str::trim))
}

/// Answers with a page, and with where the next one begins if this one is full.
pub fn listed<T: types::Type + types::ToJSON>(
    request: &Request,
    page: &Page,
    rows: Vec<T>,
    last: Option<Place>,
) -> Listed<T> {
    let cursor = last.map(|p| format!("{}.{}", p.at, p.row));
    listed_from(request, page, rows, cursor)
}

/// [`listed`] with a cursor of the list's own.
pub fn listed_from<T: types::Type + types::ToJSON>(
    request: &Request,
    page: &Page,
    rows: Vec<T>,
    cursor: Option<String>,
) -> Listed<T> {
    let full = rows.len() == page.limit as usize;
    let cursor = cursor.filter(|_| full);
    let link = cursor.as_deref().map(|cursor| link(request, cursor));
    Listed::Rows(Json(rows), cursor, link)
}

fn place(cursor: &str) -> Result<Place, Failure> {
    let read = |text: &str| {
        let (at, row) = text.split_once('.')?;
        Some(Place {
            at: at.parse().ok()?,
            row: row.parse().ok()?,
        })
    };
    read(cursor).ok_or(Failure::new(StatusCode::BAD_REQUEST, "invalid cursor"))
}

/// The URL of the next page: this one's, with the cursor instead of an offset.
fn link(request: &Request, cursor: &str) -> String {
    let uri = request.original_uri();
    let others = uri.query().unwrap_or("").split('&');
    let others = others.filter(|pair| {
        let name = pair.split('=').next().unwrap_or("");
        !name.is_empty() && name != "cursor" && name != "offset"
    });
    let query: String = others.map(|pair| format!("{pair}&")).collect();
    format!("<{}?{query}cursor={cursor}>; rel=\"next\"", uri.path())
}
