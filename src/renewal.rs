//! When the service begins anew within its process. The windows of a series are read at a start; once the last of them
//! has begun and the venue lists later ones, the service comes to rest as for SIGTERM and starts again with those: every
//! start is a recovery, so what is held, owed or in doubt goes on by name, and nothing of one market can be taken for
//! another's. Nothing is stopped for a list that cannot be had.

use crate::config::Config;
use crate::service::followed;
use std::future::pending;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Between two looks at the clock, and at the list once it is time.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// When a start's windows run out.
pub struct Renewal<'a> {
    /// Asks for the list.
    pub http: &'a reqwest::Client,
    /// Names the series.
    pub config: &'a Config,
    /// When the last window begins, seconds since 1970; `None` where no series is followed.
    pub until_s: Option<i64>,
}

impl Renewal<'_> {
    /// Returns once the last window has begun and the venue lists later ones.
    pub async fn due(&self) {
        let Some(until_s) = self.until_s else { return pending().await };
        while now_s() < until_s || !self.has_later(until_s).await {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn has_later(&self, until_s: i64) -> bool {
        match followed(self.http, self.config, &[]).await {
            Ok(found) => found.until_s.is_some_and(|later_s| later_s > until_s),
            Err(error) => {
                tracing::warn!(%error, "later windows cannot be asked for");
                false
            }
        }
    }
}

fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
