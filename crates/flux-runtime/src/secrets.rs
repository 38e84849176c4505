//! Reading Secrets and ConfigMaps, and holding what must not be shown.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1::{ConfigMap, Secret as SecretObject};
use kube::{Api, Client};
use zeroize::{Zeroize, Zeroizing};

/// The most that one Secret or ConfigMap may hold: the API server's own limit, with room.
const LARGEST: usize = 2 << 20;

/// Keys of Secrets whose values are public; all others are masked.
const PUBLIC_KEYS: [&str; 13] = [
    "username",
    "known_hosts",
    "identity.pub",
    "ca.crt",
    "caFile",
    "tls.crt",
    "certFile",
    "address",
    "githubAppID",
    "githubAppInstallationID",
    "githubAppInstallationOwner",
    "githubAppBaseURL",
    "type",
];

/// A value that has no Debug, no Display and no serialised form, and is wiped when dropped.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes `value` under protection.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value, for the place that needs it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

/// A Secret's type and data.
#[derive(Clone)]
pub struct SecretData {
    /// `namespace/name`, for messages.
    pub key: crate::ObjectKey,
    /// The Secret's `type`.
    pub type_: String,
    data: BTreeMap<String, Secret<Vec<u8>>>,
}

impl fmt::Debug for SecretData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretData").field("key", &self.key).finish_non_exhaustive()
    }
}

impl SecretData {
    /// The bytes under `key`.
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.data.get(key).map(|value| value.expose().as_slice())
    }

    /// The text under `key`; none when it is not UTF-8.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// Keys and values, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.data.iter().map(|(key, value)| (key.as_str(), value.expose().as_slice()))
    }

    /// The values that must not be shown.
    pub(crate) fn masked_values(&self) -> impl Iterator<Item = &[u8]> {
        self.iter().filter(|(key, _)| !PUBLIC_KEYS.contains(key)).map(|(_, value)| value)
    }
}

/// A Secret or ConfigMap that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is none of that name.
    #[error("{kind}/{key} not found")]
    NotFound {
        /// `Secret` or `ConfigMap`.
        kind: &'static str,
        /// Which.
        key: crate::ObjectKey,
    },
    /// The API server did not give it.
    #[error("failed to read {kind}/{key}")]
    Api {
        /// `Secret` or `ConfigMap`.
        kind: &'static str,
        /// Which.
        key: crate::ObjectKey,
        /// Why.
        #[source]
        source: crate::client::ApiError,
    },
    /// It holds more than any API server stores.
    #[error("{kind}/{key} is larger than {LARGEST} bytes")]
    TooLarge {
        /// `Secret` or `ConfigMap`.
        kind: &'static str,
        /// Which.
        key: crate::ObjectKey,
    },
}

impl ReadError {
    /// Whether the object does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}

/// Reads a Secret from the API server.
pub async fn read_secret(client: &Client, namespace: &str, name: &str) -> Result<SecretData, ReadError> {
    let key = crate::ObjectKey::new(namespace, name);
    let api: Api<SecretObject> = Api::namespaced(client.clone(), namespace);
    let object = api.get_opt(name).await.map_err(|err| failed("Secret", &key, err))?;
    let object = object.ok_or_else(|| ReadError::NotFound { kind: "Secret", key: key.clone() })?;
    let data: BTreeMap<_, _> =
        object.data.unwrap_or_default().into_iter().map(|(name, value)| (name, Secret::new(value.0))).collect();
    if data.values().map(|value| value.expose().len()).sum::<usize>() > LARGEST {
        return Err(ReadError::TooLarge { kind: "Secret", key });
    }
    Ok(SecretData { key, type_: object.type_.unwrap_or_default(), data })
}

/// Reads a ConfigMap's `data` from the API server.
pub async fn read_config_map(
    client: &Client,
    namespace: &str,
    name: &str,
) -> Result<BTreeMap<String, String>, ReadError> {
    let key = crate::ObjectKey::new(namespace, name);
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let object = api.get_opt(name).await.map_err(|err| failed("ConfigMap", &key, err))?;
    let data = object.ok_or_else(|| ReadError::NotFound { kind: "ConfigMap", key: key.clone() })?.data;
    let data = data.unwrap_or_default();
    if data.values().map(String::len).sum::<usize>() > LARGEST {
        return Err(ReadError::TooLarge { kind: "ConfigMap", key });
    }
    Ok(data)
}

fn failed(kind: &'static str, key: &crate::ObjectKey, err: kube::Error) -> ReadError {
    ReadError::Api { kind, key: key.clone(), source: err.into() }
}
