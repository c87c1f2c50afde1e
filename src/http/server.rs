//! The listener: an accept loop of its own on a thread of its own, since every limit must be real and no actor may
//! wait for it. A connection has a time for its header (before the first byte and between requests too), a size for it,
//! no body, and is one of so many: when all places are taken the oldest connection goes, so that whoever comes now is
//! served.

use super::glance::Glance;
use super::health::health;
use super::impatient::Impatient;
use crate::metrics::Format;
use crate::vitals::Vitals;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, getrlimit};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

/// Connections at a time, where there are descriptors for them.
const CONNECTIONS_MAX: usize = 512;
/// Of the process's descriptors, one in so many may be a connection here: the rest is for venues and files.
const DESCRIPTORS_SHARE: usize = 4;
/// For a request's header, from the moment that the connection is idle.
const HEADER_WITHIN: Duration = Duration::from_secs(5);
/// For anything of an answer to be taken.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);
/// For a whole connection, however well it behaves: a scraper opens another.
const CONNECTION_WITHIN: Duration = Duration::from_secs(300);
/// Bytes of a header.
const HEADER_BYTES_MAX: usize = 16 * 1024;

/// Where vitals come from; called for every request, must not block.
pub type Source = Arc<dyn Fn() -> Vitals + Send + Sync>;

/// A running server; it ends with this.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl HttpServer {
    /// Listens at `address` and answers from `source`, on a thread of its own.
    ///
    /// # Errors
    /// The address or a thread is not to be had.
    pub fn start(address: SocketAddr, source: Source) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = async move {
            let listener = TcpListener::from_std(listener)?;
            tokio::select! {
                () = accept(listener, router(source), places()) => {}
                _ = stopped => {}
            }
            io::Result::Ok(())
        };
        std::thread::Builder::new().name("http".to_owned()).spawn(move || {
            if let Err(error) = runtime.block_on(serve) {
                tracing::error!(%error, "metrics and health are not served");
            }
        })?;
        Ok(Self { address, _stop: stop })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Connections that the process can bear.
fn places() -> usize {
    let descriptors = getrlimit(Resource::Nofile).current.map_or(usize::MAX, |limit| limit as usize);
    (descriptors / DESCRIPTORS_SHARE).clamp(1, CONNECTIONS_MAX)
}

async fn accept(listener: TcpListener, router: Router, places: usize) {
    let mut connections: VecDeque<AbortHandle> = VecDeque::with_capacity(places);
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            // Out of descriptors, or a client gone before its turn: breathe, go on.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        if connections.len() >= places {
            connections.retain(|connection| !connection.is_finished());
        }
        if connections.len() >= places {
            connections.pop_front().into_iter().for_each(|oldest| oldest.abort());
        }
        let router = router.clone();
        // Its end is its own affair: the client sees why.
        let served = async { _ = tokio::time::timeout(CONNECTION_WITHIN, serve(socket, router)).await };
        connections.push_back(tokio::spawn(served).abort_handle());
    }
}

async fn serve(socket: TcpStream, router: Router) -> Result<(), hyper::Error> {
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WITHIN)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(Impatient::new(socket, TAKEN_WITHIN)), TowerToHyperService::new(router))
        .await
}

fn router(source: Source) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/health", get(well))
        .route("/ready", get(ready))
        .with_state(Arc::new(Glance::new(source)))
}

async fn metrics(State(glance): State<Arc<Glance>>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("");
    let format = Format::accepted(accept);
    ([(header::CONTENT_TYPE, format.content_type())], Body::from(glance.metrics(format))).into_response()
}

async fn well(State(glance): State<Arc<Glance>>) -> Response {
    let health = health(&glance.vitals());
    answer(health.live, &health)
}

async fn ready(State(glance): State<Arc<Glance>>) -> Response {
    let health = health(&glance.vitals());
    let body = serde_json::json!({ "ready": health.ready, "mode": health.mode, "reasons": health.reasons });
    answer(health.ready, &body)
}

fn answer(good: bool, body: &impl serde::Serialize) -> Response {
    let status = if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let text = serde_json::to_vec(body).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], Bytes::from(text)).into_response()
}
