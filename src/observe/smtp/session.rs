//! One conversation.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, ProtocolVersion, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::lines::{Counted, Lines, Trouble};
use super::{Depth, Manners};
use crate::facts::{Conversation, Der, Fault, Handshake, SmtpReply, Stage};

/// What stands for the server's name where none is sent.
const NO_NAME: &str = "unnamed.invalid";
/// Certificates of one chain that are kept: chains have two to four.
const CERTIFICATES: usize = 16;

/// Who speaks, for all conversations of a run.
#[derive(Debug, Clone)]
pub(super) struct Speaker(Arc<Manners>);

type Plain = Counted<TcpStream>;

impl Speaker {
    pub(super) fn new(manners: &Manners) -> Speaker {
        Speaker(Arc::new(manners.clone()))
    }

    /// Speaks until the end, or a fault.
    pub(super) async fn speak(self, stream: TcpStream, depth: Depth, name: Option<String>) -> Conversation {
        let now = Instant::now();
        let mut talk = Talk {
            manners: &self.0,
            greeting: now + self.0.greeting.min(self.0.whole),
            end: now + self.0.whole,
            said: Conversation { name, ..Conversation::default() },
        };
        let stream = Counted::new(stream);
        let ended = match depth {
            Depth::Greeting => talk.greeting_alone(stream).await,
            Depth::Whole => talk.whole(stream).await,
            Depth::Wrapped => talk.wrapped(stream).await,
        };
        talk.said.fault = ended.err();
        talk.said
    }
}

/// A conversation in progress.
struct Talk<'m> {
    manners: &'m Manners,
    /// When the greeting must be there.
    greeting: Instant,
    /// When all must be over.
    end: Instant,
    said: Conversation,
}

impl Talk<'_> {
    async fn greeting_alone(&mut self, stream: Plain) -> Result<(), Fault> {
        let mut lines = Lines::new(stream);
        self.greeting(&mut lines).await?;
        self.leave(&mut lines).await;
        Ok(())
    }

    async fn whole(&mut self, stream: Plain) -> Result<(), Fault> {
        let mut lines = Lines::new(stream);
        if !self.greeting(&mut lines).await? {
            self.leave(&mut lines).await;
            return Ok(());
        }
        let reply = self.ehlo(&mut lines, Stage::Ehlo).await?;
        let offers = reply.code == 250 && reply.offers("STARTTLS");
        self.said.ehlo = Some(reply);
        if !offers {
            self.leave(&mut lines).await;
            return Ok(());
        }
        let reply = within(self.end, Stage::StartTls, async {
            lines.send("STARTTLS").await?;
            lines.reply().await
        });
        let reply = reply.await?;
        let agrees = reply.code == 220;
        self.said.starttls = Some(reply);
        if !agrees {
            self.leave(&mut lines).await;
            return Ok(());
        }
        let (stream, behind) = lines.into_inner();
        if behind > 0 {
            return Err(Fault::Injected(behind));
        }
        let mut lines = Lines::new(self.handshake(stream).await?);
        let reply = self.ehlo(&mut lines, Stage::EhloInTls).await?;
        self.said.ehlo_in_tls = Some(reply);
        self.leave(&mut lines).await;
        Ok(())
    }

    async fn wrapped(&mut self, stream: Plain) -> Result<(), Fault> {
        let mut lines = Lines::new(self.handshake(stream).await?);
        if self.greeting(&mut lines).await? {
            let reply = self.ehlo(&mut lines, Stage::EhloInTls).await?;
            self.said.ehlo_in_tls = Some(reply);
        }
        self.leave(&mut lines).await;
        Ok(())
    }

    /// Whether the server wants to be talked to.
    async fn greeting<S: AsyncRead + AsyncWrite + Unpin>(&mut self, lines: &mut Lines<S>) -> Result<bool, Fault> {
        let reply = within(self.greeting, Stage::Greeting, lines.reply()).await?;
        let welcome = reply.code == 220;
        self.said.greeting = Some(reply);
        Ok(welcome)
    }

    async fn ehlo<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        lines: &mut Lines<S>,
        stage: Stage,
    ) -> Result<SmtpReply, Fault> {
        let command = format!("EHLO {}", self.manners.own_name);
        let reply = within(self.end, stage, async {
            lines.send(&command).await?;
            lines.reply().await
        });
        reply.await
    }

    /// Takes leave. Whoever does not answer any more has said what there was to hear.
    async fn leave<S: AsyncRead + AsyncWrite + Unpin>(&mut self, lines: &mut Lines<S>) {
        let left = async {
            lines.send("QUIT").await?;
            lines.reply().await?;
            lines.close().await;
            Ok::<_, Trouble>(())
        };
        let _ = timeout_at(self.end, left).await;
    }

    async fn handshake(&mut self, stream: Plain) -> Result<TlsStream<Plain>, Fault> {
        let recorder = Arc::new(Recorder::default());
        let (config, name) = self.client(&recorder)?;
        let made = timeout_at(self.end, TlsConnector::from(Arc::new(config)).connect(name, stream)).await;
        let chain = std::mem::take(&mut *recorder.chain.lock().unwrap_or_else(PoisonError::into_inner));
        let version = made.as_ref().ok().and_then(|made| made.as_ref().ok()).and_then(|tls| {
            let version = tls.get_ref().1.protocol_version()?;
            Some(if version == ProtocolVersion::TLSv1_3 { "TLS 1.3" } else { "TLS 1.2" }.to_owned())
        });
        if !chain.is_empty() {
            let trust = self.manners.roots.judge(&chain, self.manners.now);
            self.said.tls = Some(Handshake { version, chain, trust });
        }
        match made {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(Fault::NoTls(error.to_string())),
            Err(_) => Err(Fault::Late(Stage::Handshake)),
        }
    }

    fn client(&self, recorder: &Arc<Recorder>) -> Result<(ClientConfig, ServerName<'static>), Fault> {
        let no_tls = |words: String| Fault::NoTls(words);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|error| no_tls(error.to_string()))?.dangerous();
        let verifier: Arc<dyn ServerCertVerifier> = Arc::clone(recorder) as _;
        let mut config = config.with_custom_certificate_verifier(verifier).with_no_client_auth();
        config.enable_sni = self.said.name.is_some();
        let name = self.said.name.clone().unwrap_or_else(|| NO_NAME.to_owned());
        let name = ServerName::try_from(name).map_err(|error| no_tls(error.to_string()))?;
        Ok((config, name))
    }
}

/// What comes in time.
async fn within<T>(end: Instant, stage: Stage, wait: impl Future<Output = Result<T, Trouble>>) -> Result<T, Fault> {
    match timeout_at(end, wait).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Trouble::Closed)) => Err(Fault::Closed(stage)),
        Ok(Err(Trouble::TooMuch)) => Err(Fault::TooMuch(stage)),
        Ok(Err(Trouble::NotSmtp(text))) => Err(Fault::NotSmtp(stage, text)),
        Err(_) => Err(Fault::Late(stage)),
    }
}

/// Keeps what a server presents, and refuses nothing: this is no connection on which anything is trusted, and what is wrong with a
/// certificate is judged by what was kept.
#[derive(Debug, Default)]
struct Recorder {
    chain: Mutex<Vec<Der>>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let all = std::iter::once(end_entity).chain(intermediates).take(CERTIFICATES);
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = all.map(|der| Der(der.to_vec())).collect();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        // What ring checks, and what only old certificates can do: they are to be seen too.
        let mut schemes =
            rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes();
        schemes.extend([SignatureScheme::ECDSA_NISTP521_SHA512, SignatureScheme::RSA_PKCS1_SHA1]);
        schemes
    }
}
