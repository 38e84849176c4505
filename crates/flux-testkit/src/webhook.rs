//! An admission webhook that the API server calls by its address.

use std::sync::Arc;

use anyhow::Result;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::background::Background;
use crate::listen::{TlsListener, bind};
use crate::{ClientCertificates, TestAuthority};

/// What a webhook says of each object from now on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Admission {
    /// It may pass.
    #[default]
    Allows,
    /// It may not, for this reason.
    Refuses(String),
    /// Nothing, ever.
    Hangs,
    /// It may pass with this label of the value `set`.
    Labels(String),
}

/// A webhook for the ConfigMaps of one namespace. Dropping it leaves an address that refuses connections.
pub struct AdmissionWebhook {
    url: String,
    authority: String,
    shared: Arc<Shared>,
    _background: Background,
}

#[derive(Default)]
struct Shared {
    admission: Mutex<Admission>,
    calls: Mutex<usize>,
}

impl AdmissionWebhook {
    /// Starts a webhook that lets all pass, on a free port of loopback, with threads of its own.
    pub fn start() -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let router = Router::new().route("/", post(review)).with_state(Arc::clone(&shared));
        let authority = TestAuthority::new()?;
        let (background, handle) = Background::new("admission webhook")?;
        let _entered = handle.enter();
        let listener = bind()?;
        let url = format!("https://{}/", listener.local_addr()?);
        let listener = TlsListener::new(listener, authority.server(ClientCertificates::Unasked)?)?;
        handle.spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, authority: authority.certificate(), shared, _background: background })
    }

    /// Changes what is said from now on.
    pub fn set(&self, admission: Admission) {
        *self.shared.admission.lock() = admission;
    }

    /// How often it was called.
    pub fn calls(&self) -> usize {
        *self.shared.calls.lock()
    }

    /// The MutatingWebhookConfiguration, as YAML, by which the API server calls it for the ConfigMaps of `namespace`, gives it a
    /// second, and lets nothing pass without its answer.
    pub fn configuration(&self, namespace: &str) -> String {
        let client = json!({"url": self.url, "caBundle": STANDARD.encode(&self.authority)});
        let rule = json!({
            "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"],
        });
        let webhook = json!({
            "name": "configs.example.com", "clientConfig": client, "rules": [rule], "failurePolicy": "Fail",
            "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": 1,
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        });
        let configuration = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": format!("configs-{namespace}")}, "webhooks": [webhook],
        });
        configuration.to_string()
    }
}

async fn review(State(shared): State<Arc<Shared>>, Json(review): Json<Value>) -> Json<Value> {
    *shared.calls.lock() += 1;
    let admission = shared.admission.lock().clone();
    let request = &review["request"];
    let mut response = json!({"uid": request["uid"], "allowed": true});
    match admission {
        Admission::Allows => {}
        Admission::Refuses(reason) => {
            response["allowed"] = json!(false);
            response["status"] = json!({"message": reason});
        }
        Admission::Hangs => std::future::pending().await,
        Admission::Labels(label) => {
            let mut labels = request["object"]["metadata"]["labels"].clone();
            if !labels.is_object() {
                labels = json!({});
            }
            labels[label] = json!("set");
            let patch = json!([{"op": "add", "path": "/metadata/labels", "value": labels}]);
            response["patchType"] = json!("JSONPatch");
            response["patch"] = json!(STANDARD.encode(patch.to_string()));
        }
    }
    Json(json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}))
}
