//! The tools of one server by name, and the lists of them, rendered once.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Value, value::RawValue};

use crate::{
    protocol::Revision,
    tool::{Annotations, Registered, ToolInfo},
};

/// How many tools one page of a list holds. Most servers have one page.
const PAGE: usize = 250;

pub(crate) struct Registry {
    by_name: HashMap<&'static str, Box<dyn Registered>>,
    modern: Pages,
    legacy: Pages,
    oldest: Pages,
}

/// The pages of one revision's list, each a JSON array.
struct Pages(Vec<Box<RawValue>>);

/// One page of the list.
pub(crate) struct Page<'a> {
    pub(crate) tools: &'a RawValue,
    pub(crate) next: Option<String>,
}

/// A tool as clients see it (MCP `Tool`).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'static str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'static str,
    input_schema: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_schema: Option<&'a Value>,
    #[serde(skip_serializing_if = "is_silent")]
    annotations: Annotations,
}

fn is_silent(annotations: &Annotations) -> bool {
    *annotations == Annotations::default()
}

impl Registry {
    /// Expects names to be unique: the builder has seen to it. Tools are listed in the order they were given.
    pub(crate) fn new(tools: Vec<Box<dyn Registered>>) -> Result<Self, serde_json::Error> {
        let described: Vec<_> = tools.iter().map(|tool| Described::new(&**tool)).collect();
        let pages = |revision| Pages::render(&described, revision);
        Ok(Self {
            modern: pages(Revision::V2026_07_28)?,
            legacy: pages(Revision::V2025_11_25)?,
            oldest: pages(Revision::V2025_03_26)?,
            by_name: tools.into_iter().map(|tool| (tool.name(), tool)).collect(),
        })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&dyn Registered> {
        self.by_name.get(name).map(|tool| &**tool)
    }

    /// The page that `cursor` points to; `None` if no such cursor was ever given out.
    pub(crate) fn page(&self, revision: Revision, cursor: Option<&str>) -> Option<Page<'_>> {
        let pages = match revision {
            Revision::V2026_07_28 => &self.modern,
            Revision::V2025_06_18 | Revision::V2025_11_25 => &self.legacy,
            Revision::V2025_03_26 => &self.oldest,
        };
        let number = match cursor {
            None => 0,
            Some(cursor) => (1..pages.0.len()).find(|page| cursor_to(*page) == cursor)?,
        };
        let next = (number + 1 < pages.0.len()).then(|| cursor_to(number + 1));
        pages.0.get(number).map(|tools| Page { tools, next })
    }
}

fn cursor_to(page: usize) -> String {
    format!("page-{page}")
}

struct Described {
    name: &'static str,
    info: ToolInfo,
    input: Value,
    output: Option<Value>,
}

impl Described {
    fn new(tool: &dyn Registered) -> Self {
        Self { name: tool.name(), info: tool.info(), input: tool.input_schema(), output: tool.output_schema() }
    }

    fn listed(&self, revision: Revision) -> Listed<'_> {
        // Before 2026-07-28 structured content had to be an object, and the oldest revision had none.
        let is_object = |schema: &Value| schema.get("type").is_some_and(|name| name == "object");
        let fits =
            |schema: &&Value| revision.is_stateless() || (revision.has_structured_content() && is_object(schema));
        Listed {
            name: self.name,
            title: self.info.title.filter(|_| revision.has_structured_content()),
            description: self.info.description,
            input_schema: &self.input,
            output_schema: self.output.as_ref().filter(fits),
            annotations: self.info.annotations,
        }
    }
}

impl Pages {
    fn render(tools: &[Described], revision: Revision) -> Result<Self, serde_json::Error> {
        let page = |tools: &[Described]| {
            serde_json::value::to_raw_value(&tools.iter().map(|tool| tool.listed(revision)).collect::<Vec<_>>())
        };
        if tools.is_empty() {
            return Ok(Self(vec![page(&[])?]));
        }
        tools.chunks(PAGE).map(page).collect::<Result<_, _>>().map(Self)
    }
}
