//! `highwire status`, `halt`, `flatten`, `resume`, `tune` and `acknowledge`: questions to a running service.

use crate::config::Config;
use crate::control::{self, Answer, ControlError, Question};

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// What is printed.
    pub text: String,
    /// Everything is as was asked for.
    pub is_well: bool,
}

/// How an answer is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// As JSON.
    pub json: bool,
    /// With the supervision tree.
    pub tree: bool,
}

/// Asks the service of this configuration's data folder.
///
/// # Errors
/// [`ControlError`].
pub fn operate(config: &Config, question: &Question, shape: Shape) -> Result<Said, ControlError> {
    let data = config.service.data_dir.as_ref();
    // What a resume will do is said before it is done.
    let plan = match question {
        Question::Resume { dry: false, why } if !shape.json => {
            Some(control::ask(data, &Question::Resume { dry: true, why: why.clone() })?)
        }
        _ => None,
    };
    let answer = control::ask(data, question)?;
    let is_well = match &answer {
        Answer::Reconciled(reconciled) => reconciled.is_well(),
        answer => !matches!(answer, Answer::Refused { .. } | Answer::Halted { clean: false, .. }),
    };
    let text = match (&answer, shape) {
        (_, Shape { json: true, .. }) => {
            serde_json::to_string_pretty(&answer).map_err(|error| ControlError::Broken(error.to_string()))?
        }
        (Answer::Status(status), Shape { tree: true, .. }) => format!("{status}\n{}", status.tree),
        _ => plan.map_or_else(String::new, |plan| plan.to_string()) + &answer.to_string(),
    };
    Ok(Said { text, is_well })
}

/// Who asks: the name of the user at this terminal, for logs and latches.
pub fn asker() -> String {
    let user = std::env::var("USER").unwrap_or_else(|_| format!("user {}", rustix::process::getuid().as_raw()));
    format!("asked for by {user}")
}
