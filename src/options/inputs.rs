//! The files that a command reads: named, found in directories, or standard input.

use std::fs;
use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::error::Error;
use crate::fault::Fault;
use crate::{files, yaml};

/// What stands for standard input.
const STDIN: &str = "-";

/// How standard input is named in messages.
const STDIN_NAME: &str = "<stdin>";

/// The endings that `kubectl apply -f DIR` reads.
const ENDINGS: [&str; 3] = ["json", "yaml", "yml"];

/// A file that was read.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name, for messages.
    pub name: PathBuf,
    /// Where it is; none for standard input.
    pub path: Option<PathBuf>,
    /// What is in it.
    pub text: String,
}

/// Reads files, and what YAML and JSON files are in directories; standard input for `-` and when
/// nothing is named.
pub fn read_inputs(context: &Context, named: &[PathBuf]) -> Result<Vec<Input>, Error> {
    let mut inputs = Vec::new();
    let mut has_stdin = false;
    let stdin = [PathBuf::from(STDIN)];
    let named = if named.is_empty() { &stdin } else { named };
    for path in named {
        if path.as_os_str() == STDIN {
            if has_stdin {
                return Err(Error::usage("standard input can be read once"));
            }
            has_stdin = true;
            inputs.push(read_stdin(context)?);
            continue;
        }
        let absolute = context.directory.join(path);
        if !absolute.is_dir() {
            inputs.push(read_file(path, absolute)?);
            continue;
        }
        let found = walk(path, &absolute)?;
        if found.is_empty() {
            return Err(Error::usage(format!(
                "`{}` has no file that ends in .yaml, .yml or .json",
                path.display()
            )));
        }
        for (name, path) in found {
            inputs.push(read_file(&name, path)?);
        }
    }
    Ok(inputs)
}

fn read_stdin(context: &Context) -> Result<Input, Error> {
    if context.stdin_is_terminal {
        let error = Error::usage("nothing was named, and standard input is a terminal");
        return Err(error.with_hint("name a file or a directory".to_owned()));
    }
    let name = PathBuf::from(STDIN_NAME);
    let bytes = context
        .read_stdin(files::MOST + 1)
        .and_then(files::check_length)
        .map_err(|source| files::Error::new("read", &name, source))?;
    Ok(Input {
        text: yaml::decode(&name, &bytes)?.to_owned(),
        name,
        path: None,
    })
}

fn read_file(name: &Path, path: PathBuf) -> Result<Input, Error> {
    let bytes = files::read(&path).map_err(|error| {
        // A file that is not there was mistyped, or is a file that somebody forgot to write.
        let fault = match error.source.kind() {
            std::io::ErrorKind::NotFound => Fault::Usage,
            _ => Fault::Local,
        };
        Error::new(fault, files::Error::new("read", name, error.source))
    })?;
    let text = yaml::decode(name, &bytes)?.to_owned();
    Ok(Input {
        name: name.to_owned(),
        path: Some(path),
        text,
    })
}

/// The files below a directory that Kubernetes would be given, sorted; hidden ones are not.
fn walk(name: &Path, directory: &Path) -> Result<Vec<(PathBuf, PathBuf)>, Error> {
    let fail = |source| Error::from(files::Error::new("read the directory", name, source));
    let mut entries = fs::read_dir(directory)
        .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
        .map_err(fail)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut found = Vec::new();
    for entry in entries {
        let file = entry.file_name();
        if file.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let (name, path) = (name.join(&file), entry.path());
        // A link to a directory may lead back up.
        if entry.file_type().map_err(fail)?.is_dir() {
            found.extend(walk(&name, &path)?);
        } else if path
            .extension()
            .and_then(std::ffi::OsStr::to_str)
            .is_some_and(|ending| ENDINGS.contains(&ending))
        {
            // A link to nothing is an error, and so is a pipe, which might never end; a link to a
            // directory is passed over, as one that leads back up.
            let kind = fs::metadata(&path)
                .map_err(|source| Error::from(files::Error::new("read", &name, source)))?;
            if !kind.is_file() && !kind.is_dir() {
                return Err(not_a_file(&name));
            }
            if kind.is_file() {
                found.push((name, path));
            }
        }
    }
    Ok(found)
}

fn not_a_file(name: &Path) -> Error {
    let message = format!("`{}` is neither a file nor a directory", name.display());
    let error = Error::new(Fault::Local, message);
    error.with_hint("move it away, or name the files one by one".to_owned())
}
