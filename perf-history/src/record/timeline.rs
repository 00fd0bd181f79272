//! What a record says of the timeline that the build left beside it.

use super::UnknownFields;
use super::object::{nested_object, object};

/// The timeline of a build, which has a file of its own: see [`timeline`](crate::timeline). That
/// it was recorded does not say that the file is still there.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TimelineFacts {
    /// Calls that are in it.
    pub intervals: u64,
    /// Calls that did not fit into it.
    pub dropped: u64,
    /// Fields that this version does not know, or whose values it does not understand.
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub unknown_fields: UnknownFields,
}

object!(TimelineFacts { intervals, dropped });

nested_object!(TimelineFacts);
