//! `/livez` and `/readyz?verbose` as text: one line per check, the outcome last.

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;

use super::text;
use crate::Health;

/// Whether the process lives on: it does not once it was told to end.
pub(super) fn life(health: &Health, verbose: bool) -> Response<Full<Bytes>> {
    let lives = !health.is_draining();
    if !verbose {
        let body = if lives { "ok\n" } else { "draining\n" };
        return text(status(lives), body);
    }
    let shutdown = if lives {
        "[+]shutdown ok"
    } else {
        "[-]shutdown failed: draining"
    };
    let checks = ["[+]ping ok".to_owned(), shutdown.to_owned()];
    outcome("livez", checks.into(), lives)
}

/// Whether traffic may come, with every part.
pub(super) fn readiness(health: &Health) -> Response<Full<Bytes>> {
    let mut lines = vec!["[+]ping ok".to_owned()];
    for part in health.report(true).components {
        let (name, reason) = (part.name, part.reason.unwrap_or_default());
        // A line is one line, whatever the reason quotes.
        let reason = reason.replace(char::is_control, " ");
        lines.push(match part.status {
            "ready" => format!("[+]{name} ok"),
            "degraded" => format!("[+]{name} degraded: {reason}"),
            _ => format!("[-]{name} failed: {reason}"),
        });
    }
    outcome("readyz", lines, health.is_ready())
}

/// 200, or 503.
pub(super) const fn status(passed: bool) -> StatusCode {
    if passed {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

fn outcome(check: &str, mut lines: Vec<String>, passed: bool) -> Response<Full<Bytes>> {
    let word = if passed { "passed" } else { "failed" };
    lines.push(format!("{check} check {word}\n"));
    text(status(passed), lines.join("\n"))
}
