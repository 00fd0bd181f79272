//! The subcommands, one a file: each selects, has judged, and presents.

pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod doctor;
mod facts;
pub(crate) mod list;
pub(crate) mod prune;
pub(crate) mod repair;
pub(crate) mod show;
