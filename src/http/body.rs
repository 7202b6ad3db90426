//! Request bodies: raw bytes first, since a signature covers them; JSON only once they are authenticated.

use std::marker::PhantomData;
use std::time::Duration;

use poem::error::ReadBodyError;
use poem::http::StatusCode;
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::errors::Failure;

/// No request of the API needs more, in bytes.
const LIMIT: usize = 64 * 1024;

/// How long a body may take to arrive.
const TIME: Duration = Duration::from_secs(10);

const TOO_LARGE: Failure = Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "request body too large");
const CUT_OFF: Failure = Failure::new(StatusCode::BAD_REQUEST, "request body ended early");

/// Reads a body of so many bytes at most, as long as one may take to arrive.
pub async fn read(body: poem::Body, limit: usize) -> Result<Vec<u8>, Failure> {
    match timeout(TIME, body.into_bytes_limit(limit)).await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(ReadBodyError::PayloadTooLarge)) => Err(TOO_LARGE),
        Ok(Err(_)) | Err(_) => Err(CUT_OFF),
    }
}

/// A JSON body as it came. Any content type is taken: what counts is the signature and the JSON.
pub struct RawJson<T> {
    bytes: Result<Vec<u8>, Failure>,
    expected: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> RawJson<T> {
    /// The bytes, for verifying.
    pub fn bytes(&self) -> Result<&[u8], Failure> {
        self.bytes.as_deref().map_err(Clone::clone)
    }

    /// The value, once the request is authenticated.
    pub fn parse(&self) -> Result<T, Failure> {
        serde_json::from_slice(self.bytes()?).map_err(|error| {
            Failure::saying(
                StatusCode::BAD_REQUEST,
                format!("invalid JSON body: {error}"),
            )
        })
    }
}

/// A JSON body that may be missing.
pub struct OptionalJson<T>(RawJson<T>);

impl<T: DeserializeOwned> OptionalJson<T> {
    /// The value, once the request is authenticated; `None` for an empty body.
    pub fn parse(&self) -> Result<Option<T>, Failure> {
        match self.0.bytes()?.is_empty() {
            true => Ok(None),
            false => self.0.parse().map(Some),
        }
    }
}

impl<'a, T: Type> ApiExtractor<'a> for OptionalJson<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        RawJson::<T>::request_meta().map(|meta| MetaRequest {
            required: false,
            ..meta
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        RawJson::from_request(request, body, options)
            .await
            .map(Self)
    }
}

impl<'a, T: Type> ApiExtractor<'a> for RawJson<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(MetaRequest {
            description: None,
            content: vec![MetaMediaType {
                content_type: "application/json",
                schema: T::schema_ref(),
            }],
            required: true,
        })
    }

    async fn from_request(
        _: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        Ok(Self {
            bytes: read(body.take()?, LIMIT).await,
            expected: PhantomData,
        })
    }
}
