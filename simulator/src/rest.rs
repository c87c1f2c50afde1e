//! What the venues' REST rooms share: serving a router until told to stop, and the shape of an answer.

mod bomb;
pub(crate) mod faulty;

use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use tokio::sync::{mpsc, watch};

use crate::door::{Guest, Stream};
use crate::fault::verb::AnswerFault;

/// How long requests in flight may take after the stop.
const DRAIN_MAX: Duration = Duration::from_millis(500);

/// Serves until `stop` changes, then lets requests in flight finish for a short while.
pub(crate) async fn run(
    listener: impl Listener<Addr: std::fmt::Debug>,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
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

/// An answer as faults have it: never, later, or as a request whose outcome is not known.
pub(crate) async fn answered<T, E>(
    fate: Option<(AnswerFault, u64)>,
    answer: Result<T, E>,
    unknown: E,
    write: impl FnOnce(&Result<T, E>) -> Response,
) -> Response {
    match fate {
        Some((AnswerFault::Drop, _)) => std::future::pending().await,
        Some((AnswerFault::Error, _)) => write(&Err(unknown)),
        Some((AnswerFault::Late, late_ns)) => {
            tokio::time::sleep(Duration::from_nanos(late_ns)).await;
            write(&answer)
        }
        _ => write(&answer),
    }
}

/// The guests of a door as a listener.
pub(crate) struct Guests(pub(crate) mpsc::Receiver<Guest>);

impl Listener for Guests {
    type Io = Box<dyn Stream>;
    type Addr = u64;

    async fn accept(&mut self) -> (Self::Io, u64) {
        match self.0.recv().await {
            Some(guest) => (guest.stream, guest.conn),
            None => std::future::pending().await, // the door is shut; the stop ends us
        }
    }

    fn local_addr(&self) -> std::io::Result<u64> {
        Ok(0)
    }
}
