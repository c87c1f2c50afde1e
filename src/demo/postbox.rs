//! Where the demo's alerts arrive: a webhook on loopback that keeps the headlines.

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A webhook that is listening; it ends with this.
pub struct Postbox {
    address: String,
    posts: Posts,
    task: JoinHandle<()>,
}

type Posts = Arc<Mutex<Vec<String>>>;

impl Postbox {
    /// Opens it.
    ///
    /// # Errors
    /// No port could be had.
    pub async fn open() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, posts) = (format!("http://{}/alerts", listener.local_addr()?), Posts::default());
        let router = Router::new().route("/alerts", post(take)).with_state(Arc::clone(&posts));
        Ok(Self { address, posts, task: tokio::spawn(accept(listener, router)) })
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What has arrived, oldest first.
    pub fn posts(&self) -> Vec<String> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Postbox {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, router: Router) {
    while let Ok((socket, _)) = listener.accept().await {
        let service = TowerToHyperService::new(router.clone());
        // Its end is its own affair: the service tells again what was not taken.
        let serve = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service);
        tokio::spawn(async { _ = serve.await });
    }
}

async fn take(State(posts): State<Posts>, Json(message): Json<Value>) {
    let headline = message["headline"].as_str().unwrap_or_default().to_owned();
    posts.lock().unwrap_or_else(PoisonError::into_inner).push(headline);
}
