//! The subcommands, one a file: each selects, has judged, and presents.

pub(crate) mod ab;
pub(crate) mod accept;
mod building;
pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod export;
mod facts;
mod judgement;
pub(crate) mod list;
mod paired;
pub(crate) mod prune;
pub(crate) mod repair;
pub(crate) mod run;
pub(crate) mod show;
pub(crate) mod trend;
