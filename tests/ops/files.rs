//! Everything else in the folder, read by the programs that it is for.

use super::{project, text, tools};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every file under `ops` with one of these endings.
fn files(endings: &[&str]) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(&project("ops"), &mut found);
    found.retain(|path| path.extension().is_some_and(|end| endings.iter().any(|ending| end == *ending)));
    found
}

#[test]
fn every_yaml_file_parses_and_holds_no_key_twice() {
    let Some(python) = tools::python("python") else { return };
    let yaml = files(&["yml", "yaml"]);
    assert!(yaml.len() >= 15, "{yaml:?}");
    tools::done(Command::new(python).arg(project("tests/ops/yaml_strict.py")).args(yaml)).unwrap();
}

#[test]
fn kubernetes_takes_its_manifests_and_names_them_all() {
    let Some(validate) = tools::python("kubernetes-validate") else { return };
    let manifests: Vec<PathBuf> =
        files(&["yaml"]).into_iter().filter(|path| path.parent().unwrap().ends_with("kubernetes")).collect();
    // The operator's kinds and kustomize's own have no schema in Kubernetes; the operator's are read apart.
    let foreign = ["rules.yaml", "monitor.yaml", "kustomization.yaml"];
    let native = manifests.iter().filter(|path| foreign.iter().all(|name| !path.ends_with(name)));
    tools::done(Command::new(validate).arg("--strict").args(native)).unwrap();
    let named = text("ops/kubernetes/kustomization.yaml");
    for path in &manifests {
        let name = path.file_name().unwrap().to_str().unwrap();
        let apart = ["kustomization.yaml", "secret.example.yaml"].contains(&name);
        assert!(apart || named.contains(&format!("  - {name}\n")), "kustomization.yaml does not name {name}");
    }
}

#[test]
fn the_operator_takes_its_manifests_and_nothing_that_it_does_not_know() {
    let Some(python) = tools::python("python") else { return };
    let read = |path: &Path| tools::done(Command::new(&python).arg(project("tests/ops/operator_strict.py")).arg(path));
    let folder = tempfile::tempdir().unwrap();
    for (name, good, bad) in
        [("monitor.yaml", "interval: 5s", "intervall: 5s"), ("rules.yaml", "for: 30s", "for: soon")]
    {
        let path = project("ops/kubernetes").join(name);
        read(&path).unwrap();
        let broken = folder.path().join(name);
        std::fs::write(&broken, std::fs::read_to_string(&path).unwrap().replace(good, bad)).unwrap();
        read(&broken).unwrap_err();
    }
}

#[test]
fn the_image_and_its_like_are_sound() {
    if let Some(hadolint) = tools::python("hadolint") {
        tools::done(Command::new(hadolint).arg(project("ops/docker/Dockerfile"))).unwrap();
    }
    if let Some(amtool) = tools::debian("prometheus-alertmanager", "usr/bin/amtool") {
        let config = project("ops/alertmanager/alertmanager.yml");
        tools::done(Command::new(amtool).arg("check-config").arg(config)).unwrap();
    }
    let program = Path::new(env!("CARGO_BIN_EXE_highwire"));
    tools::done(Command::new(program).args(["check", "--config"]).arg(project("ops/highwire.toml"))).unwrap();
    for script in ["ops/docker/healthcheck", "ops/host/tune.sh"] {
        tools::done(Command::new("bash").arg("-n").arg(project(script))).unwrap();
    }
}

#[test]
fn systemd_understands_the_unit() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return eprintln!("SKIPPED: no systemd-analyze");
    }
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("highwire.service");
    // It wants to see a program at the path.
    let here = text("ops/systemd/highwire.service").replace("/usr/local/bin/highwire", env!("CARGO_BIN_EXE_highwire"));
    std::fs::write(&unit, here).unwrap();
    let output = Command::new("systemd-analyze").arg("verify").arg(&unit).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("highwire.service")).collect();
    assert!(output.status.success() && ours.is_empty(), "{said}");
}

#[test]
fn nginx_takes_its_example() {
    let Some(nginx) = tools::debian("nginx", "usr/sbin/nginx") else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let made = rcgen::generate_simple_self_signed(["highwire.example.org".to_owned()]).unwrap();
    for (name, pem) in [
        ("highwire.crt", made.cert.pem()),
        ("clients.crt", made.cert.pem()),
        ("highwire.key", made.signing_key.serialize_pem()),
    ] {
        std::fs::write(folder.path().join(name), pem).unwrap();
    }
    let example = text("ops/nginx/highwire.conf").replace("/etc/nginx/tls", &folder.path().display().to_string());
    let places: String =
        ["client_body_temp_path", "proxy_temp_path", "fastcgi_temp_path", "uwsgi_temp_path", "scgi_temp_path"]
            .map(|place| format!("{place} {};\n", at(place)))
            .concat();
    let whole = format!("pid {};\nevents {{}}\nhttp {{\naccess_log off;\n{places}\n{example}\n}}\n", at("pid"));
    std::fs::write(folder.path().join("nginx.conf"), whole).unwrap();
    let mut command = Command::new(nginx);
    command.arg("-t").arg("-q").args(["-e", &at("error.log"), "-p", &at(""), "-c", &at("nginx.conf")]);
    tools::done(&mut command).unwrap();
}

#[test]
fn tuning_reports_and_changes_nothing_unless_told() {
    let script = project("ops/host/tune.sh");
    let run = |arguments: &[&str]| Command::new("bash").arg(&script).args(arguments).output().unwrap();
    let swappiness = || std::fs::read_to_string("/proc/sys/vm/swappiness").unwrap_or_default();
    let before = swappiness();
    let report = run(&[]);
    let said = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(report.status.success() && said.contains("vm.swappiness"), "{said}");
    let todo: u32 = said.lines().last().and_then(|line| line.split(' ').next()?.parse().ok()).unwrap();
    assert_eq!(run(&["--check"]).status.code(), Some(i32::from(todo > 0)));
    assert_eq!(swappiness(), before);
    for wrong in [vec!["--applyy"], vec!["--cores", "a; rm"], vec!["--cores"]] {
        assert_ne!(run(&wrong).status.code(), Some(0), "{wrong:?}");
    }
}
