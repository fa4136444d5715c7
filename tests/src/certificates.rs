//! Certificates for servers of stories, made by OpenSSL.

use std::path::Path;
use std::process::Command;

/// An authority that nobody knows (`authority.pem`), and a certificate of it for `localhost` (`server.pem` and
/// `server.key`), in `folder`.
pub(crate) fn make_certificates(folder: &Path) {
    const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let authority = ["-subj", "/CN=stories", "-keyout", "authority.key", "-out", "authority.pem"];
    openssl(folder, &[&KEY[..], &authority].concat());
    let signed = ["-CA", "authority.pem", "-CAkey", "authority.key", "-subj", "/CN=localhost"];
    let for_servers = ["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:FALSE"];
    let files = ["-keyout", "server.key", "-out", "server.pem"];
    openssl(folder, &[&KEY[..], &signed, &for_servers, &files].concat());
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-days", "2"]).args(arguments).current_dir(folder);
    let output = command.output().expect("openssl: `scripts/setup peers` installs it");
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}
