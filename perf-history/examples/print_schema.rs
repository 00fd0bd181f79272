//! Prints the JSON Schema of a record, as `schema/build-stats.schema.json` keeps it.
#![forbid(unsafe_code)]

fn main() -> Result<(), serde_json::Error> {
    println!("{}", serde_json::to_string_pretty(&perf_history::json_schema())?);
    Ok(())
}
