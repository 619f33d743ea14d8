//! AWS for tests: moto, in a Python of its own, on loopback.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::world::World;

/// A role that asks for [`EXTERNAL_ID`].
pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/ci/deployer";
pub(crate) const EXTERNAL_ID: &str = "5d2c-external";
/// A role that asks for nothing.
pub(crate) const OPEN_ROLE: &str = "arn:aws:iam::111122223333:role/open";
/// The role of a service account, and the account.
pub(crate) const WEB_ROLE: &str = "arn:aws:iam::123456789012:role/irsa";
pub(crate) const SUBJECT: &str = "system:serviceaccount:harness:delegate";

/// A server; dropped, it ends.
pub(crate) struct Moto {
    child: Child,
    url: String,
}

impl Moto {
    /// The one that most tests share; it ends with the process of the tests, whose pipe it reads.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Moto> = OnceLock::new();
        SHARED.get_or_init(|| {
            Self::start(&json!({
                "clusters": [
                    {
                        "name": "payments", "region": "us-east-1", "mode": "API_AND_CONFIG_MAP",
                        "endpoint": "https://0f1e.gr7.us-east-1.eks.amazonaws.com", "ca": "Q0E=",
                        "issuer": "https://oidc.eks.us-east-1.amazonaws.com/id/0F1E",
                        "fargate": { "apps": [{ "namespace": "apps", "labels": { "on": "fargate" } }] },
                    },
                    { "name": "new", "region": "us-east-1", "status": "CREATING" },
                    { "name": "edge", "region": "us-west-2", "outpost_id": "0f1e2d3c-4b5a" },
                ],
                "roles": { ROLE: EXTERNAL_ID, OPEN_ROLE: null },
                "web": { WEB_ROLE: SUBJECT },
            }))
        })
    }

    /// One of its own.
    pub(crate) fn start(world: &Value) -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let python = root.join("target/tools/aws/bin/python");
        assert!(
            python.exists(),
            "run scripts/setup: {} is missing",
            python.display()
        );
        let mut child = Command::new(python)
            .arg(root.join("tests/aws/moto_server.py"))
            .env_clear()
            .env("HOME", "/nonexistent")
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Kept open: the server ends when it is closed.
        let stdin = child.stdin.as_mut().unwrap();
        writeln!(stdin, "{world}").unwrap();
        let mut port = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut port).unwrap();
        let port: u16 = port.trim().parse().expect("moto did not start");
        Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A world in which this is AWS, with the keys of a user.
    pub(crate) fn world(&self) -> World {
        World::new()
            .with("AWS_ENDPOINT_URL", &self.url)
            .with("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
            .with("AWS_SECRET_ACCESS_KEY", "s3cret-key")
            .with("AWS_REGION", "us-east-1")
            .with("AWS_EC2_METADATA_DISABLED", "true")
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
