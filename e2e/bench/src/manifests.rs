//! What benchmarks commit.

/// An app of a Deployment without pods, a Service and a ConfigMap, so that its health depends on no scheduling.
pub(crate) fn app(version: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app\nspec:\n  replicas: 0\n  selector:\n    \
         matchLabels:\n      app: app\n  template:\n    metadata:\n      labels:\n        app: app\n      annotations:\n        \
         version: {version}\n    spec:\n      containers:\n        - name: app\n          image: example.com/app:1\n---\n\
         apiVersion: v1\nkind: Service\nmetadata:\n  name: app\nspec:\n  selector:\n    app: app\n  ports:\n    - port: 80\n---\n{}",
        config_map("app", version)
    )
}

/// A ConfigMap with one value.
pub(crate) fn config_map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  value: \"{value}\"\n")
}
