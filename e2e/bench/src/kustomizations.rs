//! Kustomizations of a given size, written into a folder, one for each thing that a build is measured with.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Apps of the scenarios that are not about size; each is a Deployment and a Service.
const APPS: usize = 200;

/// So many resources with a namespace, labels, an image and one generated ConfigMap that each Deployment refers to.
pub(crate) fn sized(folder: &Path, resources: usize) -> Result<()> {
    let files = apps(folder, resources / 2)?;
    let text = format!(
        "namespace: production\nlabels:\n- includeSelectors: true\n  pairs:\n    team: shop\nimages:\n- name: example.com/app\n  \
         newTag: 2.1.0\nconfigMapGenerator:\n- name: settings\n  literals:\n  - LOG_LEVEL=info\n  - REGION=eu\n{files}"
    );
    write(folder, "kustomization.yaml", &text)
}

/// Twenty replacements, each from one ConfigMap into a field of every Deployment.
pub(crate) fn replacements(folder: &Path) -> Result<()> {
    let mut text = apps(folder, APPS)?;
    text.push_str("configMapGenerator:\n- name: settings\n  literals:\n");
    for at in 0..20 {
        let _ = writeln!(text, "  - value-{at}=replaced-{at}");
    }
    text.push_str("replacements:\n");
    for at in 0..20 {
        let _ = write!(
            text,
            "- source:\n    kind: ConfigMap\n    name: settings\n    fieldPath: data.value-{at}\n  targets:\n  - select:\n      \
             kind: Deployment\n    fieldPaths:\n    - spec.template.metadata.annotations.value-{at}\n    options:\n      create: true\n"
        );
    }
    write(folder, "kustomization.yaml", &text)
}

/// Twenty patches, of both forms, for objects chosen by kind, name or label.
pub(crate) fn patches(folder: &Path) -> Result<()> {
    let mut text = apps(folder, APPS)?;
    text.push_str("patches:\n");
    for at in 0..10 {
        let _ = write!(
            text,
            "- target:\n    kind: Deployment\n    name: app-.*{at}\n  patch: |\n    - op: add\n      path: /metadata/annotations\n      \
             value: {{patched: \"{at}\"}}\n\
             - target:\n    labelSelector: tier=tier-{at}\n    kind: Deployment\n  patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    \
             metadata:\n      name: any\n    spec:\n      template:\n        spec:\n          containers:\n          - name: app\n            \
             env:\n            - name: EXTRA\n              value: \"{at}\"\n"
        );
    }
    write(folder, "kustomization.yaml", &text)
}

/// Five overlays above one another, each with a prefix, a label and a patch. The outermost one is the folder itself.
pub(crate) fn nested(folder: &Path) -> Result<()> {
    let base = folder.join("base");
    let files = apps(&base, APPS)?;
    write(&base, "kustomization.yaml", &format!("namespace: production\n{files}"))?;
    for at in (0..5).rev() {
        let below = if at == 4 { "base".to_owned() } else { format!("overlay-{}", at + 1) };
        let place = if at == 0 { folder.to_path_buf() } else { folder.join(format!("overlay-{at}")) };
        let path = if at == 0 { below } else { format!("../{below}") };
        let text = format!(
            "resources:\n- {path}\nnamePrefix: o{at}-\nlabels:\n- pairs:\n    overlay-{at}: \"true\"\npatches:\n- target:\n    kind: Deployment\n  \
             patch: |\n    - op: replace\n      path: /spec/replicas\n      value: {at}\n"
        );
        write(&place, "kustomization.yaml", &text)?;
    }
    Ok(())
}

/// A hundred components, each with a label, a generated ConfigMap and a patch of one Deployment.
pub(crate) fn components(folder: &Path) -> Result<()> {
    let mut text = apps(folder, APPS)?;
    text.push_str("components:\n");
    for at in 0..100 {
        let _ = writeln!(text, "- components/{at}");
        let component = format!(
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nlabels:\n- pairs:\n    component-{at}: \"on\"\nconfigMapGenerator:\n\
             - name: component-{at}\n  literals:\n  - number={at}\npatches:\n- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata:\n      \
             name: app-{at}\n    spec:\n      template:\n        spec:\n          containers:\n          - name: app\n            envFrom:\n            \
             - configMapRef:\n                name: component-{at}\n"
        );
        write(&folder.join("components").join(at.to_string()), "kustomization.yaml", &component)?;
    }
    write(folder, "kustomization.yaml", &text)
}

/// Writes a file for each app, and gives the `resources` that name them.
fn apps(folder: &Path, count: usize) -> Result<String> {
    let mut resources = "resources:\n".to_owned();
    for at in 0..count {
        let file = format!("app-{at}.yaml");
        write(folder, &file, &app(at))?;
        let _ = writeln!(resources, "- {file}");
    }
    Ok(resources)
}

fn app(at: usize) -> String {
    let tier = at % 10;
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{at}\n  labels:\n    tier: tier-{tier}\nspec:\n  replicas: 2\n  selector:\n    \
         matchLabels:\n      app: app-{at}\n  template:\n    metadata:\n      labels:\n        app: app-{at}\n    spec:\n      containers:\n      \
         - name: app\n        image: example.com/app:1.0.0\n        ports:\n        - name: http\n          containerPort: 8080\n        envFrom:\n        \
         - configMapRef:\n            name: settings\n        resources:\n          requests:\n            cpu: 100m\n            memory: 64Mi\n\
         ---\napiVersion: v1\nkind: Service\nmetadata:\n  name: app-{at}\nspec:\n  selector:\n    app: app-{at}\n  ports:\n  - name: http\n    \
         port: 80\n    targetPort: http\n"
    )
}

fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    fs::write(folder.join(name), text).with_context(|| format!("write {name}"))
}
