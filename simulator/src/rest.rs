//! What the venues' REST rooms share: serving a router until told to stop, and the shape of an answer.

use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long requests in flight may take after the stop.
const DRAIN_MAX: Duration = Duration::from_millis(500);

/// Serves until `stop` changes, then lets requests in flight finish for a short while.
pub(crate) async fn run(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let mut seen = stop.clone();
    let stopped = async move {
        let _ = seen.changed().await; // an error means that the simulator is gone: stop as well
    };
    let served = axum::serve(listener, router).with_graceful_shutdown(stopped).into_future();
    let deadline = async move {
        let _ = stop.changed().await;
        tokio::time::sleep(DRAIN_MAX).await;
    };
    tokio::select! {
        ended = served => if let Err(error) = ended { tracing::warn!(%error, "REST room ended"); },
        () = deadline => {}
    }
}

/// A JSON answer.
pub(crate) fn json(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "application/json;charset=UTF-8")], body).into_response()
}
