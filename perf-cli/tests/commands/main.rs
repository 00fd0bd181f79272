//! All commands in all formats, over fixed histories and at a fixed time.

mod accepting;
mod checking;
mod export;
mod histories;
mod hostile;
mod in_process;
mod mounted;
mod snapshot;
mod snapshots;
