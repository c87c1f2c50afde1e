//! Samples as text: the format of Prometheus 0.0.4, or OpenMetrics 1.0 when the client asks for it.
//!
//! Sources: prometheus.io "Exposition formats"; the OpenMetrics 1.0 specification (a counter's family has no
//! `_total`, its samples have; the text ends with `# EOF`).

use super::catalogue::{Family, Kind, families};
use super::{Sample, Value};
use std::fmt::Write;

/// Which format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text.
    Prometheus,
    /// OpenMetrics.
    OpenMetrics,
}

impl Format {
    /// The format that an `Accept` header asks for.
    pub fn accepted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// Its content type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The text. A sample of no family in the catalogue is left out: the catalogue is what is promised.
pub fn render(samples: &[Sample], format: Format) -> String {
    let mut text = String::with_capacity(samples.len() * 96);
    for family in families() {
        let mut of_family = samples.iter().filter(|sample| sample.family == family.name).peekable();
        if of_family.peek().is_none() {
            continue;
        }
        head(&mut text, &family, format);
        of_family.for_each(|sample| lines(&mut text, &family, sample));
    }
    if format == Format::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

fn head(text: &mut String, family: &Family, format: Format) {
    let counter = format == Format::OpenMetrics && family.kind == Kind::Counter;
    let name = if counter { family.name.trim_end_matches("_total") } else { family.name.as_str() };
    let _ = writeln!(text, "# HELP {name} {}", escaped(family.help));
    let _ = writeln!(text, "# TYPE {name} {}", family.kind.name());
}

fn lines(text: &mut String, family: &Family, sample: &Sample) {
    let named: Vec<String> = family
        .labels
        .iter()
        .zip(&sample.labels)
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    let labels = |more: Option<String>| {
        let all: Vec<String> = named.iter().cloned().chain(more).collect();
        if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
    };
    let name = &family.name;
    let _ = match &sample.value {
        Value::Count(count) => writeln!(text, "{name}{} {count}", labels(None)),
        Value::Number(number) => writeln!(text, "{name}{} {number}", labels(None)),
        Value::Exact(decimal) => writeln!(text, "{name}{} {decimal}", labels(None)),
        Value::Histogram { buckets, above, sum_s } => {
            let mut sum = 0;
            for (bound, count) in buckets {
                sum += count;
                let _ = writeln!(text, "{name}_bucket{} {sum}", labels(Some(format!("le=\"{bound}\""))));
            }
            sum += above;
            let _ = writeln!(text, "{name}_bucket{} {sum}", labels(Some("le=\"+Inf\"".to_owned())));
            let _ = writeln!(text, "{name}_sum{} {sum_s}", labels(None));
            writeln!(text, "{name}_count{} {sum}", labels(None))
        }
    };
}

fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n")
}
