//! `http`: outbound requests to the hosts that were granted.
//!
//! The URL is parsed once, by the rules that browsers and HTTP clients share, and what goes on to the host is
//! the parsed form: two parsers that disagree on where a URL leads are a way around the grants.

use std::sync::Arc;
use std::time::Duration;

use model::error::ErrorKind;
use model::grants::HttpGrant;
use url::Url;
use wasmtime::component::ResourceTable;

use crate::bindings::jobs::task::http;
use crate::capabilities::{Header, HttpError, HttpRequest};
use crate::gate::{Gate, over};
use crate::measure::sizes;
use crate::state::State;

/// Longest URL; servers take 8 KiB.
const URL_BYTES_MAX: usize = 8 << 10;

/// Most headers, and most bytes of them together; servers take about as much.
const HEADERS_MAX: usize = 100;
const HEADER_BYTES_MAX: usize = 64 << 10;

/// Headers that belong to the connection or say where the request goes: the host's own.
const HEADERS_OF_THE_HOST: [&str; 9] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl http::Host for State {
    async fn send(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<http::Response, http::Error>> {
        self.gate.pass_outside()?;
        let request = match prepare(&mut self.gate, &self.table, request)? {
            Ok(request) => request,
            Err(error) => return Ok(Err(error)),
        };
        let sent = request.body.len() as u64;
        self.gate.counts.bytes_out += sent;
        let capabilities = Arc::clone(&self.gate.capabilities);
        let response = match self.gate.timed(capabilities.http(request)).await {
            Ok(response) => response,
            Err(error) => return told(&self.gate, error).map(Err),
        };
        let answered = response.body.len() as u64;
        spend(&mut self.gate, answered)?;
        self.gate.counts.bytes_in += answered;
        let http_response =
            http::Response { status: response.status, headers: response.headers, body: response.body };
        Ok(Ok(http_response))
    }
}

/// What the guest is told; a budget that is used up ends the attempt instead.
fn told(gate: &Gate, error: HttpError) -> wasmtime::Result<http::Error> {
    match error {
        HttpError::Denied(text) => Ok(http::Error::Denied(text)),
        HttpError::Limit(text) => Ok(http::Error::Limit(text)),
        HttpError::Invalid(text) => Ok(http::Error::Invalid(text)),
        HttpError::Failed(text) => Ok(http::Error::Failed(text)),
        HttpError::OverBudget { bytes } => Err(too_many_bytes(gate, bytes)),
    }
}

type Prepared = Result<HttpRequest, http::Error>;

/// Checks grant, form and limits. Every call takes a number, refused or not, so that the n-th request of every
/// attempt has the same key.
fn prepare(gate: &mut Gate, table: &ResourceTable, request: http::Request) -> wasmtime::Result<Prepared> {
    let number = gate.counts.http_requests;
    gate.counts.http_requests += 1;
    let most = gate.limits.http_requests;
    if gate.counts.http_requests > most {
        let message = format!("made {} requests, limit {most} requests", gate.counts.http_requests);
        return Err(over(ErrorKind::Http, message));
    }
    let (url, host_named) = match granted(&gate.grants.http, &request.url) {
        Ok(found) => found,
        Err(error) => return Ok(Err(error)),
    };
    if !is_token(&request.method) || ["CONNECT", "TRACE"].contains(&request.method.as_str()) {
        return Ok(Err(http::Error::Invalid(format!("{:?} is not a method to use here", request.method))));
    }
    let headers = match headers(table, request.headers)? {
        Ok(headers) => headers,
        Err(problem) => return Ok(Err(http::Error::Invalid(problem))),
    };
    spend(gate, request.body.len() as u64)?;
    Ok(Ok(HttpRequest {
        method: request.method,
        url: url.into(),
        headers,
        body: request.body,
        timeout: request.timeout_ms.map(Duration::from_millis),
        response_bytes_max: gate.limits.http_bytes.saturating_sub(gate.counts.http_bytes),
        idempotency_key: format!("{}-{number}", gate.job),
        host_named,
    }))
}

fn spend(gate: &mut Gate, bytes: u64) -> wasmtime::Result<()> {
    if gate.counts.http_bytes.saturating_add(bytes) > gate.limits.http_bytes {
        return Err(too_many_bytes(gate, bytes));
    }
    gate.counts.http_bytes += bytes;
    Ok(())
}

fn too_many_bytes(gate: &Gate, more: u64) -> wasmtime::Error {
    let wanted = gate.counts.http_bytes.saturating_add(more);
    over(ErrorKind::Http, format!("the bodies make {}", sizes(wanted, gate.limits.http_bytes)))
}

/// The URL in its parsed form, and whether a grant names its host itself.
fn granted(grants: &[HttpGrant], text: &str) -> Result<(Url, bool), http::Error> {
    let invalid = |why: String| http::Error::Invalid(why);
    if text.len() > URL_BYTES_MAX {
        let seen = text.len();
        return Err(invalid(format!("a URL has at most {URL_BYTES_MAX} bytes, this one has {seen}")));
    }
    let mut url = Url::parse(text).map_err(|error| invalid(format!("{text:?} is not a URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid(format!("{:?} is not http or https", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("a URL with a user name: put it into a header".to_owned()));
    }
    url.set_fragment(None);
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(invalid(format!("{text:?} has no host")));
    };
    let covering: Vec<&HttpGrant> = grants.iter().filter(|grant| grant.covers(host, port)).collect();
    if covering.is_empty() {
        return Err(http::Error::Denied(format!(
            "{host}:{port} was not granted: publish with --allow-http {host}:{port}"
        )));
    }
    let named = covering.iter().any(|grant| !grant.host.contains('*'));
    Ok((url, named))
}

type Headers = Vec<(String, Header)>;

fn headers(
    table: &ResourceTable,
    given: Vec<(String, http::HeaderValue)>,
) -> wasmtime::Result<Result<Headers, String>> {
    if given.len() > HEADERS_MAX {
        return Ok(Err(format!("a request has at most {HEADERS_MAX} headers, this one has {}", given.len())));
    }
    let mut bytes = 0;
    let mut headers = Vec::with_capacity(given.len());
    for (name, value) in given {
        if !is_token(&name) {
            return Ok(Err(format!("{name:?} is not the name of a header")));
        }
        if HEADERS_OF_THE_HOST.iter().any(|owned| name.eq_ignore_ascii_case(owned)) {
            return Ok(Err(format!("the header {name:?} is set by the host")));
        }
        let value = match value {
            http::HeaderValue::Text(text) => Header::Text(text),
            http::HeaderValue::Secret((prefix, secret)) => {
                Header::Secret { prefix, name: table.get(&secret)?.name.clone() }
            }
        };
        let (Header::Text(text) | Header::Secret { prefix: text, .. }) = &value;
        if text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
            return Ok(Err(format!("the header {name:?} has a control character")));
        }
        bytes += name.len() + text.len();
        if bytes > HEADER_BYTES_MAX {
            return Ok(Err(format!("the headers of a request have at most {HEADER_BYTES_MAX} bytes")));
        }
        headers.push((name, value));
    }
    Ok(Ok(headers))
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 256
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(texts: &[&str]) -> Vec<HttpGrant> {
        texts.iter().map(|text| text.parse().expect(text)).collect()
    }

    #[test]
    fn a_url_leads_only_where_the_grant_says() {
        let grants = grants(&["api.example.com"]);

        for url in [
            "http://evil.com/",
            "https://api.example.com.evil.com/",
            "https://api.example.com:8443/",
            "https://evil.com\\@api.example.com/",
            "https://evil.com#@api.example.com/",
            "http://127.0.0.1/",
            "http://0x7f.1/",
        ] {
            assert!(matches!(granted(&grants, url), Err(http::Error::Denied(_))), "{url}");
        }
        for url in ["ftp://api.example.com/", "https://user@api.example.com/", "api.example.com", "https://"]
        {
            assert!(matches!(granted(&grants, url), Err(http::Error::Invalid(_))), "{url}");
        }
        let (url, named) = granted(&grants, "HTTPS://API.example.com/a b#c").expect("granted");
        assert_eq!((url.as_str(), named), ("https://api.example.com/a%20b", true));
    }

    #[test]
    fn a_wildcard_does_not_name_a_host() {
        let (_, named) = granted(&grants(&["*.example.com"]), "https://a.example.com/").expect("granted");

        assert!(!named);
    }

    #[test]
    fn a_header_cannot_break_out_or_redirect_the_request() {
        let table = ResourceTable::new();
        let text = |text: &str| http::HeaderValue::Text(text.to_owned());

        for (name, value) in
            [("x", "a\r\nb: c"), ("a b", "c"), ("Host", "x"), ("transfer-encoding", "chunked")]
        {
            let refused = headers(&table, vec![(name.to_owned(), text(value))]).expect("no trap");
            assert!(refused.is_err(), "{name}");
        }
        assert!(headers(&table, vec![("accept".to_owned(), text("*/*"))]).expect("no trap").is_ok());
    }
}
