//! Logins at clouds on behalf of an object: as the controller, or as a ServiceAccount of the object's namespace.

use flux_api::meta::FluxObject;
use flux_auth::{CloudError, CloudLogin, Secret, ServiceAccount, Token, cache_key};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount as ServiceAccountObject;
use kube::Api;
use kube::api::PostParams;

use crate::client::ApiError;
use crate::tokens::{TokenUse, Tokens};
use crate::{ObjectKey, Run};

/// As whom a login is made. ServiceAccounts are of the object's namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginAs<'a> {
    /// As the controller itself.
    Controller,
    /// As the ServiceAccount that the object names.
    ServiceAccount(&'a str),
    /// As the ServiceAccount that a flag names for objects that name none.
    DefaultServiceAccount(&'a str),
}

impl<'a> LoginAs<'a> {
    /// The one that the object names, else that of the flag, else the controller.
    pub fn of(named: Option<&'a str>, default: &'a str) -> Self {
        match named.filter(|name| !name.is_empty()) {
            Some(name) => Self::ServiceAccount(name),
            None if default.is_empty() => Self::Controller,
            None => Self::DefaultServiceAccount(default),
        }
    }
}

/// A token with the key under which it is kept, which two identities never share.
#[derive(Clone, Debug)]
pub struct CloudToken<T> {
    /// The token.
    pub token: T,
    /// Names the identity and all else that the token depends on; no secret.
    pub key: String,
}

/// Why a login failed.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// There is no such ServiceAccount.
    #[error("ServiceAccount/{account} not found")]
    NotFound {
        /// Which.
        account: ObjectKey,
    },
    /// The namespace lacks the ServiceAccount of the flag.
    #[error(
        "ServiceAccount/{account} not found, which this cluster uses for objects that name none: create it, or name \
         another one in the object"
    )]
    NoDefault {
        /// Which.
        account: ObjectKey,
    },
    /// The API server did not give the ServiceAccount.
    #[error("failed to get ServiceAccount/{account}")]
    Read {
        /// Which.
        account: ObjectKey,
        /// Why.
        #[source]
        source: ApiError,
    },
    /// The API server issued no token for the ServiceAccount.
    #[error("failed to create a token for ServiceAccount/{account}")]
    KubernetesToken {
        /// Which.
        account: ObjectKey,
        /// Why.
        #[source]
        source: ApiError,
    },
    /// The API server's answer holds none.
    #[error("the API server created no token for ServiceAccount/{account}")]
    NoKubernetesToken {
        /// Which.
        account: ObjectKey,
    },
    /// The ServiceAccount names no identity, or no cloud is near that would tell it.
    #[error(transparent)]
    Identity(CloudError),
    /// The cloud refused the ServiceAccount.
    #[error("failed to log in as ServiceAccount/{account}")]
    ServiceAccount {
        /// Which.
        account: ObjectKey,
        /// Why.
        #[source]
        source: CloudError,
    },
    /// The cloud refused the controller.
    #[error("failed to log in as the controller")]
    Controller(#[source] CloudError),
}

impl<K: FluxObject> Run<K> {
    /// A token of `login`, from `tokens` or new, whose secrets are masked from here on. Waits without a permit.
    pub async fn cloud_token<L: CloudLogin>(
        &self,
        login: &L,
        login_as: LoginAs<'_>,
        tokens: &Tokens,
        usage: TokenUse,
    ) -> Result<CloudToken<L::Token>, LoginError> {
        // On the heap: the futures of requests are large.
        let issue = Box::pin(self.log_in(login, login_as, tokens, usage));
        let issued = self.wait_uninterrupted(issue).await?;
        issued.token.secrets().into_iter().for_each(|secret| self.mask(secret.as_bytes()));
        Ok(issued)
    }

    async fn log_in<L: CloudLogin>(
        &self,
        login: &L,
        login_as: LoginAs<'_>,
        tokens: &Tokens,
        usage: TokenUse,
    ) -> Result<CloudToken<L::Token>, LoginError> {
        let (object, now) = (ObjectKey::of(&*self.object), self.now());
        let key = ObjectKey::new(
            &object.namespace,
            match login_as {
                LoginAs::Controller => {
                    let key = cache_key(login, None).map_err(LoginError::Identity)?;
                    let issue = login.controller_token(now);
                    let token = tokens.get_or_issue(&key, (&object, usage), now, issue).await;
                    return Ok(CloudToken { token: token.map_err(LoginError::Controller)?, key });
                }
                LoginAs::ServiceAccount(name) | LoginAs::DefaultServiceAccount(name) => name,
            },
        );
        let account = self.service_account(&key, login_as).await?;
        let audience = login.audience(&account).await.map_err(LoginError::Identity)?;
        let cached = cache_key(login, Some((&account, &audience))).map_err(LoginError::Identity)?;
        let issue = async {
            let token = self.service_account_token(&key, audience).await?;
            self.mask(token.expose().as_bytes());
            let issued = login.account_token(&account, &token, now).await;
            issued.map_err(|source| LoginError::ServiceAccount { account: key.clone(), source })
        };
        let token = tokens.get_or_issue(&cached, (&object, usage), now, issue).await?;
        Ok(CloudToken { token, key: cached })
    }

    async fn service_account(&self, key: &ObjectKey, login_as: LoginAs<'_>) -> Result<ServiceAccount, LoginError> {
        let api: Api<ServiceAccountObject> = Api::namespaced(self.client.clone(), &key.namespace);
        let read = api.get_metadata_opt(&key.name).await;
        let found = read.map_err(|err| LoginError::Read { account: key.clone(), source: err.into() })?;
        let object = found.ok_or_else(|| match login_as {
            LoginAs::DefaultServiceAccount(_) => LoginError::NoDefault { account: key.clone() },
            LoginAs::ServiceAccount(_) | LoginAs::Controller => LoginError::NotFound { account: key.clone() },
        })?;
        let annotations = object.metadata.annotations.unwrap_or_default();
        Ok(ServiceAccount { namespace: key.namespace.clone(), name: key.name.clone(), annotations })
    }

    async fn service_account_token(&self, key: &ObjectKey, audience: String) -> Result<Secret, LoginError> {
        let api: Api<ServiceAccountObject> = Api::namespaced(self.client.clone(), &key.namespace);
        let spec = TokenRequestSpec { audiences: Some(vec![audience]), ..TokenRequestSpec::default() };
        let request = TokenRequest { spec: Some(spec), ..TokenRequest::default() };
        let created = api.create_token_request(&key.name, &PostParams::default(), &request).await;
        let created =
            created.map_err(|err| LoginError::KubernetesToken { account: key.clone(), source: err.into() })?;
        let token = created.status.and_then(|status| status.token).filter(|token| !token.is_empty());
        token.map(Secret::new).ok_or_else(|| LoginError::NoKubernetesToken { account: key.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_objects_own_account_comes_before_the_flags() {
        assert_eq!(LoginAs::of(Some("own"), "default"), LoginAs::ServiceAccount("own"));
        assert_eq!(LoginAs::of(None, "default"), LoginAs::DefaultServiceAccount("default"));
        assert_eq!(LoginAs::of(Some(""), ""), LoginAs::Controller);
    }
}
