//! The cluster that an object applies to, and the identity that it applies as.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use flux_api::kustomize::v1::{GROUP, Kustomization};
use flux_api::meta::{LocalObjectReference, SecretKeyReference};
use flux_objects::GroupKind;
use flux_runtime::client::impersonate;
use flux_runtime::{Masker, ObjectKey, Run};
use flux_ssa::{Applier, Discovery, Fingerprint, HealthWatcher, Known, LiveObjects, Memory, NetPoll, Options, Pace};
use flux_tasks::Tasks;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use parking_lot::Mutex;
use prometheus::IntCounterVec;
use sha2::{Digest as _, Sha256};

use super::error::ClusterError;

/// Where a kubeconfig lies in its Secret when the object does not say.
const KUBECONFIG_KEYS: [&str; 2] = ["value", "value.yaml"];
/// Other clusters whose connections are kept.
const KEPT: usize = 64;
/// How long another cluster may take to connect, or to answer.
const REMOTE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a token for another cluster lasts.
const TOKEN_SECONDS: i64 = 3600;

/// How other clusters may be reached.
#[derive(Clone, Debug)]
pub struct Policy {
    /// `--insecure-kubeconfig-exec`.
    pub exec: bool,
    /// `--insecure-kubeconfig-tls`.
    pub insecure_tls: bool,
    /// `--default-service-account`; empty for none.
    pub default_service_account: String,
    /// `--default-kubeconfig-service-account`; empty for none.
    pub default_kubeconfig_service_account: String,
    /// Whether objects may name the ServiceAccount of a login.
    pub object_level_identity: bool,
}

/// The clusters that objects apply to.
pub struct Clusters {
    policy: Policy,
    options: Arc<Options>,
    watching: Watching,
    own: Connection,
    others: Mutex<HashMap<Fingerprint, Other>>,
}

/// What the watches for health need, of whatever cluster.
#[derive(Clone)]
pub struct Watching {
    /// Owns the watches.
    pub tasks: Tasks,
    /// Counts the slow reads beside them, by what they found.
    pub net_polls: IntCounterVec,
}

/// What all identities of one cluster share.
#[derive(Clone)]
struct Connection {
    /// Stands for the cluster, and for who is taken to use it there.
    identity: Fingerprint,
    client: Client,
    discovery: Arc<Discovery>,
    health: HealthWatcher,
    live: LiveObjects,
    pace: Arc<Pace>,
}

impl Connection {
    fn new(identity: Fingerprint, client: Client, pace: Pace, watching: &Watching) -> Self {
        let Watching { tasks, net_polls } = watching.clone();
        let discovery = Discovery::watched(&client, &tasks);
        let live = LiveObjects::new(client.clone(), tasks.clone(), &format!("{GROUP}/name"));
        let count = move |found| {
            let found = match found {
                NetPoll::Nothing => "nothing",
                NetPoll::Caught => "caught",
            };
            net_polls.with_label_values(&[found]).inc();
        };
        let health = HealthWatcher::new(client.clone(), Arc::clone(&discovery), tasks, count);
        Self { identity, client, discovery, health, live, pace: Arc::new(pace) }
    }
}

/// A connection that is kept for later runs.
struct Other {
    connection: Connection,
    /// The token that it uses; none where a kubeconfig says how to log in.
    token: Option<Token>,
}

/// A token that was issued for a ServiceAccount.
struct Token {
    /// The ServiceAccount's, as one of the same name that came later is another.
    uid: String,
    /// When the next one is asked for.
    renewed_at: Timestamp,
    /// Masks it.
    masker: Masker,
}

/// One cluster as one object may use it.
#[derive(Clone)]
pub struct Cluster {
    /// Applies and deletes.
    pub applier: Applier,
    /// Waits for health.
    pub health: HealthWatcher,
    /// Kinds that get a stage of their own.
    pub custom_stage_kinds: Vec<GroupKind>,
    /// Stands for the cluster and the identity.
    pub identity: Fingerprint,
    live: LiveObjects,
}

impl Cluster {
    /// The same, asking nothing about objects that are as they were left as far as `known` tells, where they are applied by the
    /// rules that the object has now.
    pub(super) fn remembering(self, object: &Kustomization, known: Option<&Arc<Known>>) -> Self {
        let Some(known) = known else { return self };
        let Some(terms) = terms(self.identity, object) else { return self };
        let memory = Memory { known: Arc::clone(known), live: self.live.clone(), terms };
        Self { applier: self.applier.remembering(memory), ..self }
    }
}

/// Stands for all that decides beside an object itself how it is applied, and whether it is ready then.
fn terms(identity: Fingerprint, object: &Kustomization) -> Option<Fingerprint> {
    let spec = &object.spec;
    let rules = Fingerprint::of_json(&(spec.force, &spec.ignore, &spec.health_check_exprs))?;
    Some(Fingerprint::of([identity.as_bytes(), rules.as_bytes()]))
}

impl Clusters {
    /// The controller's own cluster, and others as `policy` allows.
    pub fn new(own: Client, options: Options, policy: Policy, watching: Watching) -> Self {
        let own = Connection::new(Fingerprint::of([b"own".as_slice()]), own, options.pace(), &watching);
        Self { policy, options: Arc::new(options), watching, own, others: Mutex::default() }
    }

    /// The cluster of `object`, used in the name of its ServiceAccount.
    pub async fn of(&self, object: &Kustomization, run: &Run<Kustomization>) -> Result<Cluster, ClusterError> {
        let connection = self.connection(object, run).await?;
        let account = self.service_account(object);
        let name = account.as_ref().map(ToString::to_string).unwrap_or_default();
        let identity = Fingerprint::of([connection.identity.as_bytes(), name.as_bytes()]);
        let client = match account {
            Some(account) => impersonate(&connection.client, &account.namespace, &account.name),
            None => connection.client.clone(),
        };
        let applier = Applier::new(client, Arc::clone(&connection.discovery), Arc::clone(&self.options));
        let applier = applier.at_pace(Arc::clone(&connection.pace));
        let custom_stage_kinds = self.options.custom_stage_kinds.clone();
        Ok(Cluster { applier, health: connection.health, custom_stage_kinds, identity, live: connection.live })
    }

    /// The ServiceAccount that `object` is applied as, if not as the controller itself.
    pub fn service_account(&self, object: &Kustomization) -> Option<ObjectKey> {
        let default = Some(&self.policy.default_service_account).filter(|name| !name.is_empty());
        let name = object.spec.service_account_name.as_ref().or(default)?;
        Some(ObjectKey { namespace: ObjectKey::of(object).namespace, name: name.clone() })
    }

    async fn connection(&self, object: &Kustomization, run: &Run<Kustomization>) -> Result<Connection, ClusterError> {
        let Some(reference) = &object.spec.kube_config else { return Ok(self.own.clone()) };
        let namespace = ObjectKey::of(object).namespace;
        match (&reference.secret_ref, &reference.config_map_ref) {
            (Some(secret), _) => self.by_secret(&namespace, secret, run).await,
            (None, Some(config_map)) => self.by_config_map(&namespace, config_map, run).await,
            // The API server's validation wants one of them.
            (None, None) => Ok(self.own.clone()),
        }
    }

    async fn by_secret(
        &self,
        namespace: &str,
        reference: &SecretKeyReference,
        run: &Run<Kustomization>,
    ) -> Result<Connection, ClusterError> {
        let key = ObjectKey::new(namespace, reference.name.clone());
        let secret = run.secret(namespace, &reference.name).await.map_err(|err| ClusterError::Read(Box::new(err)))?;
        let keys: Vec<&str> = match &reference.key {
            Some(key) => vec![key.as_str()],
            None => KUBECONFIG_KEYS.to_vec(),
        };
        let Some(text) = keys.iter().find_map(|key| secret.text(key)) else {
            return Err(ClusterError::NoKey { secret: key, keys: quoted(&keys) });
        };
        let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let identity = Fingerprint::of([digest.as_slice()]);
        if let Some(known) = self.others.lock().get(&identity) {
            return Ok(known.connection.clone());
        }
        let invalid = |cause: super::error::Cause| ClusterError::Kubeconfig { secret: key.clone(), cause };
        let mut kubeconfig = Kubeconfig::from_yaml(text).map_err(|err| invalid(err.into()))?;
        sanitise(&mut kubeconfig, &self.policy);
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|err| invalid(err.into()))?;
        self.connect(identity, config, None)
    }

    /// The provider `generic`: a token of a ServiceAccount of this cluster, which the other cluster trusts. It is used with its
    /// connection for the first half of its time.
    async fn by_config_map(
        &self,
        namespace: &str,
        reference: &LocalObjectReference,
        run: &Run<Kustomization>,
    ) -> Result<Connection, ClusterError> {
        let data = run.config_map(namespace, &reference.name).await.map_err(|err| ClusterError::Read(Box::new(err)))?;
        let key = ObjectKey::new(namespace, reference.name.clone());
        let login = Login::read(&data, &self.policy)
            .map_err(|problem| ClusterError::ConfigMap { config_map: key.clone(), problem })?;
        let account = ObjectKey::new(namespace, login.service_account.clone());
        let uid = uid(&run.client, &account).await?;
        // Tokens come and go; who they are issued to stays.
        let identity = login.identity(&account);
        if let Some(Other { connection, token: Some(token) }) = self.others.lock().get(&identity)
            && token.is_good(&uid, run.now())
        {
            run.masker().learn(&token.masker);
            return Ok(connection.clone());
        }
        let (token, expires) = token(&run.client, &account, &login).await?;
        run.mask(token.as_bytes());
        let masker = Masker::new();
        masker.add(token.as_bytes());
        let mut config = Config::new(login.address);
        config.root_cert = login.authority;
        config.auth_info.token = Some(token.into());
        let now = run.now();
        let renewed_at = half_way(now, expires.unwrap_or(now));
        self.connect(identity, config, Some(Token { uid, renewed_at, masker }))
    }

    fn connect(
        &self,
        identity: Fingerprint,
        mut config: Config,
        token: Option<Token>,
    ) -> Result<Connection, ClusterError> {
        config.connect_timeout = Some(REMOTE_TIMEOUT);
        config.write_timeout = Some(REMOTE_TIMEOUT);
        let client = Client::try_from(config).map_err(ClusterError::Client)?;
        let connection = Connection::new(identity, client, self.options.pace(), &self.watching);
        let mut others = self.others.lock();
        if others.len() >= KEPT && !others.contains_key(&identity) {
            // Connections are only kept to save handshakes: any may go, and whoever uses it still holds it.
            let any = others.keys().next().copied();
            any.and_then(|any| others.remove(&any));
        }
        others.insert(identity, Other { connection: connection.clone(), token });
        Ok(connection)
    }
}

impl Token {
    fn is_good(&self, uid: &str, now: Timestamp) -> bool {
        self.uid == uid && now < self.renewed_at
    }
}

/// Half of the time from `now` until `end`.
fn half_way(now: Timestamp, end: Timestamp) -> Timestamp {
    now.checked_add(end.duration_since(now) / 2).unwrap_or(now)
}

/// Removes from a user's kubeconfig what would act or read in the controller's own place: processes, files, and checks that
/// are turned off.
fn sanitise(kubeconfig: &mut Kubeconfig, policy: &Policy) {
    for cluster in kubeconfig.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
        cluster.certificate_authority = None;
        if !policy.insecure_tls {
            cluster.insecure_skip_tls_verify = None;
        }
    }
    for user in kubeconfig.auth_infos.iter_mut().filter_map(|named| named.auth_info.as_mut()) {
        user.token_file = None;
        user.client_certificate = None;
        user.client_key = None;
        user.auth_provider = None;
        if !policy.exec {
            user.exec = None;
        }
    }
}

/// What a ConfigMap says about another cluster.
#[derive(Debug, PartialEq, Eq)]
struct Login {
    address: http::Uri,
    authority: Option<Vec<Vec<u8>>>,
    audiences: Vec<String>,
    service_account: String,
}

impl Login {
    /// Stands for the cluster and for `account` in it.
    fn identity(&self, account: &ObjectKey) -> Fingerprint {
        let (address, account) = (self.address.to_string(), account.to_string());
        let audiences = Fingerprint::of(self.audiences.iter().map(String::as_bytes));
        let authority = Fingerprint::of(self.authority.iter().flatten().map(Vec::as_slice));
        Fingerprint::of([address.as_bytes(), account.as_bytes(), audiences.as_bytes(), authority.as_bytes()])
    }

    /// The error says what is wrong with the ConfigMap.
    fn read(data: &std::collections::BTreeMap<String, String>, policy: &Policy) -> Result<Self, String> {
        let text = |key: &str| data.get(key).map(|text| text.trim()).filter(|text| !text.is_empty());
        match text("provider") {
            Some("generic") => {}
            Some(provider) => {
                return Err(format!("names provider {provider:?}, of which only \"generic\" is supported"));
            }
            None => return Err("has no provider".to_owned()),
        }
        let address = text("address").ok_or("has no address")?;
        let default = Some(policy.default_kubeconfig_service_account.as_str()).filter(|name| !name.is_empty());
        let service_account = text("serviceAccountName").or(default).ok_or("has no serviceAccountName")?;
        if !policy.object_level_identity {
            let gate = crate::features::OBJECT_LEVEL_WORKLOAD_IDENTITY;
            return Err(format!("needs the {gate} feature gate, which is disabled"));
        }
        let audiences: Vec<String> = text("audiences").into_iter().flat_map(str::lines).map(str::to_owned).collect();
        Ok(Self {
            address: address.parse().map_err(|_| format!("has an address that is no URL, {address:?}"))?,
            authority: text("ca.crt").map(authority).transpose()?,
            audiences: if audiences.is_empty() { vec![address.to_owned()] } else { audiences },
            service_account: service_account.to_owned(),
        })
    }
}

/// The certificates of a PEM text, in DER.
fn authority(text: &str) -> Result<Vec<Vec<u8>>, String> {
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject as _;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let certificates = certificates.map_err(|_| "has a ca.crt that is not PEM")?;
    Ok(certificates.into_iter().map(|certificate| certificate.to_vec()).collect())
}

async fn uid(client: &Client, account: &ObjectKey) -> Result<String, ClusterError> {
    let api: Api<ServiceAccount> = Api::namespaced(client.clone(), &account.namespace);
    let found = api.get_metadata(&account.name).await;
    let found = found.map_err(|err| ClusterError::Token { account: account.clone(), cause: err.into() })?;
    Ok(found.metadata.uid.unwrap_or_default())
}

/// A token, and when it expires if that is told.
async fn token(
    client: &Client,
    account: &ObjectKey,
    login: &Login,
) -> Result<(String, Option<Timestamp>), ClusterError> {
    let api: Api<ServiceAccount> = Api::namespaced(client.clone(), &account.namespace);
    let spec = TokenRequestSpec {
        audiences: Some(login.audiences.clone()),
        expiration_seconds: Some(TOKEN_SECONDS),
        ..TokenRequestSpec::default()
    };
    let request = TokenRequest { spec: Some(spec), ..TokenRequest::default() };
    let answer = api.create_token_request(&account.name, &PostParams::default(), &request).await;
    let answer = answer.map_err(|err| ClusterError::Token { account: account.clone(), cause: err.into() })?;
    let status = answer.status.unwrap_or_default();
    let expires = status.expiration_timestamp.map(|time| time.0);
    Ok((status.token.unwrap_or_default(), expires))
}

fn quoted(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("{key:?}")).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn policy(allowed: bool) -> Policy {
        Policy {
            exec: allowed,
            insecure_tls: allowed,
            default_service_account: String::new(),
            default_kubeconfig_service_account: String::new(),
            object_level_identity: allowed,
        }
    }

    #[test]
    fn objects_are_applied_on_other_terms_where_identity_rules_or_health_differ() {
        let of = |identity: &[u8], edit: serde_json::Value| {
            let mut object = serde_json::json!({
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": "app"},
                "spec": {"interval": "10m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "repo"}},
            });
            let spec = object["spec"].as_object_mut().unwrap();
            spec.extend(edit.as_object().unwrap().clone());
            terms(Fingerprint::of([identity]), &serde_json::from_value(object).unwrap()).unwrap()
        };
        let plain = of(b"own", serde_json::json!({}));
        assert_eq!(of(b"own", serde_json::json!({"interval": "5m"})), plain);
        assert_ne!(of(b"other", serde_json::json!({})), plain);
        assert_ne!(of(b"own", serde_json::json!({"force": true})), plain);
        let expressions = serde_json::json!([{"apiVersion": "v1", "kind": "Node", "current": "true"}]);
        assert_ne!(of(b"own", serde_json::json!({"healthCheckExprs": expressions})), plain);
    }

    const HOSTILE: &str = "
clusters:
- name: a
  cluster:
    server: https://example.com
    insecure-skip-tls-verify: true
    certificate-authority: /etc/passwd
users:
- name: b
  user:
    token: kept
    tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token
    client-certificate: /etc/passwd
    client-key: /etc/shadow
    exec: {apiVersion: client.authentication.k8s.io/v1, command: sh}
    auth-provider: {name: gcp, config: {cmd-path: sh}}
";

    fn sanitised(allowed: bool) -> (kube::config::Cluster, kube::config::AuthInfo) {
        let mut kubeconfig = Kubeconfig::from_yaml(HOSTILE).unwrap();
        sanitise(&mut kubeconfig, &policy(allowed));
        (kubeconfig.clusters.remove(0).cluster.unwrap(), kubeconfig.auth_infos.remove(0).auth_info.unwrap())
    }

    #[test]
    fn a_kubeconfig_starts_no_process_reads_no_file_and_checks_certificates() {
        let (cluster, user) = sanitised(false);
        assert!(cluster.insecure_skip_tls_verify.is_none() && cluster.certificate_authority.is_none());
        assert!(user.token_file.is_none() && user.client_certificate.is_none() && user.client_key.is_none());
        assert!(user.exec.is_none() && user.auth_provider.is_none());
        assert!(user.token.is_some());
    }

    #[test]
    fn flags_allow_processes_and_unchecked_certificates_but_no_files() {
        let (cluster, user) = sanitised(true);
        assert!(cluster.insecure_skip_tls_verify.is_some() && cluster.certificate_authority.is_none());
        assert!(user.exec.is_some() && user.token_file.is_none() && user.auth_provider.is_none());
    }

    fn read(entries: &[(&str, &str)], allowed: bool) -> Result<Login, String> {
        let data: BTreeMap<_, _> =
            entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Login::read(&data, &policy(allowed))
    }

    #[test]
    fn a_generic_login_asks_for_a_token_for_the_address() {
        let whole = [("provider", "generic"), ("address", "https://example.com"), ("serviceAccountName", "applier")];
        let login = read(&whole, true).unwrap();
        assert_eq!(
            (login.address.to_string().as_str(), login.service_account.as_str()),
            ("https://example.com/", "applier")
        );
        assert_eq!(login.audiences, ["https://example.com"]);

        let audiences = [whole.as_slice(), &[("audiences", "a\nb\n")]].concat();
        assert_eq!(read(&audiences, true).unwrap().audiences, ["a", "b"]);
        let text = "needs the ObjectLevelWorkloadIdentity feature gate, which is disabled";
        assert_eq!(read(&whole, false).unwrap_err(), text);
    }

    #[test]
    fn a_login_is_told_by_cluster_account_and_audiences() {
        let whole = [("provider", "generic"), ("address", "https://example.com"), ("serviceAccountName", "applier")];
        let of = |more: &[(&str, &str)], account: &str| {
            read(&[whole.as_slice(), more].concat(), true).unwrap().identity(&ObjectKey::new("apps", account))
        };
        let plain = of(&[], "applier");
        assert_eq!(of(&[("audiences", "https://example.com")], "applier"), plain);
        assert_ne!(of(&[("audiences", "a")], "applier"), plain);
        assert_ne!(of(&[("audiences", "a\nb")], "applier"), of(&[("audiences", "ab")], "applier"));
        assert_ne!(of(&[], "other"), plain);
        assert_ne!(of(&[("address", "https://example.org"), ("audiences", "https://example.com")], "applier"), plain);
    }

    #[test]
    fn a_token_is_used_for_half_of_its_time_and_for_its_own_account() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let renewed_at = half_way(at(100), at(3_700));
        let token = Token { uid: "a".to_owned(), renewed_at, masker: Masker::new() };
        assert!(token.is_good("a", at(1_899)) && !token.is_good("a", at(1_900)) && !token.is_good("b", at(100)));
        assert_eq!(half_way(at(100), at(50)), at(75));
    }

    #[test]
    fn what_a_login_lacks_is_named() {
        let check = |entries: &[(&str, &str)], expected: &str| assert_eq!(read(entries, true).unwrap_err(), expected);
        check(&[], "has no provider");
        check(&[("provider", "aws")], "names provider \"aws\", of which only \"generic\" is supported");
        check(&[("provider", "generic")], "has no address");
        check(&[("provider", "generic"), ("address", "https://example.com")], "has no serviceAccountName");
    }
}
