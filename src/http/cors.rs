//! Browsers on an allowed origin may call the User API.

use poem::http::header::{self, HeaderValue};
use poem::http::{Method, StatusCode};
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response, Result};

use super::auth::origin_is_allowed;
use crate::service::App;

/// Below the prefix of all APIs.
const PREFIX: &str = "/user/";

/// Answers preflights and marks answers to allowed origins. Pages of other origins are refused by their browser: the
/// signature, not this, protects orders.
pub fn cors(api: impl Endpoint + 'static, app: App) -> impl Endpoint {
    api.around(move |api, request| {
        let app = app.clone();
        async move { around(&app, api, request).await }
    })
}

async fn around<E: Endpoint>(
    app: &App,
    api: std::sync::Arc<E>,
    request: Request,
) -> Result<Response> {
    if !request.uri().path().starts_with(PREFIX) {
        return api.call(request).await.map(IntoResponse::into_response);
    }
    let allowed = allowed_origin(app, &request);
    let preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match preflight {
        true => preflight_answer(),
        // Errors need the header too, or a page could not read why it failed.
        false => match api.call(request).await {
            Ok(response) => response.into_response(),
            Err(error) => super::errors::plain_text(error).await,
        },
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("ETag, Retry-After"),
        );
    }
    Ok(response)
}

fn allowed_origin(app: &App, request: &Request) -> Option<HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    let allowed = origin_is_allowed(&app.config(), origin.to_str().ok()?);
    allowed.then(|| origin.clone())
}

fn preflight_answer() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("Ocrch-Signature, Ocrch-Signed-Url, Content-Type, If-None-Match"),
    );
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("600"),
    );
    response
}
