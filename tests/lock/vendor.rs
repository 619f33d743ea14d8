//! The vendors' servers, all of them one: a tunnel leads every name to it, over TLS.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::archives::{Member, tar_gz, zip};
use crate::fixture::{elf_for, sha256};
use crate::http::proxy::Tunnel;
use crate::http::tls::authority;
use crate::server::{Reply, Request, Server};
use crate::world::World;
use bootstrap::platform::{Arch, Platform};

/// The names that the certificate is for.
const NAMES: [&str; 6] = [
    "awscli.amazonaws.com",
    "github.com",
    "dl.k8s.io",
    "nodejs.org",
    "mirror.example",
    "localhost",
];

type Shelf = Mutex<BTreeMap<String, Reply>>;

/// The servers.
pub(super) struct Vendor {
    server: Server,
    tunnel: Tunnel,
    certificate: String,
    shelf: Arc<Shelf>,
}

impl Vendor {
    pub(super) fn new() -> Self {
        let shelf = Arc::new(Shelf::default());
        let shelves = Arc::clone(&shelf);
        let authority = authority(&NAMES);
        let server = Server::start_tls(authority.server, move |request| {
            let found = shelves.lock().unwrap().get(&target(request)).cloned();
            found.unwrap_or_else(|| Reply::status(404))
        });
        Self {
            tunnel: Tunnel::leading_to(server.address()),
            certificate: authority.certificate.pem(),
            server,
            shelf,
        }
    }

    /// A machine that knows no other way out.
    pub(super) fn world(&self) -> World {
        let world = World::new();
        let bundle = world.write("ca.pem", &self.certificate);
        world
            .with(
                "https_proxy",
                &format!("http://127.0.0.1:{}", self.tunnel.port),
            )
            .with("BOOTSTRAP_CA_BUNDLE", bundle.to_str().unwrap())
            .with("BOOTSTRAP_DEADLINE", "20s")
    }

    /// Puts a file at `host/path`.
    pub(super) fn put(&self, at: &str, bytes: impl Into<Vec<u8>>) {
        self.answer(at, Reply::ok(bytes));
    }

    pub(super) fn answer(&self, at: &str, reply: Reply) {
        self.shelf.lock().unwrap().insert(at.to_owned(), reply);
    }

    pub(super) fn redirect(&self, at: &str, to: &str) {
        self.answer(at, Reply::redirect(to));
    }

    /// Takes what is at `host/path` away.
    pub(super) fn remove(&self, at: &str) {
        self.shelf.lock().unwrap().remove(at).unwrap();
    }

    /// Publishes a version of a tool as its vendor does, checksums included.
    pub(super) fn publish(&self, tool: &str, version: &str) {
        let mut list = String::new();
        for platform in Platform::ALL {
            let at = address(tool, version, platform.arch);
            let bytes = artifact(tool, version, platform.arch);
            let name = at.rsplit('/').next().unwrap();
            let hex = sha256(&bytes).hex();
            list.push_str(&format!("{hex}  {name}\n"));
            if tool == "kubectl" {
                self.put(&format!("{at}.sha256"), hex);
            }
            self.put(&at, bytes);
        }
        self.put(&checksums(tool, version), list);
    }

    /// All requests so far, as `host/path`.
    pub(super) fn requests(&self) -> Vec<String> {
        self.server.requests().iter().map(target).collect()
    }
}

fn target(request: &Request) -> String {
    let host = request.header("host").unwrap().split(':').next().unwrap();
    format!("{host}{}", request.target)
}

/// Where a tool's artifact is, as `host/path`.
pub(super) fn address(tool: &str, version: &str, arch: Arch) -> String {
    let (go, uname, node) = (arch.go(), arch.uname(), arch.node());
    match tool {
        "aws-cli" => format!("awscli.amazonaws.com/awscli-exe-linux-{uname}-{version}.zip"),
        "aws-iam-authenticator" => format!(
            "github.com/kubernetes-sigs/aws-iam-authenticator/releases/download/v{version}/aws-iam-authenticator_{version}_linux_{go}"
        ),
        "kubectl" => format!("dl.k8s.io/release/v{version}/bin/linux/{go}/kubectl"),
        "node" => format!("nodejs.org/dist/v{version}/node-v{version}-linux-{node}.tar.gz"),
        other => panic!("{other}"),
    }
}

/// Where a tool's list of checksums is, as `host/path`.
pub(super) fn checksums(tool: &str, version: &str) -> String {
    match tool {
        "aws-iam-authenticator" => format!(
            "github.com/kubernetes-sigs/aws-iam-authenticator/releases/download/v{version}/authenticator_{version}_checksums.txt"
        ),
        "node" => format!("nodejs.org/dist/v{version}/SHASUMS256.txt"),
        "kubectl" => format!("dl.k8s.io/release/v{version}/nobody/reads/this"),
        other => panic!("{other}"),
    }
}

/// A tool that prints what it should.
pub(super) fn artifact(tool: &str, version: &str, arch: Arch) -> Vec<u8> {
    let program = |text: &str| elf_for(arch, text, None);
    match tool {
        "aws-cli" => zip(&[
            Member::elf(
                "aws/dist/aws",
                program(&format!("aws-cli/{version} Python/3\n")),
            ),
            Member::elf("aws/dist/aws_completer", program("")),
        ]),
        "aws-iam-authenticator" => program(&format!("{{\"Version\":\"{version}\"}}\n")),
        "kubectl" => program(&format!("Client Version: v{version}\n")),
        "node" => {
            let root = format!("node-v{version}-linux-{}", arch.node());
            tar_gz(&[
                Member::elf(
                    &format!("{root}/bin/node"),
                    program(&format!("v{version}\n")),
                ),
                Member::program(&format!("{root}/bin/npm"), "#!/bin/sh\n"),
                Member::program(&format!("{root}/bin/npx"), "#!/bin/sh\n"),
            ])
        }
        other => panic!("{other}"),
    }
}
