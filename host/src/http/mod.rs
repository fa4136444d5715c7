//! HTTP requests on behalf of guests.
//!
//! Which host and port is granted was decided by the sandbox's gate. Here the name is resolved, every address
//! is checked, and exactly the checked address is dialled. No redirect is followed, no proxy of the environment
//! is used, nothing is decompressed. Secrets are put into headers here and nowhere else.

mod addresses;
mod leaving;
mod names;
mod networks;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::error::Error as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use model::units::show_size;
use reqwest::{Body, Client, ClientBuilder, Response, Url, redirect, retry};
use sandbox::{Header, HttpError, HttpRequest, HttpResponse};

use addresses::place;
use leaving::Leaving;
use names::{Checked, Forbidden, Names, SystemNames};
use networks::open;

pub(crate) use leaving::Leave;
pub use networks::Network;

/// How long a connection may take to be made, name look-up and TLS included.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection is kept without a request: servers hang up after a minute or so.
const KEPT_FOR: Duration = Duration::from_secs(30);

/// Most bytes of an answer's headers; servers send some kilobytes. Over HTTP/1 there are at most a hundred of them.
const HEADERS_BYTES_MAX: u32 = 64 << 10;

/// Which requests are repetitions, for servers that know the header.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Makes requests.
pub(crate) struct Outbound {
    client: Client,
    networks: Arc<[Network]>,
}

impl Outbound {
    /// With the system's names and certificates; names may lead into `networks`.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(crate) fn new(networks: &[Network], version: &str) -> anyhow::Result<Self> {
        Self::with(Arc::new(SystemNames::new()), networks, version)
    }

    fn with(names: Arc<dyn Names>, networks: &[Network], version: &str) -> anyhow::Result<Self> {
        let networks: Arc<[Network]> = networks.into();
        let client = client(Checked { names, networks: Arc::clone(&networks) }, version)?;
        Ok(Self { client, networks })
    }

    /// Makes one request; what it carries goes out when it may `leave`. Dropping it breaks the connection off.
    pub(crate) async fn send(
        &self,
        request: HttpRequest,
        secrets: &BTreeMap<String, String>,
        leave: Leave,
    ) -> Result<HttpResponse, HttpError> {
        let Some(patience) = request.timeout else {
            return self.exchange(request, secrets, leave).await;
        };
        tokio::time::timeout(patience, self.exchange(request, secrets, leave))
            .await
            .unwrap_or_else(|_| Err(HttpError::Limit(format!("no whole answer within {patience:?}"))))
    }

    async fn exchange(
        &self,
        request: HttpRequest,
        secrets: &BTreeMap<String, String>,
        leave: Leave,
    ) -> Result<HttpResponse, HttpError> {
        let url =
            Url::parse(&request.url).map_err(|error| HttpError::Invalid(format!("the URL: {error}")))?;
        if !request.host_named {
            check_literal(&url, &self.networks)?;
        }
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| HttpError::Invalid(format!("{:?} is not a method", request.method)))?;
        let headers = headers(request.headers, &request.idempotency_key, secrets)?;
        let mut sending = self.client.request(method, url).headers(headers);
        if !request.body.is_empty() {
            sending = sending.body(Body::wrap(Leaving::new(request.body, leave)));
        }
        let response = sending.send().await.map_err(|error| sort(&error))?;
        read(response, request.response_bytes_max).await
    }
}

fn client(names: Checked, version: &str) -> anyhow::Result<Client> {
    let names = Arc::new(names);
    let builder = || -> ClientBuilder {
        Client::builder()
            .dns_resolver(Arc::clone(&names))
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .user_agent(format!("jobctl/{version}"))
            .connect_timeout(CONNECT_PATIENCE)
            .pool_idle_timeout(KEPT_FOR)
            .http2_max_header_list_size(HEADERS_BYTES_MAX)
    };
    builder().build().or_else(|error| {
        tracing::warn!(error = said(&error), "the system has no certificates to trust: guests have no https");
        Ok(builder().tls_certs_only([]).build()?)
    })
}

/// A literal address is never resolved, so it is checked here, unless a grant names the very place. The parsed URL has
/// it in its one plain form, however it was spelt.
fn check_literal(url: &Url, networks: &[Network]) -> Result<(), HttpError> {
    let host = url.host_str().unwrap_or_default();
    let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() else {
        return Ok(());
    };
    if open(networks, address) {
        return Ok(());
    }
    let forbidden = Forbidden::Address { host: host.to_owned(), place: place(address) };
    Err(HttpError::Denied(forbidden.to_string()))
}

fn headers(
    given: Vec<(String, Header)>,
    idempotency_key: &str,
    secrets: &BTreeMap<String, String>,
) -> Result<HeaderMap, HttpError> {
    let mut headers = HeaderMap::with_capacity(given.len() + 1);
    for (name, value) in given {
        let invalid =
            || HttpError::Invalid(format!("the header {name:?} has a character that no header may carry"));
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        let value = match value {
            Header::Text(text) => HeaderValue::from_bytes(text.as_bytes()).map_err(|_| invalid())?,
            Header::Secret { prefix, name: secret } => {
                let value = secrets
                    .get(&secret)
                    .ok_or_else(|| HttpError::Denied(format!("this host knows no secret {secret:?}")))?;
                let mut value =
                    HeaderValue::from_bytes(format!("{prefix}{value}").as_bytes()).map_err(|_| {
                        HttpError::Invalid(format!("the secret {secret:?} does not fit into a header"))
                    })?;
                value.set_sensitive(true);
                value
            }
        };
        headers.append(key, value);
    }
    if let Ok(key) = HeaderValue::from_str(idempotency_key) {
        headers.entry(IDEMPOTENCY_KEY).or_insert(key);
    }
    Ok(headers)
}

async fn read(mut response: Response, bytes_max: u64) -> Result<HttpResponse, HttpError> {
    if let Some(bytes) = response.content_length().filter(|length| *length > bytes_max) {
        return Err(HttpError::OverBudget { bytes });
    }
    let told: usize = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if told > HEADERS_BYTES_MAX as usize {
        return Err(HttpError::Limit(format!(
            "the answer's headers have {}, limit {}",
            show_size(told as u64),
            show_size(HEADERS_BYTES_MAX.into())
        )));
    }
    let mut body: Vec<u8> = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| sort(&error))? {
        let bytes = (body.len() + chunk.len()) as u64;
        if bytes > bytes_max {
            return Err(HttpError::OverBudget { bytes });
        }
        body.extend_from_slice(&chunk);
    }
    let headers = response.headers().iter();
    let headers =
        headers.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
    Ok(HttpResponse { status: response.status().as_u16(), headers: headers.collect(), body })
}

fn sort(error: &reqwest::Error) -> HttpError {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(forbidden) = inner.downcast_ref::<Forbidden>() {
            return HttpError::Denied(forbidden.to_string());
        }
        cause = inner.source();
    }
    if error.is_builder() {
        return HttpError::Invalid(said(error));
    }
    HttpError::Failed(said(error))
}

/// The error with its causes, without the URL, which may have a secret in its query.
fn said(error: &reqwest::Error) -> String {
    let mut text = if error.is_connect() { "no connection" } else { "it broke off" }.to_owned();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}
