//! The listener: an accept loop of its own, since every limit must be real. A connection has a time for its
//! header (before the first byte and between requests too), a size for it, no body, and is one of so many.

use super::health::health;
use crate::metrics::{Format, gather, render};
use crate::vitals::Vitals;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

/// Connections at a time; a further one is closed at once.
const CONNECTIONS_MAX: usize = 2_048;
/// For a request's header, from the moment that the connection is idle.
const HEADER_WITHIN: Duration = Duration::from_secs(5);
/// For a whole connection, however well it behaves: a scraper opens another.
const CONNECTION_WITHIN: Duration = Duration::from_secs(300);
/// Bytes of a header.
const HEADER_BYTES_MAX: usize = 16 * 1024;

/// Where vitals come from; called for every request, must not block.
pub type Source = Arc<dyn Fn() -> Vitals + Send + Sync>;

/// A running server.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl HttpServer {
    /// Listens at `address` and answers from `source`.
    ///
    /// # Errors
    /// The address is not to be had.
    pub async fn start(address: SocketAddr, source: Source) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { address, task: tokio::spawn(accept(listener, router(source))) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HttpServer {
    /// Its connections end with it.
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match (accepted, Arc::clone(&places).try_acquire_owned()) {
                (Ok((socket, _)), Ok(place)) => {
                    let router = router.clone();
                    connections.spawn(async move {
                        // Its end is its own affair: the client sees why.
                        let _ended = tokio::time::timeout(CONNECTION_WITHIN, serve(socket, router)).await;
                        drop(place);
                    });
                }
                (Ok(_), Err(_)) => {}
                // Out of descriptors, or a client gone before its turn: breathe, go on.
                (Err(_), _) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
        }
    }
}

async fn serve(socket: TcpStream, router: Router) -> Result<(), hyper::Error> {
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WITHIN)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(router))
        .await
}

fn router(source: Source) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/health", get(well))
        .route("/ready", get(ready))
        .with_state(source)
}

async fn metrics(State(source): State<Source>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("");
    let format = Format::accepted(accept);
    let text = render(&gather(&source()), format);
    ([(header::CONTENT_TYPE, format.content_type())], text).into_response()
}

async fn well(State(source): State<Source>) -> Response {
    let health = health(&source());
    answer(health.live, &health)
}

async fn ready(State(source): State<Source>) -> Response {
    let health = health(&source());
    let body = serde_json::json!({ "ready": health.ready, "mode": health.mode, "reasons": health.reasons });
    answer(health.ready, &body)
}

fn answer(good: bool, body: &impl serde::Serialize) -> Response {
    let status = if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let text = serde_json::to_string(body).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], Body::from(text)).into_response()
}
