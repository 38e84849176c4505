//! Git servers, asked by git itself.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use flux_testkit::{
    Authentication, Change, ClientCertificates, GitFault, GitServer, GitServerOptions, SshGitServer,
    SshGitServerOptions, SshKey, TestAuthority, ssh_signature,
};
use russh::ChannelMsg;
use russh::client::{self, AuthResult};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg};
use tempfile::TempDir;

/// Runs git apart from the user's configuration and proxies.
fn git(folder: &Path, args: &[&str]) -> Result<Output> {
    let mut command = Command::new("git");
    command.args(args).current_dir(folder).env("GIT_TERMINAL_PROMPT", "0");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for variable in
        ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "GIT_SSL_CAINFO"]
    {
        command.env_remove(variable);
    }
    Ok(command.output()?)
}

fn clone(url: &str, options: &[&str]) -> Result<(TempDir, Output)> {
    let folder = TempDir::new()?;
    let output = git(folder.path(), &[options, &["clone", "--quiet", url, "copy"]].concat())?;
    Ok((folder, output))
}

#[test]
fn a_commit_is_cloned_and_its_traffic_counted() -> Result<()> {
    let server = GitServer::start(GitServerOptions::default())?;
    let repository = server.create("app")?;
    let first = repository.commit_files("main", "first", &[("a/one.txt", "one\n"), ("two.txt", "two\n")])?;
    let changes = [
        Change::Delete("two.txt"),
        Change::Executable("run \"it\".sh", b"#!/bin/sh\n"),
        Change::Link("link", "a/one.txt"),
    ];
    let second = repository.commit("main", "second", &changes)?;
    ensure!(repository.resolve("main^")? == first);

    let (folder, output) = clone(&server.url("app"), &[])?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let copy = folder.path().join("copy");
    ensure!(std::fs::read_to_string(copy.join("link"))? == "one\n");
    ensure!(copy.join("run \"it\".sh").exists() && !copy.join("two.txt").exists());
    let head = git(&copy, &["rev-parse", "HEAD"])?.stdout;
    ensure!(String::from_utf8(head)?.trim() == second);

    let requests = server.requests();
    let kinds: Vec<_> = requests.iter().map(|request| request.kind.as_str()).collect();
    ensure!(kinds == ["info/refs", "git-upload-pack", "git-upload-pack"], "{kinds:?}");
    ensure!(
        requests.iter().all(|request| request.repository == "app.git" && request.status == 200 && request.sent > 0)
    );
    ensure!(requests[0].received == 0 && requests[1].received > 0);
    Ok(())
}

#[test]
fn a_push_is_taken() -> Result<()> {
    let server = GitServer::start(GitServerOptions::default())?;
    let repository = server.create("app")?;
    repository.commit_files("main", "first", &[("file", "one\n")])?;
    let (folder, _) = clone(&server.url("app"), &[])?;
    let copy = folder.path().join("copy");
    std::fs::write(copy.join("file"), "two\n")?;
    let who = ["-c", "user.name=x", "-c", "user.email=x@example.com"];
    git(&copy, &[&who[..], &["commit", "--quiet", "-am", "second"]].concat())?;
    let pushed = git(&copy, &["push", "--quiet", "origin", "main"])?;
    ensure!(pushed.status.success(), "{}", String::from_utf8_lossy(&pushed.stderr));
    ensure!(repository.read("main", "file")? == b"two\n");
    Ok(())
}

#[test]
fn only_who_is_known_is_let_in() -> Result<()> {
    let basic = Authentication::Basic("user".into(), "secret".into());
    let server = GitServer::start(GitServerOptions { authentication: basic, ..GitServerOptions::default() })?;
    server.create("app")?.commit_files("main", "first", &[("file", "one\n")])?;
    let url = server.url("app");
    ensure!(!clone(&url, &[])?.1.status.success());
    ensure!(!clone(&url.replace("//", "//user:wrong@"), &[])?.1.status.success());
    ensure!(clone(&url.replace("//", "//user:secret@"), &[])?.1.status.success());

    let bearer = Authentication::Bearer("token".into());
    let server = GitServer::start(GitServerOptions { authentication: bearer, ..GitServerOptions::default() })?;
    server.create("app")?.commit_files("main", "first", &[("file", "one\n")])?;
    ensure!(!clone(&server.url("app"), &[])?.1.status.success());
    let header = ["-c", "http.extraHeader=Authorization: Bearer token"];
    ensure!(clone(&server.url("app"), &header)?.1.status.success());
    ensure!(server.requests()[0].status == 401);
    Ok(())
}

#[test]
fn clients_trust_the_authority_and_show_their_certificate() -> Result<()> {
    let tls = Some((TestAuthority::new()?, ClientCertificates::Required));
    let server = GitServer::start(GitServerOptions { tls, ..GitServerOptions::default() })?;
    server.create("app")?.commit_files("main", "first", &[("file", "one\n")])?;
    let authority = server.authority().context("the server has an authority")?;
    let folder = TempDir::new()?;
    let client = authority.client("robot")?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("ca"), authority.certificate())?;
    std::fs::write(path("cert"), client.certificate)?;
    std::fs::write(path("key"), client.key)?;
    let trust = format!("http.sslCAInfo={}", path("ca"));
    let (cert, key) = (format!("http.sslCert={}", path("cert")), format!("http.sslKey={}", path("key")));

    let with_all = clone(&server.url("app"), &["-c", &trust, "-c", &cert, "-c", &key])?.1;
    ensure!(with_all.status.success(), "{}", String::from_utf8_lossy(&with_all.stderr));
    ensure!(
        !clone(&server.url("app"), &["-c", &trust])?.1.status.success(),
        "a client without a certificate was let in"
    );
    ensure!(
        !clone(&server.url("app"), &["-c", &cert, "-c", &key])?.1.status.success(),
        "an unknown authority was trusted"
    );
    Ok(())
}

#[test]
fn faults_are_what_they_say_and_end_when_told() -> Result<()> {
    let server = GitServer::start(GitServerOptions::default())?;
    let lines = (0..20_000_u64).map(|n| format!("{:016x}\n", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    let noise = lines.collect::<Vec<_>>().concat();
    server.create("app")?.commit_files("main", "first", &[("file", &noise)])?;
    for fault in [GitFault::Status(503), GitFault::CorruptPack, GitFault::CutPack] {
        server.set_fault(fault);
        ensure!(!clone(&server.url("app"), &[])?.1.status.success(), "{fault:?} did no harm");
    }
    server.set_fault(GitFault::None);
    ensure!(clone(&server.url("app"), &[])?.1.status.success());
    Ok(())
}

#[tokio::test]
async fn an_endless_pack_goes_on_as_long_as_it_is_read() -> Result<()> {
    const ENOUGH: usize = 8 << 20;
    let server = GitServer::start(GitServerOptions::default())?;
    let commit = server.create("app")?.commit_files("main", "first", &[("file", "one\n")])?;
    server.set_fault(GitFault::EndlessPack);
    let client = reqwest::Client::builder().no_proxy().build()?;
    let request = client.post(format!("{}/git-upload-pack", server.url("app"))).header("git-protocol", "version=2");
    let request = request.header("content-type", "application/x-git-upload-pack-request");
    let mut response = request.body(format!("0012command=fetch\n00010032want {commit}\n0009done\n0000")).send().await?;
    let mut read = 0;
    while read < ENOUGH {
        read += response.chunk().await?.context("the pack ended")?.len();
    }
    ensure!(server.requests()[0].sent >= ENOUGH as u64);
    Ok(())
}

#[test]
fn commits_and_tags_carry_the_signature_of_their_own_bytes() -> Result<()> {
    let server = GitServer::start(GitServerOptions::default())?;
    let repository = server.create("app")?;
    let key = SshKey::generate()?;
    let changes = [Change::File("file", b"one\n")];
    let commit = repository.commit_signed("main", "first", &changes, |payload| ssh_signature(&key, payload))?;
    repository.tag_signed("v1", &commit, "release", |payload| ssh_signature(&key, payload))?;
    repository.tag_annotated("v2", &commit, "release")?;
    repository.tag("v3", &commit)?;
    ensure!(
        repository.git(&["cat-file", "-t", "v2"])? == "tag" && repository.git(&["cat-file", "-t", "v3"])? == "commit"
    );
    ensure!(repository.resolve("v1^{commit}")? == commit);

    let raw = repository.git(&["cat-file", "commit", &commit])?;
    let signature = raw.split("gpgsig ").nth(1).and_then(|rest| rest.split("\n\n").next()).context("no signature")?;
    let payload = format!("{}\n", raw.replace(&format!("gpgsig {signature}\n"), ""));
    let signature = ssh_key::SshSig::from_pem(signature.replace("\n ", "\n"))?;
    let public = ssh_key::PublicKey::from_openssh(&key.public()?)?;
    public.verify("git", payload.as_bytes(), &signature).context("the commit's signature")?;
    ensure!(repository.git(&["fsck", "--strict"]).is_ok());
    Ok(())
}

struct Client {
    known: String,
}

impl client::Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &russh::keys::PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let russh::keys::PublicKeyOrCertificate::PublicKey { key, .. } = key else { return Ok(false) };
        Ok(key.to_openssh().is_ok_and(|line| self.known.contains(line.trim_end_matches(" test"))))
    }
}

async fn connect(server: &SshGitServer, key: &SshKey) -> Result<(client::Handle<Client>, AuthResult)> {
    let known = server.known_hosts()?;
    let port: u16 = known.split(['[', ']', ':', ' ']).find_map(|part| part.parse().ok()).context("no port")?;
    let config = Arc::new(client::Config::default());
    let mut session = client::connect(config, ("127.0.0.1", port), Client { known }).await?;
    let private = PrivateKeyWithHashAlg::new(Arc::new(PrivateKey::from_openssh(key.private()?)?), None);
    let result = session.authenticate_publickey("git", private).await?;
    Ok((session, result))
}

#[tokio::test]
async fn refs_are_listed_over_ssh_to_a_known_key() -> Result<()> {
    let key = SshKey::generate()?;
    let options = SshGitServerOptions { clients: vec![key.clone()], ..SshGitServerOptions::default() };
    let server = SshGitServer::start(options)?;
    let commit = server.create("app")?.commit_files("main", "first", &[("file", "one\n")])?;
    ensure!(server.url("app").starts_with("ssh://git@127.0.0.1:"));

    let (_, refused) = connect(&server, &SshKey::generate()?).await?;
    ensure!(!refused.success(), "an unknown key was let in");

    let (session, result) = connect(&server, &key).await?;
    ensure!(result.success(), "{result:?}");
    let mut channel = session.channel_open_session().await?;
    channel.exec(true, "git-upload-pack '/app.git'").await?;
    channel.data(&b"0000"[..]).await?;
    channel.eof().await?;
    let (mut output, mut status) = (Vec::new(), None);
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } => output.extend_from_slice(&data),
            ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
            _ => {}
        }
    }
    ensure!(status == Some(0), "{status:?}");
    ensure!(String::from_utf8_lossy(&output).contains(&format!("{commit} refs/heads/main")));
    ensure!(server.requests().len() == 1);
    Ok(())
}
