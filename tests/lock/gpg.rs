//! Keys and signatures by the real gpg, and gpgv's opinion of them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::world::put;

/// A home of gpg with one key; dropped, its agent ends with it.
pub(super) struct Gpg {
    home: tempfile::TempDir,
    pub(super) fingerprint: String,
}

impl Gpg {
    /// A key of the shape of AWS's that is good for this long, such as `never` or `1d`; it was made
    /// at that time, in seconds since 1970, where one is given.
    pub(super) fn with_key(algorithm: &str, expires: &str, made: Option<u64>) -> Self {
        let mut gpg = Self {
            // The path of the agent's socket must be short.
            home: tempfile::tempdir_in("/tmp").unwrap(),
            fingerprint: String::new(),
        };
        let mut args = vec!["--passphrase", "", "--pinentry-mode", "loopback"];
        let time = made.map(|made| format!("{made}!"));
        if let Some(time) = &time {
            args.extend(["--faked-system-time", time]);
        }
        args.extend([
            "--quick-gen-key",
            "Tests <t@example.org>",
            algorithm,
            "sign",
            expires,
        ]);
        gpg.run("gpg", &args);
        let listed = gpg.run("gpg", &["--with-colons", "--list-keys"]);
        let listed = String::from_utf8(listed.stdout).unwrap();
        let line = listed
            .lines()
            .find(|line| line.starts_with("fpr:"))
            .unwrap();
        let fingerprint = line.trim_end_matches(':').rsplit(':').next();
        fingerprint.unwrap().clone_into(&mut gpg.fingerprint);
        gpg
    }

    pub(super) fn new() -> Self {
        Self::with_key("rsa2048", "never", None)
    }

    /// The public key as text.
    pub(super) fn public(&self) -> Vec<u8> {
        self.run("gpg", &["--armor", "--export"]).stdout
    }

    /// A detached signature of these bytes, as `aws` makes it or with more options.
    pub(super) fn sign(&self, bytes: &[u8], more: &[&str]) -> Vec<u8> {
        let file = self.file("signed", bytes);
        let args = [
            "--passphrase",
            "",
            "--pinentry-mode",
            "loopback",
            "--output",
            "-",
        ];
        let shape = ["--digest-algo", "SHA512", "--detach-sign"];
        let shape: &[&str] = if more.is_empty() { &shape } else { more };
        self.run(
            "gpg",
            &[&args[..], shape, &[file.to_str().unwrap()]].concat(),
        )
        .stdout
    }

    /// Whether gpgv finds the signature good.
    pub(super) fn accepts(&self, signature: &[u8], bytes: &[u8]) -> bool {
        let keys = self.run("gpg", &["--export"]).stdout;
        let [keys, signature, bytes] = [("k", &keys[..]), ("s", signature), ("b", bytes)]
            .map(|(name, bytes)| self.file(name, bytes));
        let args = [keys, signature, bytes].map(|path| path.display().to_string());
        let mut command = self.command("gpgv");
        command.args(["--keyring", &args[0], &args[1], &args[2]]);
        command.output().unwrap().status.success()
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.home.path().join(name);
        put(&path, bytes);
        path
    }

    fn run(&self, program: &str, args: &[&str]) -> Output {
        let output = self.command(program).args(args).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {args:?}: {told}");
        output
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("GNUPGHOME", self.home.path())
            .stdin(Stdio::null());
        if program == "gpg" {
            command.args(["--batch", "--yes", "--quiet"]);
        }
        command
    }

    /// Where its files are.
    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let mut command = Command::new("gpgconf");
        command
            .arg("--homedir")
            .arg(self.home())
            .args(["--kill", "all"]);
        drop(command.output());
    }
}
