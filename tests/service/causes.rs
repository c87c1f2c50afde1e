//! What holds a mode of the whole service, seen from outside.

use super::run::{settings, simulator_of};
use super::running::Running;
use highwire_simulator::MarketConfig;
use std::path::PathBuf;

async fn with_simulator(story: impl FnOnce(PathBuf) + Send + 'static) {
    let market = MarketConfig { lag_ns: 250_000_000, ..MarketConfig::default() };
    let (simulator, folder) = (simulator_of(market).await, tempfile::tempdir().unwrap());
    let config = settings(&simulator, folder.path(), true);
    tokio::task::spawn_blocking(move || story(config)).await.unwrap();
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_above_its_watermark_of_memory_does_less_and_says_so() {
    with_simulator(|config| {
        let running = Running::start_with(&config, &[], &[("HIGHWIRE__MODES__MEMORY_MB", "16")]);
        running.wait_mode("HedgeOnly");
        assert!(running.health()["reasons"].to_string().contains("memory holds HedgeOnly"), "{}", running.health());
    })
    .await;
}
