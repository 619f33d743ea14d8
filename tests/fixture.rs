//! Tools of a few bytes, made by the tests, and the lock that pins them.

use std::collections::BTreeMap;

use bootstrap::digest::{Algorithm, Digest, Hasher};
use bootstrap::platform::{Arch, Platform};

use crate::archives::{Member, tar_gz, zip};
use crate::server::{Reply, Request, Server};

/// A tool as its vendor would publish it, and how a lock describes it.
#[derive(Clone)]
pub(crate) struct Fixture {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// The artifact.
    pub(crate) bytes: Vec<u8>,
    /// What the lock says of it.
    pub(crate) digest: String,
    pub(crate) size: Option<usize>,
    pub(crate) layout: &'static str,
    /// The value of `programs`.
    pub(crate) programs: String,
    /// The value of `smoke`.
    pub(crate) smoke: String,
    /// Further keys, each a line.
    pub(crate) more: Vec<String>,
}

impl Fixture {
    /// A shell script that prints its name and version.
    pub(crate) fn script(name: &'static str, version: &'static str) -> Self {
        let text = format!("#!/bin/sh\necho '{name} {version}'\n");
        Self::program(name, version, "script", text.into_bytes())
    }

    /// A tool that is this one program.
    pub(crate) fn program(
        name: &'static str,
        version: &'static str,
        kind: &str,
        bytes: Vec<u8>,
    ) -> Self {
        Self {
            name,
            version,
            digest: sha256(&bytes).to_string(),
            size: Some(bytes.len()),
            bytes,
            layout: "raw",
            programs: format!("{{ {name}: {{ path: {name}, kind: {kind} }} }}"),
            smoke: format!(
                "{{ program: {name}, args: [\"--version\"], expect: \"{name} {{version}}\" }}"
            ),
            more: Vec::new(),
        }
    }

    /// A tool that is an archive of this layout, with the program at `bin/NAME`.
    pub(crate) fn archive(
        name: &'static str,
        version: &'static str,
        layout: &'static str,
        bytes: Vec<u8>,
    ) -> Self {
        Self {
            layout,
            programs: format!("{{ {name}: {{ path: bin/{name}, kind: script }} }}"),
            ..Self::program(name, version, "script", bytes)
        }
    }

    /// A zip with `bin/NAME`, a script, and `share/NAME/example.txt`.
    pub(crate) fn zip(name: &'static str, version: &'static str) -> Self {
        Self::archive(name, version, "zip", zip(&members(name, version)))
    }

    /// The same as a tar.gz.
    pub(crate) fn tar_gz(name: &'static str, version: &'static str) -> Self {
        Self::archive(name, version, "tar.gz", tar_gz(&members(name, version)))
    }

    /// The same with one more key of the lock.
    pub(crate) fn also(mut self, line: &str) -> Self {
        self.more.push(line.to_owned());
        self
    }

    /// The same with another tool that it needs.
    pub(crate) fn needs(self, tool: &str, at_least: &str) -> Self {
        self.also(&format!(
            "needs: [{{ tool: {tool}, at_least: \"{at_least}\" }}]"
        ))
    }

    /// The path that it has on servers.
    pub(crate) fn path(&self) -> String {
        format!("/{}-{}", self.name, self.version)
    }

    /// A server that has these.
    pub(crate) fn serve(tools: &[&Self]) -> Server {
        Server::start(Self::shelf(tools))
    }

    /// What such a server does.
    pub(crate) fn shelf(tools: &[&Self]) -> impl Fn(&Request) -> Reply + Send + Sync + 'static {
        let shelf: BTreeMap<String, Vec<u8>> = tools
            .iter()
            .map(|tool| (tool.path(), tool.bytes.clone()))
            .collect();
        move |request: &Request| match shelf.get(&request.target) {
            Some(bytes) => Reply::whole_or_part(bytes, request),
            None => Reply::status(404),
        }
    }

    /// A lock with these tools, at this server.
    pub(crate) fn lock(server: &Server, tools: &[&Self]) -> String {
        Self::lock_at(&server.url(""), tools)
    }

    /// A lock with these tools, at this base URL.
    pub(crate) fn lock_at(base: &str, tools: &[&Self]) -> String {
        let mut text = "version: 1\ntools:\n".to_owned();
        for tool in tools {
            let size = tool.size.map(|size| format!(", size: {size}"));
            let mut lines = vec![
                format!("version: \"{}\"", tool.version),
                format!(
                    "artifacts: {{ any: {{ url: \"{base}{}\", digest: \"{}\"{} }} }}",
                    tool.path(),
                    tool.digest,
                    size.unwrap_or_default()
                ),
                format!("layout: {}", tool.layout),
                format!("programs: {}", tool.programs),
                format!("smoke: {}", tool.smoke),
            ];
            lines.extend(tool.more.clone());
            text.push_str(&format!("  {}:\n    {}\n", tool.name, lines.join("\n    ")));
        }
        text
    }
}

fn members(name: &str, version: &str) -> Vec<Member> {
    let script = format!("#!/bin/sh\necho '{name} {version}'\n");
    vec![
        Member::program(&format!("bin/{name}"), &script),
        Member::file(&format!("share/{name}/example.txt"), "an example\n"),
    ]
}

/// The SHA-256 of these bytes.
pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(bytes);
    hasher.finish()
}

/// A static program for this machine that prints `text` and ends with 0.
pub(crate) fn elf(text: &str) -> Vec<u8> {
    elf_for(Platform::host().arch, text, None)
}

/// The same for any machine, and with a program interpreter where one is given.
pub(crate) fn elf_for(arch: Arch, text: &str, interpreter: Option<&str>) -> Vec<u8> {
    const BASE: u64 = 0x40_0000;
    let headers = if interpreter.is_some() { 2 } else { 1 };
    let start = 64 + 56 * headers;
    let code = machine_code(arch, text.len());
    let loader = interpreter
        .map(|path| format!("{path}\0"))
        .unwrap_or_default();
    let end = start + code.len() + text.len() + loader.len();
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let machine: u16 = match arch {
        Arch::Amd64 => 62,
        Arch::Arm64 => 183,
    };
    // e_type EXEC, e_machine, e_version, e_entry, e_phoff, e_shoff, e_flags.
    bytes.extend(2_u16.to_le_bytes());
    bytes.extend(machine.to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend((BASE + start as u64).to_le_bytes());
    bytes.extend(64_u64.to_le_bytes());
    bytes.extend([0; 12]);
    // e_ehsize, e_phentsize, e_phnum, and no sections.
    for value in [64_u16, 56, u16::try_from(headers).unwrap(), 64, 0, 0] {
        bytes.extend(value.to_le_bytes());
    }
    let mut segment = |kind: u32, flags: u32, offset: usize, length: usize| {
        bytes.extend(kind.to_le_bytes());
        bytes.extend(flags.to_le_bytes());
        let (offset, length) = (offset as u64, length as u64);
        for value in [offset, BASE + offset, BASE + offset, length, length, 0x1000] {
            bytes.extend(value.to_le_bytes());
        }
    };
    if interpreter.is_some() {
        segment(3, 4, end - loader.len(), loader.len());
    }
    segment(1, 5, 0, end);
    bytes.extend(code);
    bytes.extend(text.as_bytes());
    bytes.extend(loader.as_bytes());
    bytes
}

/// `write(1, text, length); exit(0)`, where the text follows the code.
fn machine_code(arch: Arch, length: usize) -> Vec<u8> {
    let length = u32::try_from(length).unwrap();
    match arch {
        Arch::Amd64 => [
            &[
                0xb8, 1, 0, 0, 0, 0xbf, 1, 0, 0, 0, 0x48, 0x8d, 0x35, 16, 0, 0, 0, 0xba,
            ][..],
            &length.to_le_bytes(),
            &[0x0f, 0x05, 0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05],
        ]
        .concat(),
        Arch::Arm64 => [
            0xd280_0808,               // movz x8, #64
            0xd280_0020,               // movz x0, #1
            0x1000_00c1,               // adr x1, .+24
            0xd280_0002 | length << 5, // movz x2, #length
            0xd400_0001,               // svc #0
            0xd280_0ba8,               // movz x8, #93
            0xd280_0000,               // movz x0, #0
            0xd400_0001_u32,
        ]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect(),
    }
}
