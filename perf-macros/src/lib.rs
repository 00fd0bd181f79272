//! perf-macros
