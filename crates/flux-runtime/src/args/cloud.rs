//! What cloud providers put into a pod's environment. The arguments are hidden: they exist so that the environment is
//! read here and nowhere else.

use std::path::PathBuf;

use flux_auth::aws::AwsSettings;
use flux_auth::azure::AzureSettings;
use flux_auth::gcp::GcpSettings;
use flux_auth::{CloudSettings, Secret};
use url::Url;

/// What the environment says about the clouds, for controllers that log in to them.
#[derive(Clone, Debug, clap::Args)]
pub struct CloudArgs {
    /// About AWS.
    #[command(flatten)]
    pub aws: AwsArgs,
    /// About Azure.
    #[command(flatten)]
    pub azure: AzureArgs,
    /// About Google Cloud.
    #[command(flatten)]
    pub gcp: GcpArgs,
}

/// What the environment says about AWS.
#[derive(Clone, Debug, clap::Args)]
pub struct AwsArgs {
    /// The region of the cluster
    #[arg(long, env = "AWS_REGION", hide = true)]
    pub aws_region: Option<String>,
    /// The id of a key
    #[arg(long, env = "AWS_ACCESS_KEY_ID", hide = true, hide_env_values = true)]
    pub aws_access_key_id: Option<String>,
    /// The key
    #[arg(long, env = "AWS_SECRET_ACCESS_KEY", hide = true, hide_env_values = true)]
    pub aws_secret_access_key: Option<Secret>,
    /// The token of the key's session
    #[arg(long, env = "AWS_SESSION_TOKEN", hide = true, hide_env_values = true)]
    pub aws_session_token: Option<Secret>,
    /// The role of the controller's ServiceAccount
    #[arg(long, env = "AWS_ROLE_ARN", hide = true)]
    pub aws_role_arn: Option<String>,
    /// The name of the role's session
    #[arg(long, env = "AWS_ROLE_SESSION_NAME", hide = true)]
    pub aws_role_session_name: Option<String>,
    /// The file with the token of the controller's ServiceAccount
    #[arg(long, env = "AWS_WEB_IDENTITY_TOKEN_FILE", hide = true)]
    pub aws_web_identity_token_file: Option<String>,
    /// The credentials server of the pod
    #[arg(long, env = "AWS_CONTAINER_CREDENTIALS_FULL_URI", hide = true)]
    pub aws_container_credentials_full_uri: Option<String>,
    /// The path at the credentials server of the container service
    #[arg(long, env = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", hide = true)]
    pub aws_container_credentials_relative_uri: Option<String>,
    /// The token for the credentials server
    #[arg(long, env = "AWS_CONTAINER_AUTHORIZATION_TOKEN", hide = true, hide_env_values = true)]
    pub aws_container_authorization_token: Option<Secret>,
    /// The file with the token for the credentials server
    #[arg(long, env = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", hide = true)]
    pub aws_container_authorization_token_file: Option<String>,
    /// The address of the Security Token Service
    #[arg(long, env = "AWS_ENDPOINT_URL_STS", hide = true, value_parser = address)]
    pub aws_endpoint_url_sts: Option<Address>,
    /// The address of the instance's metadata
    #[arg(long, env = "AWS_EC2_METADATA_SERVICE_ENDPOINT", hide = true, value_parser = address)]
    pub aws_ec2_metadata_service_endpoint: Option<Address>,
    /// Do not ask for the instance's metadata
    #[arg(long, env = "AWS_EC2_METADATA_DISABLED", hide = true)]
    pub aws_ec2_metadata_disabled: Option<String>,
}

/// What the environment says about Azure.
#[derive(Clone, Debug, clap::Args)]
pub struct AzureArgs {
    /// The tenant
    #[arg(long, env = "AZURE_TENANT_ID", hide = true)]
    pub azure_tenant_id: Option<String>,
    /// The application or managed identity
    #[arg(long, env = "AZURE_CLIENT_ID", hide = true)]
    pub azure_client_id: Option<String>,
    /// The application's secret
    #[arg(long, env = "AZURE_CLIENT_SECRET", hide = true, hide_env_values = true)]
    pub azure_client_secret: Option<Secret>,
    /// The file with the token of the controller's ServiceAccount
    #[arg(long, env = "AZURE_FEDERATED_TOKEN_FILE", hide = true)]
    pub azure_federated_token_file: Option<String>,
    /// The address of Microsoft Entra
    #[arg(long, env = "AZURE_AUTHORITY_HOST", hide = true, value_parser = address)]
    pub azure_authority_host: Option<Address>,
    /// The address of the machine's metadata
    #[arg(long, env = "AZURE_POD_IDENTITY_AUTHORITY_HOST", hide = true, value_parser = address)]
    pub azure_pod_identity_authority_host: Option<Address>,
}

/// What the environment says about Google Cloud.
#[derive(Clone, Debug, clap::Args)]
pub struct GcpArgs {
    /// The credentials file
    #[arg(long, env = "GOOGLE_APPLICATION_CREDENTIALS", hide = true)]
    pub google_application_credentials: Option<String>,
    /// The host of the metadata server
    #[arg(long, env = "GCE_METADATA_HOST", hide = true, value_parser = host)]
    pub gce_metadata_host: Option<Address>,
}

/// An address that may be empty, which is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Option<Url>);

impl CloudArgs {
    /// The same as the logins take it. What is empty is left out.
    pub fn settings(&self) -> CloudSettings {
        CloudSettings { aws: self.aws.settings(), azure: self.azure.settings(), gcp: self.gcp.settings() }
    }
}

impl AwsArgs {
    fn settings(&self) -> AwsSettings {
        AwsSettings {
            region: text(self.aws_region.as_ref()),
            access_key_id: text(self.aws_access_key_id.as_ref()),
            secret_access_key: secret(self.aws_secret_access_key.as_ref()),
            session_token: secret(self.aws_session_token.as_ref()),
            role_arn: text(self.aws_role_arn.as_ref()),
            role_session_name: text(self.aws_role_session_name.as_ref()),
            web_identity_token_file: path(self.aws_web_identity_token_file.as_ref()),
            container_credentials_full_uri: text(self.aws_container_credentials_full_uri.as_ref()),
            container_credentials_relative_uri: text(self.aws_container_credentials_relative_uri.as_ref()),
            container_authorization_token: secret(self.aws_container_authorization_token.as_ref()),
            container_authorization_token_file: path(self.aws_container_authorization_token_file.as_ref()),
            sts_endpoint: url(self.aws_endpoint_url_sts.as_ref()),
            metadata_endpoint: url(self.aws_ec2_metadata_service_endpoint.as_ref()),
            // As AWS reads it: all but "true" is false.
            metadata_disabled: self
                .aws_ec2_metadata_disabled
                .as_ref()
                .is_some_and(|text| text.eq_ignore_ascii_case("true")),
        }
    }
}

impl AzureArgs {
    fn settings(&self) -> AzureSettings {
        AzureSettings {
            tenant_id: text(self.azure_tenant_id.as_ref()),
            client_id: text(self.azure_client_id.as_ref()),
            client_secret: secret(self.azure_client_secret.as_ref()),
            federated_token_file: path(self.azure_federated_token_file.as_ref()),
            authority_host: url(self.azure_authority_host.as_ref()),
            metadata_host: url(self.azure_pod_identity_authority_host.as_ref()),
        }
    }
}

impl GcpArgs {
    fn settings(&self) -> GcpSettings {
        GcpSettings {
            application_credentials: path(self.google_application_credentials.as_ref()),
            metadata_host: url(self.gce_metadata_host.as_ref()),
            ..GcpSettings::default()
        }
    }
}

fn text(given: Option<&String>) -> Option<String> {
    given.filter(|text| !text.is_empty()).cloned()
}

fn path(given: Option<&String>) -> Option<PathBuf> {
    text(given).map(PathBuf::from)
}

fn secret(given: Option<&Secret>) -> Option<Secret> {
    given.filter(|secret| !secret.is_empty()).cloned()
}

fn url(given: Option<&Address>) -> Option<Url> {
    given.and_then(|address| address.0.clone())
}

fn address(text: &str) -> Result<Address, url::ParseError> {
    if text.is_empty() { Ok(Address(None)) } else { Url::parse(text).map(|url| Address(Some(url))) }
}

fn host(text: &str) -> Result<Address, url::ParseError> {
    if text.is_empty() { Ok(Address(None)) } else { address(&format!("http://{text}/")) }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Args {
        #[command(flatten)]
        cloud: CloudArgs,
    }

    fn read(line: &str) -> Result<Args, String> {
        let line = std::iter::once("controller").chain(line.split_whitespace()).map(OsString::from);
        super::super::parse_from("controller", |command| command, line).map_err(|err| err.to_string())
    }

    #[test]
    fn what_is_empty_is_not_there() {
        let line = "--aws-region= --aws-role-arn= --aws-web-identity-token-file= --azure-authority-host= \
                    --gce-metadata-host= --aws-secret-access-key= --aws-ec2-metadata-disabled=";
        let settings = read(line).unwrap().cloud.settings();
        assert!(settings.aws.region.is_none() && settings.aws.secret_access_key.is_none());
        assert!(settings.aws.web_identity_token_file.is_none() && !settings.aws.metadata_disabled);
        assert!(settings.azure.authority_host.is_none() && settings.gcp.metadata_host.is_none());
    }

    #[test]
    fn hosts_become_addresses_and_secrets_do_not_show() {
        let args = read("--gce-metadata-host=10.0.0.1:80 --aws-session-token=hidden").unwrap();
        assert!(!format!("{args:?}").contains("hidden"));
        let settings = args.cloud.settings();
        assert_eq!(settings.gcp.metadata_host.unwrap().as_str(), "http://10.0.0.1/");
        assert_eq!(settings.aws.session_token.unwrap().expose(), "hidden");
    }

    #[test]
    fn the_environments_variables_are_not_offered_in_the_help() {
        assert!(!read("--help").unwrap_err().to_lowercase().contains("aws"));
    }
}
