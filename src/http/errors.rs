//! One table from error to status and text. What is unknown is logged once and shown as "internal server error".

use std::any::Any;
use std::borrow::Cow;

use poem::http::{StatusCode, header};
use poem::{Error, PathPattern, Response};
use poem_openapi::error::ParseParamError;

use crate::domain::signature::SignatureError;
use crate::service::StoreError;
use crate::service::admin::AdminError;
use crate::service::create_order::CreateError;
use crate::service::orders::OrderError;
use crate::service::payments::PaymentError;

/// What a client is told when a request failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    pub status: StatusCode,
    pub text: Cow<'static, str>,
    /// For how many seconds the client should leave us alone, where it asked too often.
    pub retry_after: Option<u32>,
}

impl Failure {
    pub const fn new(status: StatusCode, text: &'static str) -> Self {
        Self {
            status,
            text: Cow::Borrowed(text),
            retry_after: None,
        }
    }

    /// For a client that asked too often, with the seconds for which it should leave us alone.
    pub const fn too_many(text: &'static str, retry_after: u32) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            text: Cow::Borrowed(text),
            retry_after: Some(retry_after),
        }
    }

    /// An error whose own text is the wire's.
    pub fn saying(status: StatusCode, error: impl ToString) -> Self {
        Self {
            status,
            text: Cow::Owned(error.to_string()),
            retry_after: None,
        }
    }
}

impl Failure {
    /// The answer where no endpoint of the API makes one.
    pub fn answer(self) -> Response {
        let mut response = super::text(self.status, self.text);
        if let Some(seconds) = self.retry_after {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

pub const ORDER_NOT_FOUND: Failure = Failure::new(StatusCode::NOT_FOUND, "order not found");
pub const INTERNAL: Failure =
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "internal server error");

/// The database cannot store or be read just now.
const UNAVAILABLE: Failure = Failure::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "temporarily unavailable, try again later",
);

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        if error.is_passing() {
            // The writer tells of its own trouble, once.
            tracing::debug!(%error, "request turned away");
            return UNAVAILABLE;
        }
        tracing::error!(%error, "request failed");
        INTERNAL
    }
}

impl From<SignatureError> for Failure {
    fn from(error: SignatureError) -> Self {
        let status = match error {
            SignatureError::Format | SignatureError::Encoding => StatusCode::BAD_REQUEST,
            SignatureError::Mismatch | SignatureError::Expired => StatusCode::UNAUTHORIZED,
        };
        Self::saying(status, error)
    }
}

impl From<CreateError> for Failure {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Store(error) => error.into(),
            CreateError::KeyReused => Self::saying(StatusCode::CONFLICT, error),
            _ => Self::saying(StatusCode::BAD_REQUEST, error),
        }
    }
}

impl From<OrderError> for Failure {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::Store(error) => error.into(),
            OrderError::NotFound => ORDER_NOT_FOUND,
            OrderError::NotPending | OrderError::PaymentOnItsWay => {
                Self::saying(StatusCode::CONFLICT, error)
            }
        }
    }
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::Store(error) => error.into(),
            AdminError::NotFound => Self::saying(StatusCode::NOT_FOUND, error),
            AdminError::Url(_) | AdminError::Blockchain(_) | AdminError::Token(_) => {
                Self::saying(StatusCode::BAD_REQUEST, error)
            }
            _ => Self::saying(StatusCode::CONFLICT, error),
        }
    }
}

impl From<PaymentError> for Failure {
    fn from(error: PaymentError) -> Self {
        match error {
            PaymentError::Order(error) => error.into(),
            PaymentError::NoSlot => Self::saying(StatusCode::SERVICE_UNAVAILABLE, error),
            _ => Self::saying(StatusCode::BAD_REQUEST, error),
        }
    }
}

/// Answers for what no handler saw: unknown paths, wrong methods, requests that cannot be read.
pub async fn plain_text(error: Error) -> Response {
    let route = error.data::<PathPattern>().cloned();
    let mut response = answer_to(error);
    if let Some(route) = route {
        // For the count by route.
        response.set_data(route);
    }
    response
}

fn answer_to(error: Error) -> Response {
    // What a handler answered is passed on as it is.
    if error.is_from_response() {
        return error.into_response();
    }
    let status = error.status();
    if status.is_server_error() {
        tracing::error!(%error, "request failed");
        return super::text(INTERNAL.status, INTERNAL.text);
    }
    if let Some(error) = error.downcast_ref::<ParseParamError>() {
        return super::text(status, unreadable(error));
    }
    let text = match status {
        StatusCode::NOT_FOUND => "not found".to_owned(),
        StatusCode::METHOD_NOT_ALLOWED => "method not allowed".to_owned(),
        _ => error.to_string(),
    };
    super::text(status, text)
}

/// What is wrong with a parameter, and what would be right. Only the library's reason says which type was wanted.
fn unreadable(error: &ParseParamError) -> String {
    let ParseParamError { name, reason } = error;
    let wanted = |type_name: &str| reason.contains(&format!("\"{type_name}\""));
    if wanted("integer_int64") {
        format!("invalid {name}: expected a whole number")
    } else if wanted("boolean") {
        format!("invalid {name}: expected true or false")
    } else {
        format!("invalid {name}: {reason}")
    }
}

/// A bug: the request is answered all the same.
pub fn on_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    tracing::error!(
        panic = text.as_deref().unwrap_or("unknown"),
        "a handler panicked"
    );
    super::text(INTERNAL.status, INTERNAL.text)
}

/// Declares an endpoint's error answers, so that the API document shows exactly those. Every one of them takes any
/// [`Failure`]; a status that was not declared is a bug and answered as an internal error.
macro_rules! error_answers {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $status:literal,)* }
     $(also unavailable { $(#[$unavailable:meta])* })?) => {
        $(#[$meta])*
        #[derive(poem_openapi::ApiResponse)]
        pub enum $name {
            $($(#[$doc])* #[oai(status = $status)] $variant(poem_openapi::payload::PlainText<String>),)*
            /// "internal server error": something failed on our side; the log has it, and trying again is safe.
            #[oai(status = 500)]
            Internal(poem_openapi::payload::PlainText<String>),
            $($(#[$unavailable])*)?
            /// "temporarily unavailable, try again later": the database cannot be used just now, say because the disk is
            /// full. Nothing was stored.
            #[oai(status = 503)]
            Unavailable(poem_openapi::payload::PlainText<String>),
        }

        impl From<$crate::http::errors::Failure> for $name {
            fn from(failure: $crate::http::errors::Failure) -> Self {
                let text = poem_openapi::payload::PlainText(failure.text.into_owned());
                match failure.status.as_u16() {
                    $($status => Self::$variant(text),)*
                    500 => Self::Internal(text),
                    503 => Self::Unavailable(text),
                    status => {
                        tracing::error!(status, text = text.0, "an endpoint failed in a way it does not document");
                        Self::Internal(poem_openapi::payload::PlainText($crate::http::errors::INTERNAL.text.into_owned()))
                    }
                }
            }
        }
    };
}
pub(super) use error_answers;
