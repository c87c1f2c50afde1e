//! How far the venues agree with us, as it is said over the control socket.

use crate::reconcile::{Adjusted, Shown, Standing};
use highwire_links::Nanos;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciled {
    /// Venues.
    pub venues: Vec<Venue>,
    /// What was adopted lately, the newest last.
    pub adjusted: Vec<Adjustment>,
    /// What was just signed.
    pub signed: Vec<String>,
}

/// A venue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Venue {
    /// Its name.
    pub name: String,
    /// Milliseconds since it agreed; nothing before it ever did.
    pub agreed_ms_ago: Option<u64>,
    /// Milliseconds since it was looked at.
    pub looked_ms_ago: u64,
    /// Looks so far.
    pub looks: u64,
    /// What differs: its class and words.
    pub differences: Vec<(String, String)>,
}

/// An adjustment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    /// Milliseconds since it was made.
    pub ms_ago: u64,
    /// Where.
    pub venue: String,
    /// Of what.
    pub asset: String,
    /// What we had.
    pub ours: String,
    /// What the venue said.
    pub theirs: String,
    /// Why, and by whom.
    pub label: String,
}

impl Reconciled {
    /// What is shown now, after this was signed.
    pub fn new(shown: &Shown, signed: Vec<String>, now: Nanos) -> Self {
        let ms_ago = |at_ns: Nanos| now.saturating_sub(at_ns) / 1_000_000;
        let venue = |(name, standing): (&&'static str, &Standing)| Venue {
            name: (*name).to_owned(),
            agreed_ms_ago: (standing.agreed_ns > 0).then(|| ms_ago(standing.agreed_ns)),
            looked_ms_ago: ms_ago(standing.looked_ns),
            looks: standing.looks,
            differences: standing
                .differences
                .iter()
                .map(|(class, words)| ((*class).to_owned(), words.clone()))
                .collect(),
        };
        let adjustment = |adjusted: &Adjusted| Adjustment {
            ms_ago: ms_ago(adjusted.at_ns),
            venue: adjusted.venue.clone(),
            asset: adjusted.asset.clone(),
            ours: adjusted.ours.to_string(),
            theirs: adjusted.theirs.to_string(),
            label: adjusted.label.clone(),
        };
        Self {
            venues: shown.venues.iter().map(venue).collect(),
            adjusted: shown.adjusted.iter().map(adjustment).collect(),
            signed,
        }
    }

    /// Nothing is left that an operator must look at.
    pub fn is_well(&self) -> bool {
        !self.signed.is_empty()
            || self.venues.iter().all(|venue| venue.differences.iter().all(|(class, _)| class != "stops"))
    }
}

impl fmt::Display for Reconciled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Venue { name, agreed_ms_ago, looked_ms_ago, looks, differences } in &self.venues {
            let agreed = agreed_ms_ago.map_or("never agreed".to_owned(), |ms| format!("agreed {ms} ms ago"));
            writeln!(f, "venue      {name:<14} {agreed}, looked at {looked_ms_ago} ms ago, {looks} looks")?;
            differences.iter().try_for_each(|(class, words)| writeln!(f, "           {class}: {words}"))?;
        }
        for Adjustment { ms_ago, venue, asset, ours, theirs, label } in &self.adjusted {
            writeln!(f, "adopted    {venue} {asset} {ours} → {theirs}, {ms_ago} ms ago ({label})")?;
        }
        if !self.signed.is_empty() {
            self.signed.iter().try_for_each(|what| writeln!(f, "signed     {what}"))?;
            writeln!(f, "what it latched is lifted by `highwire resume`")?;
        }
        Ok(())
    }
}
