//! What a source holds encrypted is decrypted on its way to the cluster, and shown nowhere else.

use std::collections::BTreeMap;

use flux_sops::{Format, Rule};
use flux_testkit::SopsKey;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use serde_json::json;

use crate::bench::Bench;

/// What no text may show.
const PASSWORD: &str = "correct-horse-battery";

/// Encrypts what Secrets hold, and all that follows it.
fn values() -> Rule {
    Rule::EncryptedRegex("^(data|stringData)$".to_owned())
}

fn secret(name: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata:\n    name: {name}\nstringData:\n    password: {PASSWORD}\n")
}

/// Puts keys where a Kustomization finds them as `sops-keys`.
async fn install(bench: &Bench, name: &str, keys: &[&SopsKey]) {
    let entries: Vec<_> = keys.iter().map(|key| key.entry().unwrap()).collect();
    let data: BTreeMap<_, _> = entries.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data});
    bench.ns.apply(&object.to_string()).await.unwrap();
}

async fn value(bench: &Bench, secret: &str, key: &str) -> String {
    let api: Api<Secret> = bench.ns.api();
    let data = api.get(secret).await.unwrap().data.unwrap_or_default();
    String::from_utf8(data[key].0.clone()).unwrap()
}

fn decrypting() -> serde_json::Value {
    json!({"decryption": {"provider": "sops", "secretRef": {"name": "sops-keys"}}})
}

#[tokio::test]
async fn files_patches_and_objects_are_decrypted_also_in_bases_and_components() {
    let bench = Bench::start("decrypted", &[]).await;
    let key = SopsKey::age();
    install(&bench, "sops-keys", &[&key]).await;
    let encrypt = |text: &str, format, rule| key.encrypt(text, format, rule).unwrap();
    let kustomization = "resources: [secret.yaml, ../base]\ncomponents: [../component]\ngeneratorOptions: {disableNameSuffixHash: true}\n\
                         secretGenerator:\n- {name: files, files: [config.yaml, token=token.txt], envs: [prod.env]}\n\
                         patches: [{path: patch.yaml}]\n";
    let base = "generatorOptions: {disableNameSuffixHash: true}\nsecretGenerator: [{name: base, files: [settings.json]}]\n\
                resources: [plain.yaml]\n";
    let component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n\
                     generatorOptions: {disableNameSuffixHash: true}\nsecretGenerator: [{name: component, envs: [all.ini]}]\n";
    let plain = "apiVersion: v1\nkind: Secret\nmetadata: {name: plain}\n";
    let patch =
        format!("apiVersion: v1\nkind: Secret\nmetadata:\n    name: plain\nstringData:\n    patched: {PASSWORD}\n");
    bench
        .publish(
            "1",
            &[
                ("app/kustomization.yaml", kustomization),
                ("app/secret.yaml", &encrypt(&secret("whole"), Format::Yaml, values())),
                ("app/config.yaml", &encrypt("a: b\npassword: one\n", Format::Yaml, Rule::default())),
                ("app/token.txt", &encrypt("two\n", Format::Binary, Rule::default())),
                ("app/prod.env", &encrypt("FIRST=three\nSECOND=four\n", Format::Dotenv, Rule::default())),
                ("app/patch.yaml", &encrypt(&patch, Format::Yaml, values())),
                ("base/kustomization.yaml", base),
                ("base/plain.yaml", plain),
                ("base/settings.json", &encrypt("{\"a\": \"five\"}", Format::Json, Rule::default())),
                ("component/kustomization.yaml", component),
                ("component/all.ini", "INI=six\n"),
            ],
        )
        .await;
    bench.kustomization("app", decrypting()).await;

    bench.ready("app", "1").await;

    assert_eq!(value(&bench, "whole", "password").await, PASSWORD);
    assert_eq!(value(&bench, "files", "config.yaml").await, "a: b\npassword: one\n");
    assert_eq!(value(&bench, "files", "token").await, "two\n");
    assert_eq!(value(&bench, "files", "FIRST").await, "three");
    assert_eq!(value(&bench, "files", "SECOND").await, "four");
    assert_eq!(value(&bench, "plain", "patched").await, PASSWORD);
    assert_eq!(value(&bench, "base", "settings.json").await, "{\n\t\"a\": \"five\"\n}\n");
    assert_eq!(value(&bench, "component", "INI").await, "six");
    assert!(!bench.log().contains(PASSWORD));
}

#[tokio::test]
async fn values_of_secrets_are_decrypted_by_their_names_unless_the_object_says_no() {
    let bench = Bench::start("values", &[]).await;
    let key = SopsKey::age();
    install(&bench, "sops-keys", &[&key]).await;
    let document = key.encrypt(&format!("password: {PASSWORD}\n"), Format::Yaml, Rule::default()).unwrap();
    let object = |name: &str, annotations: serde_json::Value| {
        use base64::Engine as _;
        let data = base64::engine::general_purpose::STANDARD.encode(&document);
        let metadata = json!({"name": name, "annotations": annotations});
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"a.yaml": data, "b.json": data}})
            .to_string()
    };
    let disabled = json!({"kustomize.toolkit.fluxcd.io/decrypt": "Disabled"});
    let files = [("app/open.yaml", object("open", json!({}))), ("app/closed.yaml", object("closed", disabled))];
    bench.publish("1", &files.each_ref().map(|(path, text)| (*path, text.as_str()))).await;
    bench.kustomization("app", decrypting()).await;

    bench.ready("app", "1").await;

    assert_eq!(value(&bench, "open", "a.yaml").await, format!("password: {PASSWORD}\n"));
    assert_eq!(value(&bench, "open", "b.json").await, format!("{{\n\t\"password\": \"{PASSWORD}\"\n}}\n"));
    assert_eq!(value(&bench, "closed", "a.yaml").await, document);
}

#[tokio::test]
async fn a_pgp_key_opens_what_was_encrypted_for_it() {
    let bench = Bench::start("pgp", &[]).await;
    let (key, other) = (SopsKey::pgp().unwrap(), SopsKey::age());
    install(&bench, "sops-keys", &[&key, &other]).await;
    let file = key.encrypt(&secret("one"), Format::Yaml, values()).unwrap();
    bench.publish("1", &[("app/secret.yaml", &file)]).await;
    bench.kustomization("app", decrypting()).await;

    bench.ready("app", "1").await;

    assert_eq!(value(&bench, "one", "password").await, PASSWORD);
}

#[tokio::test]
async fn objects_that_name_no_secret_use_the_age_keys_of_the_flag() {
    let bench = Bench::start("age-flag", &["--sops-age-secret=shared-keys"]).await;
    let key = SopsKey::age();
    install(&bench, "shared-keys", &[&key]).await;
    let file = key.encrypt(&secret("one"), Format::Yaml, values()).unwrap();
    bench.publish("1", &[("app/secret.yaml", &file)]).await;
    bench.kustomization("app", json!({"decryption": {"provider": "sops"}})).await;

    bench.ready("app", "1").await;

    assert_eq!(value(&bench, "one", "password").await, PASSWORD);
}

#[tokio::test]
async fn what_no_key_opens_fails_the_build_and_a_new_key_heals_it() {
    let bench = Bench::start("wrong-key", &[]).await;
    let (key, wrong) = (SopsKey::age(), SopsKey::age());
    let file = key.encrypt(&secret("one"), Format::Yaml, values()).unwrap();
    bench.publish("1", &[("app/secret.yaml", &file)]).await;
    bench.kustomization("app", decrypting()).await;

    let message = bench.fails("app", "BuildFailed").await;
    let missing =
        format!("cannot get sops decryption Secret '{0}/sops-keys': Secret/{0}/sops-keys not found", bench.ns.name);
    assert_eq!(message, missing);

    install(&bench, "sops-keys", &[&wrong]).await;
    let object = bench.reconcile("app", "wrong").await;
    let message = &crate::bench::condition(&object, "Ready").unwrap().message;
    let expected = format!(
        "decryption failed for 'Secret/{}/one': failed to decrypt and format its data: cannot get sops data key: \
         Error getting data key: 0 successful groups required, got 0",
        bench.ns.name
    );
    assert!(message.starts_with(&expected), "{message}");

    install(&bench, "sops-keys", &[&key]).await;
    bench.reconcile("app", "right").await;
    bench.ready("app", "1").await;
    assert!(!bench.log().contains(PASSWORD) && !bench.log().contains(&key.entry().unwrap().1));
}

#[tokio::test]
async fn an_entry_that_is_no_key_is_named_without_its_text() {
    let bench = Bench::start("bad-key", &[]).await;
    let entry = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sops-keys"}, "stringData": {"a.agekey": PASSWORD}});
    bench.ns.apply(&entry.to_string()).await.unwrap();
    bench.publish("1", &[("app/secret.yaml", &secret("one"))]).await;
    bench.kustomization("app", decrypting()).await;

    let message = bench.fails("app", "BuildFailed").await;

    let expected = format!(
        "failed to import 'a.agekey' data from sops decryption Secret '{}/sops-keys': age key cannot be read: ",
        bench.ns.name
    );
    assert!(message.starts_with(&expected) && !message.contains(PASSWORD), "{message}");
}

#[tokio::test]
async fn a_file_above_five_mebibytes_is_refused() {
    let bench = Bench::start("large-file", &[]).await;
    install(&bench, "sops-keys", &[&SopsKey::age()]).await;
    let large = "a".repeat((5 << 20) + 1);
    let kustomization = "secretGenerator: [{name: large, files: [large.txt]}]\n";
    bench.publish("1", &[("app/kustomization.yaml", kustomization), ("app/large.txt", &large)]).await;
    bench.kustomization("app", decrypting()).await;

    let message = bench.fails("app", "BuildFailed").await;

    assert_eq!(
        message,
        "error decrypting sources: app/large.txt: cannot decrypt file with size (5242881 bytes) exceeding limit (5242880)"
    );
}

#[tokio::test]
async fn a_changed_value_fails_and_shows_nothing() {
    let bench = Bench::start("tampered", &[]).await;
    let key = SopsKey::age();
    install(&bench, "sops-keys", &[&key]).await;
    let two = format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n    name: two\nstringData:\n    a: {PASSWORD}\n    b: other\n"
    );
    let file = key.encrypt(&two, Format::Yaml, values()).unwrap();
    let value = |name: &str| file.lines().find(|line| line.trim_start().starts_with(name)).unwrap().trim().to_owned();
    let (a, b) = (value("a: ENC"), value("b: ENC"));
    // Each value is bound to its place.
    let swapped =
        file.replace(&a, "a: X").replace(&b, &a.replacen("a:", "b:", 1)).replace("a: X", &b.replacen("b:", "a:", 1));
    bench.publish("1", &[("app/secret.yaml", &swapped)]).await;
    bench.kustomization("app", decrypting()).await;

    let message = bench.fails("app", "BuildFailed").await;

    assert!(message.contains("error decrypting sops tree: ") && !message.contains(PASSWORD), "{message}");
}

#[tokio::test]
async fn what_was_encrypted_is_masked_in_whatever_kind_or_patch_it_is() {
    let bench = Bench::start("masked-kinds", &[]).await;
    let key = SopsKey::age();
    install(&bench, "sops-keys", &[&key]).await;
    // A value that the API server refuses and repeats.
    let service = |name: &str, kind: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata:\n    name: {name}\nspec:\n    type: {kind}\n    ports:\n        - port: 80\n"
        )
    };
    let rule = || Rule::EncryptedRegex("^type$".to_owned());
    let object = key.encrypt(&service("one", PASSWORD), Format::Yaml, rule()).unwrap();
    let patched = PASSWORD.replace("horse", "mule");
    assert_ne!(patched, PASSWORD);
    let patch = format!("apiVersion: v1\nkind: Service\nmetadata:\n    name: two\nspec:\n    type: {patched}\n");
    let patch = key.encrypt(&patch, Format::Yaml, rule()).unwrap();
    let kustomization = "resources: [one.yaml, two.yaml]\npatches: [{path: patch.yaml}]\n";
    let files = [
        ("app/kustomization.yaml", kustomization.to_owned()),
        ("app/one.yaml", object),
        ("app/two.yaml", service("two", "ClusterIP")),
        ("app/patch.yaml", patch),
    ];
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    bench.publish("1", &files).await;
    bench.kustomization("app", decrypting()).await;

    let message = bench.fails("app", "ReconciliationFailed").await;

    assert!(
        message.contains("/one dry-run failed (Invalid)") && message.contains("/two dry-run failed (Invalid)"),
        "{message}"
    );
    assert_eq!(message.matches("Unsupported value: \"*****\"").count(), 2, "{message}");
    assert!(!bench.log().contains(PASSWORD) && !bench.log().contains(&patched));
}
