//! The CRD files of the chart.

use crate::kinds::documents;

#[test]
fn the_chart_s_files_hold_the_crds_of_the_types() {
    let folder = flux_testkit::workspace_root().join("charts/flux/crds");
    for crd in flux_api::crd::all().unwrap() {
        let path = folder.join(format!("{}_{}.yaml", crd.spec.group, crd.spec.names.plural));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
        let [file] = documents(&text).try_into().unwrap();
        let file: k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition =
            serde_json::from_value(file).unwrap();
        assert_eq!(file, crd, "{} is out of date: run cargo xtask codegen", path.display());
    }
}
