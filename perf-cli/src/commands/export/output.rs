//! Writes an export to standard output, or atomically to a file.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::context::Invocation;
use crate::failure::Failure;

use super::OutputArgs;

/// Calls `write` with the target. A file is replaced once it is complete, so that readers see the old
/// one or the new one. If anything fails, the old one stays.
pub(super) fn write(
    invocation: &mut Invocation<'_, '_>,
    args: &OutputArgs,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    invocation.reading.clear();
    match args.output.as_deref() {
        None => Ok(write(invocation.console.out)?),
        Some(path) if path == Path::new("-") => Ok(write(invocation.console.out)?),
        Some(path) => to_file(path, write)
            .map_err(|source| Failure::OutputFile { path: path.to_owned(), source }),
    }
}

fn to_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let before = match fs::metadata(path) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    // Pipes and devices are written to, not replaced. A directory is an error.
    if before.as_ref().is_some_and(|metadata| !metadata.is_file()) {
        let mut target = BufWriter::new(File::options().write(true).open(path)?);
        return write(&mut target).and_then(|()| target.flush());
    }
    let path = if before.is_some() { path.canonicalize()? } else { path.to_owned() };
    // In the same directory, as renaming is atomic only within one file system. The textfile
    // collector of Prometheus ignores this name.
    let mut builder = tempfile::Builder::new();
    builder.prefix(".buildperf-").suffix(".tmp");
    leave_permissions_to_the_mask(&mut builder);
    let file = builder.tempfile_in(parent(&path))?;
    if let Some(before) = before {
        file.as_file().set_permissions(before.permissions())?;
    }
    let mut target = BufWriter::with_capacity(1 << 16, file);
    write(&mut target)?;
    let file = target.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.persist(&path)?;
    Ok(())
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A new file has the permissions of the user's mask: the collector that reads it is another user.
#[cfg(unix)]
fn leave_permissions_to_the_mask(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt as _;
    builder.permissions(fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn leave_permissions_to_the_mask(_: &mut tempfile::Builder<'_, '_>) {}
