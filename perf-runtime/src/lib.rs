//! perf-runtime
