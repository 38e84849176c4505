//! AWS: every source of credentials, and what its server is asked.

use std::path::PathBuf;

use flux_auth::aws::{AwsCredentials, AwsLogin, AwsSettings};
use flux_auth::{CloudError, CloudLogin, Secret, ServiceAccount, Token, cache_key};
use flux_http::{ClientOptions, ProxyAddress, ProxySetting};

use crate::issuer::{Issuer, account, chain, in_an_hour, now};

const ROLE: &str = "eks.amazonaws.com/role-arn";
const ARN: &str = "arn:aws:iam::123456789012:role/flux";
const ASSUMED: &str = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
    <AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>key&amp;</SecretAccessKey><SessionToken>session</SessionToken>\
    <Expiration>2027-01-15T09:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
    </AssumeRoleWithWebIdentityResponse>";
const DOCUMENT: &str = r#"{"Code": "Success", "AccessKeyId": "ASIA", "SecretAccessKey": "key&", "Token": "session",
    "Expiration": "2027-01-15T09:00:00Z"}"#;

fn login(settings: &AwsSettings) -> AwsLogin<'_> {
    AwsLogin { settings, region: Some("eu-west-1"), client: ClientOptions::default() }
}

async fn controller(settings: &AwsSettings) -> Result<AwsCredentials, CloudError> {
    login(settings).controller_token(now()).await
}

async fn exchange(settings: &AwsSettings, account: &ServiceAccount) -> Result<AwsCredentials, CloudError> {
    login(settings).account_token(account, &Secret::new("kubernetes-token"), now()).await
}

fn is_issued(credentials: &AwsCredentials) {
    assert_eq!(credentials.access_key_id(), "ASIA");
    assert_eq!(credentials.secret_access_key().expose(), "key&");
    assert_eq!(credentials.session_token().unwrap().expose(), "session");
    assert_eq!(credentials.expires_at(), in_an_hour());
}

/// A file that holds `text` and lives as long as the directory.
fn file(text: &str) -> (tempfile::TempDir, Option<PathBuf>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    std::fs::write(&path, text).unwrap();
    (directory, Some(path))
}

#[tokio::test]
async fn a_service_account_gets_its_role_for_its_token() {
    let sts = Issuer::start(&[("POST /", 200, ASSUMED)]).await;
    let settings = AwsSettings { sts_endpoint: Some(sts.url.clone()), ..AwsSettings::default() };
    is_issued(&exchange(&settings, &account(&[(ROLE, ARN)])).await.unwrap());
    let form = sts.request().form();
    assert_eq!(form["Action"], "AssumeRoleWithWebIdentity");
    assert_eq!(form["RoleArn"], ARN);
    assert_eq!(form["RoleSessionName"], "flux.apps.eu-west-1.fluxcd.io");
    assert_eq!(form["WebIdentityToken"], "kubernetes-token");
}

#[tokio::test]
async fn a_service_account_without_a_role_is_told_what_it_lacks() {
    let settings = AwsSettings::default();
    let err = exchange(&settings, &account(&[])).await.unwrap_err();
    assert_eq!(err.to_string(), "ServiceAccount/apps/flux has no annotation eks.amazonaws.com/role-arn");
    let err = exchange(&settings, &account(&[(ROLE, "flux")])).await.unwrap_err();
    assert_eq!(
        err.to_string(),
        "invalid annotation eks.amazonaws.com/role-arn of ServiceAccount/apps/flux: \"flux\", expected \
         arn:aws:iam::<account>:role/<name>"
    );
}

#[tokio::test]
async fn a_refusal_is_told_in_the_words_of_sts_and_without_the_token() {
    let refusal = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
                   <Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error>\
                   <RequestId>1</RequestId></ErrorResponse>";
    let sts = Issuer::start(&[("POST /", 403, refusal)]).await;
    let settings = AwsSettings { sts_endpoint: Some(sts.url.clone()), ..AwsSettings::default() };
    let err = exchange(&settings, &account(&[(ROLE, ARN)])).await.unwrap_err();
    assert_eq!(
        chain(&err),
        format!(
            "aws gave no token: {} refused with status 403 Forbidden: AccessDenied: Not authorized to perform \
             sts:AssumeRoleWithWebIdentity",
            sts.url
        )
    );
}

#[tokio::test]
async fn a_key_in_the_environment_comes_first() {
    let settings = AwsSettings {
        access_key_id: Some("AKIA".to_owned()),
        secret_access_key: Some(Secret::new("key")),
        web_identity_token_file: Some("/nowhere".into()),
        ..AwsSettings::default()
    };
    let credentials = controller(&settings).await.unwrap();
    assert_eq!((credentials.access_key_id(), credentials.session_token().is_some()), ("AKIA", false));
}

#[tokio::test]
async fn the_controllers_own_token_file_is_exchanged_next() {
    let sts = Issuer::start(&[("POST /", 200, ASSUMED)]).await;
    let (_directory, token_file) = file("mounted-token\n");
    let settings = AwsSettings {
        role_arn: Some(ARN.to_owned()),
        web_identity_token_file: token_file,
        container_credentials_full_uri: Some("http://127.0.0.1:1/".to_owned()),
        sts_endpoint: Some(sts.url.clone()),
        ..AwsSettings::default()
    };
    is_issued(&controller(&settings).await.unwrap());
    assert_eq!(sts.request().form()["WebIdentityToken"], "mounted-token");
    let missing = AwsSettings { web_identity_token_file: Some("/nowhere".into()), ..settings };
    let err = controller(&missing).await.unwrap_err();
    assert!(chain(&err).starts_with("failed to read the file of AWS_WEB_IDENTITY_TOKEN_FILE: "));
}

#[tokio::test]
async fn a_credentials_server_is_shown_the_token_of_its_file() {
    let server = Issuer::start(&[("GET /v1/credentials", 200, DOCUMENT)]).await;
    let (_directory, token_file) = file("pod-token");
    let settings = AwsSettings {
        container_credentials_full_uri: Some(server.url.join("v1/credentials").unwrap().into()),
        container_authorization_token_file: token_file,
        ..AwsSettings::default()
    };
    is_issued(&controller(&settings).await.unwrap());
    assert_eq!(server.request().header("authorization"), "pod-token");
}

#[tokio::test]
async fn an_instance_gives_the_keys_of_its_role_to_who_has_a_session() {
    let metadata = Issuer::start(&[
        ("PUT /latest/api/token", 200, "metadata-session"),
        ("GET /latest/meta-data/iam/security-credentials/", 200, "node-role\n"),
        ("GET /latest/meta-data/iam/security-credentials/node-role", 200, DOCUMENT),
    ])
    .await;
    let settings = AwsSettings { metadata_endpoint: Some(metadata.url.clone()), ..AwsSettings::default() };
    is_issued(&controller(&settings).await.unwrap());
    let requests = metadata.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests[1..].iter().all(|request| request.header("x-aws-ec2-metadata-token") == "metadata-session"));
    let err = controller(&AwsSettings { metadata_disabled: true, ..settings }).await.unwrap_err();
    assert_eq!(err.to_string(), "the controller has no credentials of aws");
}

#[tokio::test]
async fn tokens_are_kept_apart_by_identity_region_and_proxy() {
    let settings = AwsSettings::default();
    let key = |region: Option<&str>, proxy: Option<&str>, account: Option<&ServiceAccount>| {
        let proxy = proxy.map(|url| ProxySetting::Address(ProxyAddress::new(url, None, None).unwrap()));
        let client = ClientOptions { proxy: proxy.unwrap_or_default(), ..ClientOptions::default() };
        let login = AwsLogin { settings: &settings, region, client };
        cache_key(&login, account.map(|account| (account, "sts.amazonaws.com"))).unwrap()
    };
    let (one, mut other) = (account(&[(ROLE, ARN)]), account(&[(ROLE, ARN)]));
    other.namespace = "other".to_owned();
    let moved = account(&[(ROLE, "arn:aws:iam::123456789012:role/other")]);
    let region = Some("eu-west-1");
    let mut keys = vec![
        key(region, None, None),
        key(None, None, None),
        key(region, Some("http://proxy:3128"), None),
        key(region, None, Some(&one)),
        key(region, None, Some(&other)),
        key(region, None, Some(&moved)),
    ];
    assert_eq!(keys[0], key(region, None, None));
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 6);
}
