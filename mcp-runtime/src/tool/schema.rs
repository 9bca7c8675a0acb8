//! JSON Schemas of arguments and outputs (JSON Schema 2020-12, the dialect MCP defaults to).

use schemars::{
    Schema, SchemaGenerator,
    generate::SchemaSettings,
    transform::{Transform, transform_subschemas},
};
use serde_json::{Map, Value, json};

use super::{Tool, arguments::ArgSpec};

/// The schema of a tool's arguments: an object, closed, with everything inlined but recursive types.
pub(crate) fn input_schema<T: Tool>() -> Value {
    let mut generator = generator();
    let arguments = T::ARGUMENTS;
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (spec, (mut schema, is_required)) in arguments.specs().iter().zip(arguments.schemas(&mut generator)) {
        FlattenOption.transform(&mut schema);
        describe(&mut schema, spec);
        properties.insert(spec.name.to_owned(), schema.to_value());
        if is_required && !spec.has_default {
            required.push(spec.name);
        }
    }
    let mut root = Map::new();
    root.insert("type".into(), json!("object"));
    root.insert("properties".into(), properties.into());
    if !required.is_empty() {
        root.insert("required".into(), json!(required));
    }
    root.insert("additionalProperties".into(), json!(false));
    add_definitions(&mut root, &mut generator, true);
    root.into()
}

/// The schema of a tool's structured output, if it has one.
pub(crate) fn output_schema<T: Tool>() -> Option<Value> {
    let mut generator = generator();
    let mut root = match (T::OUTPUT.schema)(&mut generator)?.to_value() {
        Value::Object(root) => root,
        // `true` allows anything, as the empty schema does.
        _ => Map::new(),
    };
    add_definitions(&mut root, &mut generator, false);
    Some(root.into())
}

fn generator() -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings.into_generator()
}

/// Types that contain themselves cannot be inlined; they stay as `$defs`.
fn add_definitions(root: &mut Map<String, Value>, generator: &mut SchemaGenerator, flatten: bool) {
    let mut definitions = generator.take_definitions(true);
    if definitions.is_empty() {
        return;
    }
    if flatten {
        for definition in definitions.values_mut() {
            if let Ok(schema) = <&mut Schema>::try_from(definition) {
                FlattenOption.transform(schema);
            }
        }
    }
    root.insert("$defs".into(), definitions.into());
}

/// The parameter's own doc comment says more than its type's.
fn describe(schema: &mut Schema, spec: &ArgSpec) {
    if !spec.description.is_empty() {
        schema.insert("description".into(), spec.description.into());
    }
    if let Some(default) = spec.default_json.and_then(|json| serde_json::from_str(json).ok()) {
        schema.insert("default".into(), default);
    }
}

/// Turns "an integer or null" into "an integer": what may be left out is told by `required`, and models that see
/// `null` in a schema send it, or the text "null".
#[derive(Clone)]
struct FlattenOption;

impl Transform for FlattenOption {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else { return };
        if let Some(Value::Array(types)) = object.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                object.insert("type".into(), only);
            }
        }
        flatten_any_of(object);
        if let Some(Value::Array(values)) = object.get_mut("enum") {
            values.retain(|value| !value.is_null());
        }
    }
}

fn flatten_any_of(object: &mut Map<String, Value>) {
    let is_null = |schema: &Value| schema.get("type").is_some_and(|name| name == "null");
    let Some(Value::Array(alternatives)) = object.get_mut("anyOf") else { return };
    let before = alternatives.len();
    alternatives.retain(|schema| !is_null(schema));
    if let ([Value::Object(only)], true) = (alternatives.as_slice(), before > 1) {
        let only = only.clone();
        object.remove("anyOf");
        // What stands beside `anyOf` was written for this use of the type, so it wins.
        for (key, value) in only {
            object.entry(key).or_insert(value);
        }
    }
}
