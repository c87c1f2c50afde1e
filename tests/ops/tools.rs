//! Tools of others: taken from the machine if it has them, else fetched once by the clients of the package registries
//! into the target folder. Where one cannot be had, its tests are skipped; in CI they fail.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

type Found = Result<PathBuf, String>;

/// A program of a Debian package, such as `("prometheus", "usr/bin/promtool")`.
pub(crate) fn debian(package: &str, program: &str) -> Option<PathBuf> {
    find(program, || from_debian(package, program))
}

/// A program of the Python environment, such as `hadolint`.
pub(crate) fn python(program: &str) -> Option<PathBuf> {
    find(&format!("python/{program}"), || from_pypi().map(|home| home.join("bin").join(program)))
}

/// Looks once per tool and process, one tool at a time.
fn find(name: &str, look: impl FnOnce() -> Found) -> Option<PathBuf> {
    static FOUND: Mutex<Option<HashMap<String, Found>>> = Mutex::new(None);
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    match found.get_or_insert_default().entry(name.to_owned()).or_insert_with(look) {
        Ok(path) => Some(path.clone()),
        Err(why) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "no {name}: {why}");
            eprintln!("SKIPPED: no {name}: {why}");
            None
        }
    }
}

fn home() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("ops-tools")
}

fn from_debian(package: &str, program: &str) -> Found {
    let base = program.rsplit('/').next().unwrap_or(program);
    let kept = home().join("debian").join(package);
    let places = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let on_path = |places: Vec<PathBuf>| places.into_iter().map(|place| place.join(base)).find(|path| path.is_file());
    if let Some(path) = on_path(places) {
        return Ok(path);
    }
    if !kept.join(program).is_file() {
        download(package, &kept)?;
    }
    let path = kept.join(program);
    if path.is_file() { Ok(path) } else { Err(format!("{package} has no {program}")) }
}

/// Unpacks a Debian package without installing it. The machine's own lists may be missing or old, then they
/// are read anew into a folder of ours.
fn download(package: &str, to: &Path) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let get = |more: &[String]| {
        let mut command = Command::new("apt-get");
        command.args(["-q", "-o", "APT::Sandbox::User=root"]).args(more).args(["download", package]);
        done(command.current_dir(folder.path()))
    };
    if get(&[]).is_err() {
        let lists = home().join("lists");
        std::fs::create_dir_all(lists.join("partial")).map_err(|error| error.to_string())?;
        let own = ["-o".to_owned(), format!("Dir::State::lists={}", lists.display())];
        done(Command::new("apt-get").args(["-q", "-o", "APT::Sandbox::User=root"]).args(&own).arg("update"))?;
        get(&own)?;
    }
    let files = std::fs::read_dir(folder.path()).map_err(|error| error.to_string())?;
    let archive = files.flatten().map(|file| file.path()).find(|path| path.extension().is_some_and(|e| e == "deb"));
    let archive = archive.ok_or_else(|| format!("apt-get brought no {package}"))?;
    // Whole or not at all: a run that was cut off must not leave half a tool.
    let half = to.with_extension("half");
    let _old = std::fs::remove_dir_all(&half);
    std::fs::create_dir_all(&half).map_err(|error| error.to_string())?;
    done(Command::new("dpkg-deb").arg("-x").arg(archive).arg(&half))?;
    std::fs::rename(&half, to).map_err(|error| error.to_string())
}

fn from_pypi() -> Found {
    let pins_path = super::project("tests/ops/requirements.txt");
    let pins = super::text("tests/ops/requirements.txt");
    let home = home().join("python");
    let stamp = home.join("pins");
    if std::fs::read_to_string(&stamp).is_ok_and(|kept| kept == pins) {
        return Ok(home);
    }
    done(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
    let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r"];
    done(Command::new(home.join("bin/python")).args(quiet).arg(pins_path))?;
    std::fs::write(&stamp, pins).map_err(|error| error.to_string())?;
    Ok(home)
}

/// Runs it to its end; what it said on standard output.
///
/// # Errors
/// It could not be started, or failed: what it said.
pub(crate) fn done(command: &mut Command) -> Result<String, String> {
    let output: Output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(said.into_owned()) } else { Err(format!("{command:?}\n{said}\n{errors}")) }
}
