//! JSON Schemas of arguments and outputs (JSON Schema 2020-12, the dialect MCP defaults to).

use schemars::{
    Schema, SchemaGenerator,
    generate::SchemaSettings,
    transform::{Transform, transform_subschemas},
};
use serde::de::DeserializeSeed;
use serde_json::{Map, Value, json};

use super::{
    Tool,
    absent::is_required,
    argument::{ArgRules, ArgSpec},
    arguments::{ToolArg, ValueSeed},
    header::mark,
    limits::Limits,
};
use crate::protocol::brief;

/// The schema of an object of arguments, and what is wrong with it, each a sentence for the tool's author.
pub(crate) struct InputSchema {
    pub(super) root: Map<String, Value>,
    pub(super) problems: Vec<String>,
}

/// The schema of a tool's arguments: an object, closed, with everything inlined but recursive types.
pub(crate) fn input_schema<T: Tool>() -> Value {
    arguments_schema::<T>().root.into()
}

/// Why clients, or the tool itself, would not take what the schema of its arguments says.
pub(crate) fn problems<T: Tool>() -> Vec<String> {
    arguments_schema::<T>().problems
}

fn arguments_schema<T: Tool>() -> InputSchema {
    let mut generator = generator();
    let mut schema = T::ARGUMENTS.schema(&mut generator);
    add_definitions(&mut schema.root, &mut generator, true);
    schema
}

/// One argument as the schema shows it.
pub(crate) struct Described {
    schema: Schema,
    is_required: bool,
    problems: Vec<String>,
}

/// Describes one argument by its type and by what is said beside it.
pub(super) fn describe<T: ToolArg>(generator: &mut SchemaGenerator, spec: &ArgSpec, rules: &ArgRules<T>) -> Described {
    let mut schema = T::schema(generator);
    let mut problems = Vec::new();
    FlattenOption.transform(&mut schema);
    if mentions_header(schema.as_value()) {
        problems.push(format!("argument `{}`: {HEADER_IN_TYPE}", spec.name));
    }
    if let Some(limits) = rules.limits {
        // Describing finds no fault with anything.
        let _ = limits(&mut Limits::Schema(&mut schema));
    }
    if let Some(problem) = spec.header.and_then(|header| mark(&mut schema, header).err()) {
        problems.push(format!("argument `{}`: {problem}", spec.name));
    }
    add_texts(&mut schema, spec);
    for example in spec.examples {
        let value = ValueSeed(rules).deserialize(&mut serde_json::Deserializer::from_str(example));
        if let Err(error) = value {
            problems.push(format!("the example {example} of argument `{}` is none: {}", spec.name, brief(&error)));
        }
    }
    let is_required = !spec.has_default && is_required::<T>();
    Described { schema, is_required, problems }
}

/// The object that has these arguments and no others.
pub(super) fn input_object(specs: &[ArgSpec], arguments: Vec<Described>) -> InputSchema {
    let (mut properties, mut required, mut problems) = (Map::new(), Vec::new(), Vec::new());
    for (spec, argument) in specs.iter().zip(arguments) {
        properties.insert(spec.name.to_owned(), argument.schema.to_value());
        if argument.is_required {
            required.push(spec.name);
        }
        problems.extend(argument.problems);
    }
    let mut root = Map::new();
    root.insert("type".into(), json!("object"));
    root.insert("properties".into(), properties.into());
    if !required.is_empty() {
        root.insert("required".into(), json!(required));
    }
    root.insert("additionalProperties".into(), json!(false));
    InputSchema { root, problems }
}

/// Nothing compares such a header with the body, so it could say anything.
pub(super) const HEADER_IN_TYPE: &str = "`x-mcp-header` in a type's own schema is not enforced; make the value an \
                                         argument of its own, with `#[arg(header = \"…\")]`";

/// Whether a type marks something inside of it to be mirrored in a header.
pub(super) fn mentions_header(schema: &Value) -> bool {
    match schema {
        Value::Object(object) => object.contains_key("x-mcp-header") || object.values().any(mentions_header),
        Value::Array(list) => list.iter().any(mentions_header),
        _ => false,
    }
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
fn add_texts(schema: &mut Schema, spec: &ArgSpec) {
    if !spec.description.is_empty() {
        schema.insert("description".into(), spec.description.into());
    }
    if let Some(default) = spec.default_json.and_then(|json| serde_json::from_str(json).ok()) {
        schema.insert("default".into(), default);
    }
    let examples: Vec<Value> = spec.examples.iter().filter_map(|json| serde_json::from_str(json).ok()).collect();
    if !examples.is_empty() {
        schema.insert("examples".into(), examples.into());
    }
}

/// Turns "an integer or null" into "an integer": what may be left out is told by `required`, and models that see
/// `null` in a schema send it, or the text "null".
#[derive(Clone)]
pub(super) struct FlattenOption;

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
