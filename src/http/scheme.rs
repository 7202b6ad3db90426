//! How requests are signed, for the API document: the handlers verify, since a signature covers the raw body. Only the
//! admin's secret is checked here, too: what else is wrong with a request is told to nobody but the admin.

use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaParamIn, MetaSchemaRef, MetaSecurityScheme, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::admin;

const SERVICE_RECIPE: &str = "`Ocrch-Signature: {ts}.{base64}`, where `ts` is the Unix time in seconds and `base64` is \
HMAC-SHA256 with the merchant secret over `{ts}.{raw request body}`. Sign the exact bytes that you send.\n\n\
```js\nconst ts = Math.floor(Date.now() / 1000);\nconst mac = createHmac('sha256', secret).update(`${ts}.${body}`).digest('base64');\n\
headers['Ocrch-Signature'] = `${ts}.${mac}`;\n```\n\nOr on a command line: `ocrch sign body order.json`.";

const URL_RECIPE: &str = "`Ocrch-Signature: {ts}.{base64}`, where `base64` is HMAC-SHA256 with the merchant secret over \
`{url}.{ts}`, and `url` is the checkout page's URL, sent along in `Ocrch-Signed-Url`. The URL must contain the order's \
id, and its origin must be in `merchant.allowed_origins`. Only your backend can make it; the page just passes it on.\n\n\
```js\nconst mac = createHmac('sha256', secret).update(`${url}.${ts}`).digest('base64');\n```\n\n\
Or on a command line: `ocrch sign url https://shop.example.com/pay?order_id=…`.";

const ADMIN_RECIPE: &str = "The admin's secret itself, as it was before `admin.secret` in the configuration became its \
hash. Use it over https only. Secrets that are not known yet are checked in turn, one at a time; the right one is known from its first use on.";

macro_rules! documented_scheme {
    ($(#[$doc:meta])* $name:ident, $header:expr, $recipe:expr $(, checked by $check:path)?) => {
        $(#[$doc])*
        pub struct $name;

        impl<'a> ApiExtractor<'a> for $name {
            const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
            type ParamType = ();
            type ParamRawType = ();

            fn register(registry: &mut Registry) {
                registry.create_security_scheme(stringify!($name), MetaSecurityScheme {
                    ty: "apiKey",
                    description: Some($recipe),
                    name: Some($header),
                    key_in: Some("header"),
                    scheme: None,
                    bearer_format: None,
                    flows: None,
                    openid_connect_url: None,
                });
            }

            fn security_schemes() -> Vec<&'static str> {
                vec![stringify!($name)]
            }

            async fn from_request(
                _request: &'a Request,
                _: &mut RequestBody,
                _: ExtractParamOptions<()>,
            ) -> poem::Result<Self> {
                $($check(_request).await?;)?
                Ok(Self)
            }
        }
    };
}

documented_scheme!(
    /// A signed body.
    SignedBody,
    "Ocrch-Signature",
    SERVICE_RECIPE
);
documented_scheme!(
    /// A signed URL.
    UrlSignature,
    "Ocrch-Signature",
    URL_RECIPE
);
documented_scheme!(
    /// The admin's secret.
    AdminSecret,
    admin::HEADER,
    ADMIN_RECIPE,
    checked by admin::keep_out
);

/// The `Ocrch-Signed-Url` header, documented as required. That it is missing is found by the check of signatures, in its order.
pub struct SignedUrl;

impl<'a> ApiExtractor<'a> for SignedUrl {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    const PARAM_IS_REQUIRED: bool = true;
    type ParamType = String;
    type ParamRawType = String;

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Header)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(String::schema_ref())
    }

    async fn from_request(
        _: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<String>,
    ) -> poem::Result<Self> {
        Ok(Self)
    }
}
