//! AWS' Signature Version 4 as a server computes it, from nothing but the request and the key that it knows.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::server::Received;

fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Whether `request`, which has no query, is signed at `time` by the key for the region and service, the named headers
/// included.
pub(crate) fn is_signed(request: &Received, key: (&str, &str), time: &str, scope: &str, must_sign: &[&str]) -> bool {
    let (id, secret) = key;
    let authorization = request.header("authorization");
    let Some(fields) = authorization.strip_prefix("AWS4-HMAC-SHA256 ") else { return false };
    let field = |name: &str| {
        let mut pairs = fields.split(", ").filter_map(|field| field.split_once('='));
        pairs.find(|(found, _)| *found == name).map(|(_, value)| value).unwrap_or_default()
    };
    let signed: Vec<&str> = field("SignedHeaders").split(';').collect();
    let headers: Vec<String> = signed.iter().map(|name| format!("{name}:{}", request.header(name).trim())).collect();
    let headers = headers.join("\n");
    let hash = hex::encode(Sha256::digest(&request.body));
    let canonical = format!("{}\n{}\n\n{headers}\n\n{}\n{hash}", request.method, request.path, signed.join(";"));
    let date = &time[..8];
    let text =
        format!("AWS4-HMAC-SHA256\n{time}\n{date}/{scope}/aws4_request\n{}", hex::encode(Sha256::digest(canonical)));
    let mut signing_key = keyed(format!("AWS4{secret}").as_bytes(), date);
    for part in scope.split('/').chain(["aws4_request"]) {
        signing_key = keyed(&signing_key, part);
    }
    request.header("x-amz-date") == time
        && field("Credential") == format!("{id}/{date}/{scope}/aws4_request")
        && must_sign.iter().all(|name| signed.contains(name))
        && field("Signature") == hex::encode(keyed(&signing_key, &text))
}
