//! The commands as a user sees them: every one in every format, over fixed histories and at a
//! fixed time.

mod hostile;
mod mounted;
mod process;
mod session;
mod snapshots;
