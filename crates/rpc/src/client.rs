//! The client of our API, and the dialer of hosts' control services.

use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel as Transport, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};

use crate::v1::admission_client::AdmissionClient;
use crate::v1::cluster_client::ClusterClient;
use crate::v1::host_control_client::HostControlClient;
use crate::v1::jobs_client::JobsClient;
use crate::v1::schedules_client::SchedulesClient;
use crate::v1::tasks_client::TasksClient;
use crate::{Code, Error, MESSAGE_BYTES_MAX};

/// Where the server is, and who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientConfig {
    /// `http://HOST:PORT` or `https://…`.
    pub server: String,
    /// The bearer token.
    pub token: Option<String>,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
}

/// A connection that names its caller.
pub type Channel = InterceptedService<Transport, Bearer>;

/// Puts the bearer token on every call.
#[derive(Debug, Clone)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Bearer {
    fn new(token: Option<&str>) -> Result<Self, Error> {
        let value = token
            .map(|token| format!("Bearer {token}").parse())
            .transpose()
            .map_err(|_| Error::new(Code::Invalid, "token: has characters that no header may carry"))?;
        Ok(Self(value))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

/// Our API. Cheap to clone; clones share the connection.
#[derive(Debug, Clone)]
pub struct Client {
    /// Jobs.
    pub jobs: JobsClient<Channel>,
    /// Tasks.
    pub tasks: TasksClient<Channel>,
    /// Schedules.
    pub schedules: SchedulesClient<Channel>,
    /// The system as a whole.
    pub cluster: ClusterClient<Channel>,
    /// Replica to leader.
    pub admission: AdmissionClient<Channel>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// `Invalid` for a URL that is none; `Unavailable`, with the URL, when nobody answers there in time.
    pub async fn connect(config: &ClientConfig) -> Result<Self, Error> {
        let endpoint = endpoint(&config.server)?.connect_timeout(config.connect_timeout);
        let transport = tokio::time::timeout(config.connect_timeout, endpoint.connect())
            .await
            .map_err(|_| "no answer in time".to_owned())
            .and_then(|connected| connected.map_err(|e| root_cause(&e)))
            .map_err(|why| {
                Error::new(
                    Code::Unavailable,
                    format!("the server at {} cannot be reached: {why}", config.server),
                )
                .hint("is it running? `jobctl dev` starts one; --server or JOBCTL_SERVER names another")
            })?;
        Self::over(transport, config.token.as_deref())
    }

    /// The API at `server`, connected to at the first call and again when the connection broke.
    ///
    /// # Errors
    /// `Invalid` for a URL that is none.
    pub fn lazy(config: &ClientConfig) -> Result<Self, Error> {
        let endpoint = endpoint(&config.server)?.connect_timeout(config.connect_timeout);
        Self::over(endpoint.connect_lazy(), config.token.as_deref())
    }

    fn over(transport: Transport, token: Option<&str>) -> Result<Self, Error> {
        let channel = InterceptedService::new(transport, Bearer::new(token)?);
        Ok(Self {
            jobs: JobsClient::new(channel.clone())
                .max_decoding_message_size(MESSAGE_BYTES_MAX)
                .max_encoding_message_size(MESSAGE_BYTES_MAX),
            tasks: TasksClient::new(channel.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
            schedules: SchedulesClient::new(channel.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
            cluster: ClusterClient::new(channel.clone()),
            admission: AdmissionClient::new(channel),
        })
    }
}

/// A host's control service.
pub type HostClient = HostControlClient<Channel>;

/// Reaches hosts by the addresses they registered.
#[derive(Debug, Clone)]
pub struct HostDialer {
    /// The bearer token that hosts and schedulers share.
    pub token: Option<String>,
    /// How long a connection and a call may take.
    pub timeout: Duration,
}

impl HostDialer {
    /// Connects to the host at `address`.
    ///
    /// # Errors
    /// `Invalid` for an address that is no URL; `Unavailable` when nobody answers there in time.
    pub async fn dial(&self, address: &str) -> Result<HostClient, Error> {
        self.connect(address, endpoint(address)?).await
    }

    pub(crate) async fn connect(&self, address: &str, endpoint: Endpoint) -> Result<HostClient, Error> {
        let endpoint = endpoint.connect_timeout(self.timeout).timeout(self.timeout);
        let transport = tokio::time::timeout(self.timeout, endpoint.connect())
            .await
            .map_err(|_| {
                Error::new(Code::Unavailable, format!("the host at {address} did not answer in time"))
            })?
            .map_err(|e| {
                Error::new(Code::Unavailable, format!("the host at {address}: {}", root_cause(&e)))
            })?;
        Ok(HostControlClient::new(InterceptedService::new(transport, Bearer::new(self.token.as_deref())?)))
    }
}

pub(crate) fn endpoint(url: &str) -> Result<Endpoint, Error> {
    let refuse = |why: String| {
        Error::new(Code::Invalid, format!("server: {url:?} {why}"))
            .hint("a server is http://HOST:PORT or https://HOST")
    };
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(refuse("is not an http:// or https:// URL".to_owned()));
    }
    let endpoint = Endpoint::from_shared(url.to_owned())
        .map_err(|e| refuse(format!("is not a URL: {e}")))?
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(10));
    if url.starts_with("https://") {
        return endpoint
            .tls_config(ClientTlsConfig::new().with_native_roots())
            .map_err(|e| refuse(format!("cannot be used with TLS: {e}")));
    }
    Ok(endpoint)
}

/// The innermost error: what the operating system said.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
