//! The error answers that all of the Admin API has, beside an endpoint's own.

/// Declares an endpoint's error answers, as `error_answers!` does, with those of authentication.
macro_rules! admin_answers {
    ($name:ident { $($(#[$doc:meta])* $variant:ident = $status:literal,)* }) => {
        #[derive(poem_openapi::ApiResponse)]
        pub enum $name {
            $($(#[$doc])* #[oai(status = $status)] $variant(poem_openapi::payload::PlainText<String>),)*
            /// "missing Ocrch-Admin-Authorization header" or "invalid admin secret".
            #[oai(status = 401)]
            Unauthorized(poem_openapi::payload::PlainText<String>),
            /// "too many wrong admin secrets, try again later": this one was wrong, too. Or "too many admin secrets wait to be
            /// checked, try again later": it was not looked at. A right secret that was right before is never answered so; one
            /// that the server has not seen since its start waits for its turn, and only behind more unchecked ones of the same
            /// client than it may have connections is it turned away.
            #[oai(status = 429)]
            TooMany(
                poem_openapi::payload::PlainText<String>,
                /// Seconds.
                #[oai(header = "Retry-After")]
                u32,
            ),
            /// "internal server error": something failed on our side; the log has it, and trying again is safe.
            #[oai(status = 500)]
            Internal(poem_openapi::payload::PlainText<String>),
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
                    401 => Self::Unauthorized(text),
                    429 => Self::TooMany(text, failure.retry_after.unwrap_or(1)),
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

admin_answers!(ListErrors {
    /// "invalid authorization header", or what is wrong with a filter: "invalid status: …", "invalid cursor" and so on.
    BadRequest = 400,
});

admin_answers!(DeedErrors {
    /// "invalid authorization header" or "invalid JSON body: …".
    BadRequest = 400,
    /// "resource not found".
    NotFound = 404,
    /// Why it cannot be done as things are.
    Conflict = 409,
    /// "request body too large": over 64 KiB.
    TooLarge = 413,
});

admin_answers!(FindErrors {
    /// "invalid authorization header".
    BadRequest = 400,
    /// "resource not found".
    NotFound = 404,
});
