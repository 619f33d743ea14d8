//! Which certificate authorities are trusted.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// Where the distributions keep their bundle, in the order of Go's `crypto/x509`.
const PLATFORM_BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",   // Fedora, RHEL, UBI
    "/etc/ssl/ca-bundle.pem",             // openSUSE
    "/etc/pki/tls/cacert.pem",            // OpenELEC
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL, UBI
    "/etc/ssl/cert.pem",                  // Alpine
];

/// Bundles are some hundred KiB; what is larger is no bundle, and is not read into memory.
const LARGEST_BUNDLE: u64 = 16 * 1024 * 1024;

/// The sources of trusted certificate authorities; all of them count together.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// PEM or DER files that must be there and hold a certificate.
    pub files: Vec<PathBuf>,
    /// Directories whose files are trusted; those that are not there are passed over, and a file
    /// that holds no certificate is a warning.
    pub directories: Vec<PathBuf>,
    /// Whether the bundle of the distribution counts, or the embedded one of Mozilla where there
    /// is none. False when the user replaced it, as `SSL_CERT_FILE` does.
    pub platform: bool,
}

impl Default for Certificates {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            directories: Vec::new(),
            platform: true,
        }
    }
}

impl Certificates {
    /// Reads them all; `warn` is told of each file that was passed over, and why.
    pub(super) fn load(&self, warn: &dyn Fn(&Path, &str)) -> Result<Trusted, Error> {
        let mut trusted = Trusted::none();
        if self.platform {
            add_platform(&mut trusted.roots, PLATFORM_BUNDLES.map(Path::new), warn);
        }
        for path in &self.files {
            let bytes = read(path).map_err(|source| Error::Unreadable {
                path: path.clone(),
                source,
            })?;
            if trusted.add(&bytes) == 0 {
                return Err(Error::Empty { path: path.clone() });
            }
        }
        for path in self.directories.iter().flat_map(|dir| list(dir, warn)) {
            match read(&path) {
                Ok(bytes) if trusted.add(&bytes) == 0 => {
                    warn(&path, "it holds no certificate");
                }
                Ok(_) => {}
                Err(error) => warn(&path, &error.to_string()),
            }
        }
        Ok(trusted)
    }
}

/// What was read.
#[derive(Debug)]
pub(super) struct Trusted {
    /// The authorities.
    pub(super) roots: RootCertStore,
    /// The certificates of files and directories that the user named, which are among them.
    pub(super) named: Vec<CertificateDer<'static>>,
}

impl Trusted {
    /// No authority at all.
    pub(super) fn none() -> Self {
        Self {
            roots: RootCertStore::empty(),
            named: Vec::new(),
        }
    }

    /// Adds the certificates of a file, and returns how many there were.
    fn add(&mut self, bytes: &[u8]) -> usize {
        let found = certificates(bytes);
        self.named.extend(found.iter().cloned());
        self.roots.add_parsable_certificates(found).0
    }
}

fn add_platform<'a>(
    store: &mut RootCertStore,
    paths: impl IntoIterator<Item = &'a Path>,
    warn: &dyn Fn(&Path, &str),
) {
    for path in paths {
        match read(path) {
            Ok(bytes) if add(store, &bytes) > 0 => return,
            Ok(_) => warn(path, "it holds no certificate"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => warn(path, &error.to_string()),
        }
    }
    let embedded = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
    store.add_parsable_certificates(embedded.iter().cloned());
}

/// Adds the certificates in `bytes`, and returns how many there were.
fn add(store: &mut RootCertStore, bytes: &[u8]) -> usize {
    let (added, _ignored) = store.add_parsable_certificates(certificates(bytes));
    added
}

/// The certificates in `bytes`, PEM or DER.
fn certificates(bytes: &[u8]) -> Vec<CertificateDer<'static>> {
    let is_pem = bytes.windows(10).any(|window| window == b"-----BEGIN");
    if is_pem {
        // One broken block must not take the others with it.
        CertificateDer::pem_slice_iter(bytes).flatten().collect()
    } else {
        vec![CertificateDer::from(bytes.to_vec())]
    }
}

/// The files in `dir`, sorted. Kubernetes mounts files as links into `..data`, a link to a
/// directory: links are followed and directories passed over.
fn list(dir: &Path, warn: &dyn Fn(&Path, &str)) -> Vec<PathBuf> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            warn(dir, &error.to_string());
            return Vec::new();
        }
    };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| fs::metadata(path).is_ok_and(|metadata| metadata.is_file()))
        .collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    file.take(LARGEST_BUNDLE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A file that was named as a bundle of certificates cannot be one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("cannot read the certificates in {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It can be read and holds no certificate.
    #[error("{} holds no certificate, neither as PEM nor as DER", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn authority(name: &str) -> rcgen::Certificate {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.self_signed(&key).unwrap()
    }

    fn put(path: &Path, bytes: &[u8]) -> PathBuf {
        let mut options = fs::OpenOptions::new();
        let mut file = options.create_new(true).write(true).open(path).unwrap();
        io::Write::write_all(&mut file, bytes).unwrap();
        path.to_owned()
    }

    fn only(files: Vec<PathBuf>, directories: Vec<PathBuf>) -> Certificates {
        Certificates {
            files,
            directories,
            platform: false,
        }
    }

    fn load(certificates: &Certificates) -> (Result<usize, Error>, Vec<String>) {
        let warnings = RefCell::new(Vec::new());
        let warn = |path: &Path, why: &str| {
            let name = path.file_name().unwrap().to_string_lossy();
            warnings.borrow_mut().push(format!("{name}: {why}"));
        };
        let count = certificates.load(&warn).map(|trusted| trusted.roots.len());
        (count, warnings.into_inner())
    }

    #[test]
    fn a_bundle_is_several_pem_blocks_or_one_der() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (authority("a"), authority("b"));
        let text = format!("# comment\n{}\njunk\n{}", a.pem(), b.pem());
        let pem = put(&dir.path().join("a.pem"), text.as_bytes());
        let der = put(&dir.path().join("b.der"), b.der());
        assert_eq!(load(&only(vec![pem], vec![])).0.unwrap(), 2);
        assert_eq!(load(&only(vec![der], vec![])).0.unwrap(), 1);
    }

    #[test]
    fn a_named_file_without_a_certificate_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let empty = put(&dir.path().join("empty.pem"), b"");
        let absent = dir.path().join("absent.pem");
        for path in [empty, absent, dir.path().to_owned()] {
            let error = load(&only(vec![path.clone()], vec![])).0.unwrap_err();
            assert!(error.to_string().contains(&path.display().to_string()));
        }
    }

    #[test]
    fn a_directory_is_read_as_kubernetes_mounts_it() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("..2026_11_24");
        fs::create_dir(&data).unwrap();
        put(&data.join("a.crt"), authority("a").pem().as_bytes());
        put(&data.join("b.crt"), authority("b").der());
        put(&data.join("note.txt"), b"hello");
        std::os::unix::fs::symlink("..2026_11_24", dir.path().join("..data")).unwrap();
        for name in ["a.crt", "b.crt", "note.txt"] {
            let target = Path::new("..data").join(name);
            std::os::unix::fs::symlink(target, dir.path().join(name)).unwrap();
        }
        let (count, warnings) = load(&only(vec![], vec![dir.path().to_owned()]));
        assert_eq!(count.unwrap(), 2);
        assert_eq!(warnings, ["note.txt: it holds no certificate"]);
    }

    #[test]
    fn a_directory_that_is_not_there_is_passed_over() {
        let absent = PathBuf::from("/nowhere/ca-bundle");
        let (count, warnings) = load(&only(vec![], vec![absent]));
        assert_eq!((count.unwrap(), warnings.len()), (0, 0));
    }

    #[test]
    fn the_first_platform_bundle_that_is_there_counts_and_the_embedded_one_stands_in() {
        let dir = tempfile::tempdir().unwrap();
        let absent = dir.path().join("absent.pem");
        let bundle = put(&dir.path().join("a.pem"), authority("a").pem().as_bytes());
        let count = |paths: &[&Path]| {
            let mut store = RootCertStore::empty();
            add_platform(&mut store, paths.iter().copied(), &|_, _| {});
            store.len()
        };
        assert_eq!(count(&[&absent, &bundle]), 1);
        assert!(count(&[&absent]) > 50);
    }
}
