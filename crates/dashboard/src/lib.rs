//! Draws the pages of the web dashboard.
//!
//! Pages are plain HTML, drawn on the server, without a script: what a guest wrote is escaped by the
//! templates, and the content security policy forbids whatever might slip through. The pages only read;
//! what changes something is said with `jobctl`.

mod attempt;
mod files;
mod pages;
mod schedules;
mod show;
mod timetable;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use model::clock::Clock;
use store::Store;

/// What the pages are drawn from.
#[derive(Clone)]
pub struct Parts {
    /// The truth.
    pub store: Arc<dyn Store>,
    /// For "3 minutes ago".
    pub clock: Arc<dyn Clock>,
    /// The release that is shown.
    pub version: String,
}

/// The pages: `/`, `/jobs`, `/jobs/NAMESPACE/ID`, `/schedules`, `/schedules/NAME`, `/tasks`, and the files of jobs.
pub fn router(parts: Parts) -> Router {
    Router::new()
        .route("/", get(pages::overview))
        .route("/jobs", get(pages::jobs))
        .route("/jobs/{namespace}/{id}", get(pages::job))
        .route("/jobs/{namespace}/{id}/files/{name}", get(files::file))
        .route("/schedules", get(schedules::list))
        .route("/schedules/{name}", get(schedules::one))
        .route("/tasks", get(pages::tasks))
        .layer(map_response(harden))
        .with_state(parts)
}

/// Headers that every page carries. A page that set its own policy keeps it.
async fn harden(mut response: Response) -> Response {
    const HEADERS: [(&str, &str); 4] = [
        ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ];
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .entry(HeaderName::from_static(name))
            .or_insert(HeaderValue::from_static(value));
    }
    response
}
