//! Compression. Gzip only: every browser reads it, and what brotli would save on so few files is not worth its size.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::{LazyLock, Mutex, PoisonError};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use poem::Request;
use poem::http::header;

/// Below this many bytes the headers weigh more than what is saved.
const WORTH_IT: usize = 512;
/// More files than there are: a shop's own files can change again and again.
const KEPT: usize = 512;

/// How a body travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    Identity,
    Gzip,
}

/// The encoding for a text of some length, by what the client accepts.
pub fn choose(request: &Request, length: usize) -> Encoding {
    let accepted = request.headers().get_all(header::ACCEPT_ENCODING).iter();
    let accepts = accepted
        .filter_map(|value| value.to_str().ok())
        .any(accepts_gzip);
    match accepts && length >= WORTH_IT {
        true => Encoding::Gzip,
        false => Encoding::Identity,
    }
}

fn accepts_gzip(header: &str) -> bool {
    let mut any = false;
    for item in header.split(',') {
        let (coding, weight) = item.split_once(';').unwrap_or((item, ""));
        let refused = weight
            .trim()
            .strip_prefix("q=")
            .is_some_and(|q| q.parse().is_ok_and(|q: f32| q <= 0.0));
        match coding.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => return !refused,
            "*" => any = !refused,
            _ => {}
        }
    }
    any
}

/// Compresses well: for what is kept.
pub fn gzip_once(hash: [u8; 32], content: &[u8]) -> Bytes {
    static KNOWN: LazyLock<Mutex<HashMap<[u8; 32], Bytes>>> = LazyLock::new(Mutex::default);
    // Each entry is written whole: a panic elsewhere cannot have left one half written.
    let lock = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = lock().get(&hash) {
        return known.clone();
    }
    let compressed: Bytes = compress(content, Compression::best()).into();
    let mut known = lock();
    if known.len() >= KEPT {
        known.clear();
    }
    known.insert(hash, compressed.clone());
    compressed
}

/// Compresses quickly: for what is sent once.
pub fn gzip(content: &[u8]) -> Vec<u8> {
    compress(content, Compression::default())
}

/// What was compressed by us: nothing, if it is broken.
pub fn gunzip(gzipped: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match GzDecoder::new(gzipped).read_to_end(&mut plain) {
        Ok(_) => plain,
        Err(_) => Vec::new(),
    }
}

fn compress(content: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(content.len() / 2), level);
    // Writing to memory cannot fail.
    let written = encoder.write_all(content).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_takes_gzip_gets_it() {
        for (accept, length, expected) in [
            ("gzip, deflate, br", 1000, Encoding::Gzip),
            ("br;q=1.0, GZIP;q=0.5", 1000, Encoding::Gzip),
            ("*", 1000, Encoding::Gzip),
            ("gzip", 100, Encoding::Identity),
            ("gzip;q=0, *", 1000, Encoding::Identity),
            ("br, *;q=0.0", 1000, Encoding::Identity),
            ("identity", 1000, Encoding::Identity),
            ("", 1000, Encoding::Identity),
        ] {
            let request = Request::builder()
                .header(header::ACCEPT_ENCODING, accept)
                .finish();
            assert_eq!(choose(&request, length), expected, "{accept}");
        }
    }
}
