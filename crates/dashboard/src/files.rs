//! The files of jobs. They are a guest's: a browser shows them in a sandbox of its own, or saves them.

use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use model::id::JobId;
use model::name::Namespace;

use crate::Parts;
use crate::pages::Problem;

/// Media types that a browser may show; whatever else is saved.
const SHOWN: [&str; 5] = ["text/html", "text/plain", "image/svg+xml", "image/png", "application/json"];

/// `GET /jobs/{namespace}/{id}/files/{name}`
pub(crate) async fn file(
    State(parts): State<Parts>,
    Path((namespace, id, name)): Path<(Namespace, String, String)>,
) -> Result<Response, Problem> {
    let id: JobId = id.parse().map_err(|invalid| Problem::invalid(&invalid))?;
    // The job is looked up in its namespace first: a file has none of its own.
    parts.store.job(&namespace, id).await?;
    let file = parts.store.file(id, &name).await?;
    let essence = file.media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let mut response = (StatusCode::OK, file.bytes).into_response();
    let headers = response.headers_mut();
    // An opaque origin without scripts: the page can neither act for the user nor reach anything.
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"),
    );
    let shown = SHOWN.contains(&essence.as_str());
    let media_type =
        if shown { format!("{essence}; charset=utf-8") } else { "application/octet-stream".into() };
    if let Ok(value) = HeaderValue::from_str(&media_type) {
        headers.insert(CONTENT_TYPE, value);
    }
    if !shown {
        let plain: String =
            name.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect();
        if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{plain}\"")) {
            headers.insert(CONTENT_DISPOSITION, value);
        }
    }
    Ok(response)
}
