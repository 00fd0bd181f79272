//! The JSON Schema of a record, made from the types.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value;

use super::BuildStats;

/// The JSON Schema (draft 2020-12) of a record of this version.
///
/// It describes what this version writes. Readers accept more: fields that a later version adds inside
/// objects, and records of the Python model.
#[must_use]
pub fn json_schema() -> Schema {
    let mut settings = SchemaSettings::draft2020_12();
    settings.transforms.push(Box::new(RecursiveTransform(drop_null)));
    settings.into_generator().into_root_schema_for::<BuildStats>()
}

/// Unknown is written as absence, never as `null`.
fn drop_null(schema: &mut Schema) {
    // What a reader assumes of an absent field is not what the writer means by leaving it out.
    schema.remove("default");
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type") != Some(&Value::from("null")));
        if let [Value::Object(only)] = choices.as_mut_slice() {
            let only = std::mem::take(only);
            schema.remove("anyOf");
            for (name, value) in only {
                schema.insert(name, value);
            }
        }
    }
}
