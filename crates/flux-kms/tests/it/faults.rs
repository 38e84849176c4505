//! Services in trouble: the same for all, shown with Vault, whose address is the document's.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::IntoResponse;
use flux_http::{ClientOptions, RetryPolicy};
use flux_kms::{KeyError, ServiceOptions, VaultOptions, VaultTransit, VaultTransitKey};
use serde_json::{Value, json};
use url::Url;

use crate::identity::{Known, now};
use crate::server::{Server, client, json, message, serve, service, text};

async fn decrypt(url: &Url, service: ServiceOptions) -> Result<zeroize::Zeroizing<Vec<u8>>, KeyError> {
    let key = VaultTransitKey { address: url.to_string(), engine_path: "transit".to_owned(), name: "app".to_owned() };
    let client = VaultTransit::new(VaultOptions { service, ..VaultOptions::default() }).unwrap();
    client.decrypt(&key, "vault:v1:AAAA", &Known::token("s.token"), now()).await
}

#[tokio::test]
async fn passing_troubles_are_outwaited() {
    for status in [412, 429, 500, 502, 503] {
        let asked = AtomicUsize::new(0);
        let server = Server::start(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => json(status, &json!({"errors": ["Vault is sealed"]})),
            _ => json(200, &json!({"data": {"plaintext": "a2V5"}})),
        })
        .await;
        assert_eq!(*decrypt(&server.url, service()).await.unwrap(), b"key", "{status}");
        assert_eq!(server.received().len(), 3);
    }
}

#[tokio::test]
async fn troubles_that_stay_are_told_from_refusals() {
    for (status, transient, requests) in
        [(429, true, 3), (500, true, 3), (403, false, 1), (400, false, 1), (501, false, 1)]
    {
        let server = Server::start(move |_| json(status, &Value::Null)).await;
        let err = decrypt(&server.url, service()).await.unwrap_err();
        assert_eq!((err.is_transient(), server.received().len()), (transient, requests), "{status}");
    }
}

#[tokio::test]
async fn a_wait_that_the_service_asks_for_is_bounded() {
    let server = Server::start(|_| ([("retry-after", "86400")], json(429, &Value::Null)).into_response()).await;
    assert!(decrypt(&server.url, service()).await.unwrap_err().is_transient());
    assert_eq!(server.received().len(), 3);
}

#[tokio::test]
async fn a_service_that_hangs_is_given_up() {
    let url = serve(Router::new().fallback(|| async { std::future::pending::<()>().await })).await;
    let hurried = ServiceOptions {
        client: ClientOptions { total_timeout: Some(Duration::from_millis(50)), ..client() },
        retry: RetryPolicy { retries: 0, ..service().retry },
    };
    let err = decrypt(&url, hurried).await.unwrap_err();
    assert!(err.is_transient() && message(&err).contains("failed to reach"), "{}", message(&err));
}

#[tokio::test]
async fn a_service_that_is_not_there_is_passing() {
    let url = Url::parse("http://127.0.0.1:1").unwrap();
    let err = decrypt(&url, service()).await.unwrap_err();
    assert!(err.is_transient());
    assert!(!message(&err).contains("s.token"));
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let endless = || async {
        let zeros = Bytes::from_static(&[b'0'; 4096]);
        Body::from_stream(futures::stream::repeat_with(move || Ok::<_, std::io::Error>(zeros.clone())))
    };
    let url = serve(Router::new().fallback(endless)).await;
    let err = decrypt(&url, service()).await.unwrap_err();
    assert!(!err.is_transient());
    assert!(message(&err).ends_with("response is larger than 65536 bytes"), "{}", message(&err));
}

#[tokio::test]
async fn an_answer_that_is_none_is_not_shown() {
    for body in ["<html>hidden</html>", r#""hidden""#, r#"{"data": {"plaintext": ["hidden"]}}"#, r#"{"data": null}"#] {
        let server = Server::start(move |_| text(200, body)).await;
        let err = decrypt(&server.url, service()).await.unwrap_err();
        assert!(message(&err).ends_with(": expected data.plaintext"), "{}", message(&err));
        assert!(!message(&err).contains("hidden") && !err.is_transient());
    }
    let server = Server::start(|_| json(200, &json!({"data": {"plaintext": "hidden!"}}))).await;
    let err = decrypt(&server.url, service()).await.unwrap_err();
    assert!(message(&err).ends_with(": data key in the answer is not base64"));
}
