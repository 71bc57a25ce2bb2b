//! Recursive resolvers over TLS (RFC 7858) and HTTPS (RFC 8484), by hickory-resolver: one for each server, without cache and hosts file, so
//! that each answer is that server's own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts, ServerOrderingStrategy,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::life::{self, APART};
use super::server::{Event, Packets, Request, Server};
use super::socket::unreachable_because;
use super::wire::{self, Response};
use crate::observe::{Outcome, Question, Why};

/// Questions on their way to one server at one time: they share its connection.
const WINDOW: usize = 32;

/// How a recursive resolver is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Transport {
    /// Over UDP, and TCP where a reply does not fit.
    #[default]
    Plain,
    /// Over TLS.
    Tls {
        /// The name that its certificate bears; its address where there is none.
        name: Option<String>,
    },
    /// Over HTTPS.
    Https {
        /// The name that its certificate bears; its address where there is none.
        name: Option<String>,
        /// The path, such as `/dns-query`.
        path: String,
    },
}

/// Issuers that a certificate must come from.
#[derive(Debug, Clone)]
pub struct Trust(Result<Arc<RootCertStore>, String>);

impl Trust {
    /// The system's roots. They are files: read before anything is sent.
    pub fn of_the_system() -> Trust {
        let found = rustls_native_certs::load_native_certs();
        let why = found.errors.first().map_or_else(|| "none is installed".to_owned(), ToString::to_string);
        match Trust::new(found.certs) {
            Trust(Err(_)) => Trust(Err(format!("no trust roots to check its certificate with: {why}"))),
            trust => trust,
        }
    }

    /// These certificates.
    pub fn new(roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Trust {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots);
        match store.is_empty() {
            true => Trust(Err("no trust roots to check its certificate with".to_owned())),
            false => Trust(Ok(Arc::new(store))),
        }
    }

    /// Nobody.
    pub fn nobody() -> Trust {
        Trust::new([])
    }

    fn client(&self) -> Result<ClientConfig, String> {
        let roots = Arc::clone(self.0.as_ref().map_err(Clone::clone)?);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        Ok(config.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth())
    }
}

/// A resolver that asks one server alone.
struct Asker {
    resolver: TokioResolver,
    /// To see for oneself what is wrong where there is no connection: hickory does not say it.
    address: SocketAddr,
    certificate: Arc<str>,
    tls: Arc<ClientConfig>,
    patience: Duration,
}

impl Asker {
    fn new(server: &Server, transport: &Transport, trust: &Trust) -> Result<Asker, Why> {
        let (address, patience) = (server.address, server.patience);
        let (name, path) = match transport {
            Transport::Plain => (None, None),
            Transport::Tls { name } => (name.clone(), None),
            Transport::Https { name, path } => (name.clone(), Some(path.as_str())),
        };
        let certificate: Arc<str> = name.unwrap_or_else(|| address.ip().to_string()).into();
        let mut connection = match path {
            None => ConnectionConfig::tls(Arc::clone(&certificate)),
            Some(path) => ConnectionConfig::https(Arc::clone(&certificate), Some(path.into())),
        };
        connection.port = address.port();
        let server = NameServerConfig::new(address.ip(), true, vec![connection]);
        let mut options = ResolverOpts::default();
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        options.attempts = 0;
        options.timeout = patience;
        options.num_concurrent_reqs = 1;
        options.try_tcp_on_error = false;
        options.preserve_intermediates = true;
        options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
        let tls = trust.client().map_err(|how| Why::Unreachable(how.into()))?;
        let config = ResolverConfig::from_name_servers(vec![server]);
        let resolver = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            .with_options(options)
            .with_tls_config(tls.clone())
            .build()
            .map_err(|error| Why::Unreachable(error.to_string().into()))?;
        Ok(Asker { resolver, address, certificate, tls: Arc::new(tls), patience })
    }

    async fn ask(&self, question: &Question) -> Response {
        match timeout(self.patience, self.lookup(question)).await {
            Ok(response) => response,
            Err(_) => Why::Timeout.into(),
        }
    }

    async fn lookup(&self, question: &Question) -> Response {
        let Some(name) = wire::wire_name(&question.name) else {
            return Why::Malformed("no DNS message can carry the name".to_owned()).into();
        };
        let sent = Instant::now();
        let mut response = match self.resolver.lookup(name, wire::wire_type(question.rtype)).await {
            Ok(lookup) => wire::message(lookup.message(), question),
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
                let authorities = none.authorities.as_deref().unwrap_or_default();
                wire::absence(none.response_code, authorities, none.negative_ttl, question)
            }
            Err(NetError::Dns(DnsError::ResponseCode(code))) => wire::absence(code, &[], None, question),
            Err(NetError::Timeout) => Why::Timeout.into(),
            Err(NetError::Io(error)) => unreachable_because(&error).into(),
            Err(NetError::NoConnections) => self.no_connection().await.into(),
            Err(error) => Why::Unreachable(error.to_string().into()).into(),
        };
        if let Outcome::Answer(answer) = &mut response.outcome {
            answer.rtt_micros = u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX);
        }
        response
    }

    /// Why there is no connection: a certificate that is not trusted, a closed port.
    async fn no_connection(&self) -> Why {
        let Ok(name) = ServerName::try_from(self.certificate.to_string()) else {
            return Why::Unreachable(format!("`{}` is no name of a certificate", self.certificate).into());
        };
        let handshake = async {
            let stream = TcpStream::connect(self.address).await?;
            TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await
        };
        match handshake.await {
            Ok(_) => Why::Unreachable("the server takes connections and gives no answers".to_owned().into()),
            Err(error) => unreachable_because(&error),
        }
    }
}

/// Why there was no answer, where there may be no connection.
fn failure(response: &Response) -> Option<Why> {
    match &response.outcome {
        Outcome::Unanswered(why @ (Why::Unreachable(_) | Why::Timeout)) => Some(why.clone()),
        _ => None,
    }
}

/// Starts the task of one server: requests go in, events come out on `events`. It ends when the sender is dropped.
pub(crate) fn start<T: Copy + Send + 'static>(
    mut server: Server,
    transport: &Transport,
    trust: &Trust,
    packets: Packets,
    events: UnboundedSender<Event<T>>,
) -> UnboundedSender<Request<T>> {
    let (requests, mut inbox) = unbounded_channel::<Request<T>>();
    let asker = Asker::new(&server, transport, trust).map(Arc::new);
    let window = Arc::new(Semaphore::new(WINDOW));
    tokio::spawn(async move {
        let mut connected = false;
        let mut given_up: Option<(Why, Instant)> = None;
        while let Some(Request { token, question }) = inbox.recv().await {
            let events = events.clone();
            let tell = move |question: Arc<Question>, response: Response, given_up: bool| {
                // Nobody listens any more once the whole phase is over.
                let _ = events.send(Event {
                    server: server.number,
                    token,
                    question,
                    response,
                    waited: Duration::ZERO,
                    given_up,
                });
            };
            let rests = given_up.as_ref().filter(|(_, at)| !server.comes_back || at.elapsed() < APART);
            let asks = match (&asker, rests) {
                (Ok(asker), None) => Arc::clone(asker),
                (Err(why), _) | (_, Some((why, _))) => {
                    tell(question, why.clone().into(), true);
                    continue;
                }
            };
            if server.packets == 0 || !packets.take() {
                tell(question, Why::PacketLimit.into(), false);
                continue;
            }
            server.packets -= 1;
            if let Some(pace) = &mut server.pace {
                tokio::time::sleep_until(pace.ready(tokio::time::Instant::now())).await;
                pace.went(tokio::time::Instant::now());
            }
            if !connected {
                // The first goes alone: the others share its connection, or its failure.
                let response = asks.ask(&question).await;
                let mut failed = failure(&response);
                if server.comes_back && failed == Some(Why::Timeout) {
                    // Nobody may know an answer to that one alone.
                    failed = failure(&asks.ask(&life::question()).await);
                }
                connected = failed.is_none() || !server.comes_back;
                given_up = failed.map(|why| (why, Instant::now()));
                tell(question, response, given_up.is_some());
                continue;
            }
            let window = Arc::clone(&window);
            tokio::spawn(async move {
                let Ok(_place) = window.acquire().await else { return };
                let response = asks.ask(&question).await;
                tell(question, response, false);
            });
        }
    });
    requests
}
