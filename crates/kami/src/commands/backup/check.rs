//! The verifier, on a copy.

use std::path::Path;

use anyhow::{Context, bail};
use verify::Report;

use crate::log::LogUrl;

/// Has every invariant checked. The error names the first that is broken.
pub(super) async fn check(
    dir: &Path,
    log: Option<&LogUrl>,
    progress: impl Fn(u64),
) -> anyhow::Result<Report> {
    let report = verify::verify(dir, log.map(LogUrl::expose), None, progress)
        .await
        .with_context(|| format!("{} cannot be checked", dir.display()))?;
    if let Some(first) = report.violations.first() {
        bail!("`kami verify` finds {} violations, the first: {first}", report.violations.len());
    }
    Ok(report)
}
