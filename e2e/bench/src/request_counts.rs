//! What an API server was asked, by its own count.

use std::collections::BTreeMap;
use std::ops::Sub;

use anyhow::{Context as _, Result};
use http::Request;
use kube::Client;

/// Requests by what they do. Watches are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Requests {
    /// What changed something, or tried to: of everybody, Kubernetes' own controllers included.
    pub(crate) writes: u64,
    /// Writes that were only tried.
    pub(crate) dry_runs: u64,
    /// Single objects and lists.
    pub(crate) reads: u64,
}

impl Sub for Requests {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            writes: self.writes - earlier.writes,
            dry_runs: self.dry_runs - earlier.dry_runs,
            reads: self.reads - earlier.reads,
        }
    }
}

impl Requests {
    /// All that the API server of `client` was asked so far, but for its own upkeep.
    pub(crate) async fn so_far(client: &Client) -> Result<Self> {
        let request = Request::get("/metrics").body(Vec::new())?;
        let text = client.request_text(request).await.context("read the API server's metrics")?;
        Ok(Self::read(&text))
    }

    fn read(text: &str) -> Self {
        let mut requests = Self::default();
        let samples = text.lines().filter_map(|line| line.strip_prefix("apiserver_request_total{")?.rsplit_once("} "));
        for (labels, count) in samples {
            let labels = labels_of(labels);
            let label = |name: &str| labels.get(name).copied().unwrap_or_default();
            // Counts are whole numbers, large ones in scientific notation.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and positive")]
            let count = count.parse::<f64>().unwrap_or_default() as u64;
            match label("verb") {
                // Leases are renewed by the clock, whatever is measured.
                _ if label("resource") == "leases" => {}
                "POST" | "PUT" | "PATCH" | "APPLY" | "DELETE" | "DELETECOLLECTION" => {
                    *if label("dry_run").is_empty() { &mut requests.writes } else { &mut requests.dry_runs } += count;
                }
                "GET" | "LIST" => requests.reads += count,
                _ => {}
            }
        }
        requests
    }
}

fn labels_of(text: &str) -> BTreeMap<&str, &str> {
    let pairs = text.split("\",").filter_map(|pair| pair.split_once("=\""));
    pairs.map(|(name, value)| (name, value.trim_end_matches('"'))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart_by_verb_and_dry_run() {
        let text = "# HELP apiserver_request_total Counter\n\
            apiserver_request_total{code=\"200\",dry_run=\"\",resource=\"configmaps\",verb=\"APPLY\"} 3\n\
            apiserver_request_total{code=\"200\",dry_run=\"All\",resource=\"configmaps\",verb=\"APPLY\"} 4\n\
            apiserver_request_total{code=\"200\",dry_run=\"\",resource=\"pods\",verb=\"LIST\"} 1e+06\n\
            apiserver_request_total{code=\"200\",dry_run=\"\",resource=\"pods\",verb=\"WATCH\"} 7\n\
            apiserver_request_total{code=\"200\",dry_run=\"\",resource=\"leases\",verb=\"PUT\"} 9\n";
        assert_eq!(Requests::read(text), Requests { writes: 3, dry_runs: 4, reads: 1_000_000 });
    }
}
