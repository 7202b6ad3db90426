//! One file on its way to a browser: its type, its versions, and whether the browser has it already.

use std::borrow::Cow;

use bytes::Bytes;
use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::{Body, Request, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};

use super::encoding::{self, Encoding};

/// A file, ready to be served.
pub struct Asset {
    content_type: &'static str,
    content: Content,
    hash: [u8; 32],
}

enum Content {
    Plain(Bytes),
    Gzipped(Bytes),
}

impl Asset {
    /// An embedded file.
    pub fn of<E: RustEmbed>(name: &str) -> Option<Self> {
        Self::embedded::<E>(name, Content::Plain)
    }

    /// A file that was embedded compressed.
    pub fn of_compressed<E: RustEmbed>(name: &str) -> Option<Self> {
        Self::embedded::<E>(name, Content::Gzipped)
    }

    fn embedded<E: RustEmbed>(name: &str, content: fn(Bytes) -> Content) -> Option<Self> {
        let EmbeddedFile { data, metadata, .. } = E::get(name)?;
        Some(Self {
            content_type: content_type(name),
            content: content(match data {
                Cow::Borrowed(bytes) => bytes.into(),
                Cow::Owned(bytes) => bytes.into(),
            }),
            hash: metadata.sha256_hash(),
        })
    }

    /// A file of that name with any content.
    pub fn new(name: &str, content: Vec<u8>) -> Self {
        Self {
            content_type: content_type(name),
            hash: Sha256::digest(&content).into(),
            content: Content::Plain(content.into()),
        }
    }

    /// As it is without compression.
    pub fn content(&self) -> Bytes {
        match &self.content {
            Content::Plain(plain) => plain.clone(),
            Content::Gzipped(gzipped) => encoding::gunzip(gzipped).into(),
        }
    }

    /// Answers with the file, which stays the same: a compressed version is kept for the next time.
    pub fn answer(self, request: &Request) -> Response {
        let encoding = self.encoding(request);
        self.send(request, encoding, encoding::gzip_once)
    }

    /// Answers with what was made for this request only.
    pub fn answer_once(self, request: &Request) -> Response {
        let encoding = self.encoding(request);
        self.send(request, encoding, |_, plain| encoding::gzip(plain).into())
    }

    fn encoding(&self, request: &Request) -> Encoding {
        let length = match &self.content {
            Content::Plain(content) | Content::Gzipped(content) => content.len(),
        };
        match is_text(self.content_type) {
            true => encoding::choose(request, length),
            false => Encoding::Identity,
        }
    }

    fn send(
        self,
        request: &Request,
        encoding: Encoding,
        gzip: impl FnOnce([u8; 32], &[u8]) -> Bytes,
    ) -> Response {
        let mut response = Response::builder()
            .header(header::ETAG, self.etag(encoding))
            // Kept by browsers, but asked about each time: an upgraded server is seen at once.
            .header(header::CACHE_CONTROL, "no-cache");
        if is_text(self.content_type) {
            response = response.header(header::VARY, "Accept-Encoding");
        }
        if self.is_known(request) {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
        let body = match encoding {
            Encoding::Identity => self.content(),
            Encoding::Gzip => {
                response = response.header(header::CONTENT_ENCODING, "gzip");
                match &self.content {
                    Content::Plain(plain) => gzip(self.hash, plain),
                    Content::Gzipped(gzipped) => gzipped.clone(),
                }
            }
        };
        let mut response = response.content_type(self.content_type).finish();
        if request.method() == Method::HEAD {
            let length = HeaderValue::from(body.len());
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, length);
        } else {
            response.set_body(Body::from(body));
        }
        response
    }

    /// Each encoding is a version of its own.
    fn etag(&self, encoding: Encoding) -> String {
        let hash = hex::encode(&self.hash[..16]);
        match encoding {
            Encoding::Identity => format!("\"{hash}\""),
            Encoding::Gzip => format!("\"{hash}-gz\""),
        }
    }

    /// Whether the client already has the content, however it was encoded. `W/` is what a compressing proxy makes of an ETag.
    fn is_known(&self, request: &Request) -> bool {
        let versions = [Encoding::Identity, Encoding::Gzip].map(|encoding| self.etag(encoding));
        let asked = request.headers().get_all(header::IF_NONE_MATCH).iter();
        asked
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|known| known.trim().trim_start_matches("W/"))
            .any(|known| known == "*" || versions.iter().any(|version| version == known))
    }
}

fn content_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        Some("avif") => "image/avif",
        Some("gif") => "image/gif",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        _ => "text/plain; charset=utf-8",
    }
}

/// Whether compressing is worth the while: images and fonts are compressed by themselves.
fn is_text(content_type: &str) -> bool {
    content_type.starts_with("text/")
        || content_type == "application/json"
        || content_type == "image/svg+xml"
}
