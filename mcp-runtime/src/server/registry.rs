//! The tools of one server by name, and the lists of them, rendered once.

use std::{borrow::Cow, sync::Arc};

use serde::Serialize;
use serde_json::{Value, value::RawValue};

use crate::{
    auth::Caller,
    protocol::Revision,
    tool::{Annotations, Icon, Registered, ToolInfo},
};

/// How many tools one page of a list holds. Most servers have one page.
const PAGE: usize = 250;

pub(crate) struct Registry {
    /// Sorted: a server has few tools, and every call looks for one.
    by_name: Vec<(&'static str, Arc<dyn Registered>)>,
    in_order: Vec<Arc<dyn Registered>>,
    modern: Rendered,
    legacy: Rendered,
    /// For 2025-06-18, if a tool has icons, which that revision did not know.
    iconless: Option<Rendered>,
    oldest: Rendered,
}

/// One revision's list: each tool, and the pages of all of them, each a JSON array.
struct Rendered {
    tools: Vec<Box<RawValue>>,
    pages: Vec<Box<RawValue>>,
}

/// One page of the list.
pub(crate) struct Page<'a> {
    pub(crate) tools: Cow<'a, RawValue>,
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
    #[serde(skip_serializing_if = "<[Icon]>::is_empty")]
    icons: &'static [Icon],
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<&'a RawValue>,
}

fn is_silent(annotations: &Annotations) -> bool {
    *annotations == Annotations::default()
}

impl Registry {
    /// Expects names to be unique: the builder has seen to it. Tools are listed in the order they were given.
    pub(crate) fn new(tools: Vec<Box<dyn Registered>>) -> Result<Self, serde_json::Error> {
        let in_order: Vec<Arc<dyn Registered>> = tools.into_iter().map(Into::into).collect();
        let described: Vec<_> = in_order.iter().map(|tool| Described::new(&**tool)).collect::<Result<_, _>>()?;
        let rendered = |revision| Rendered::new(&described, revision);
        let mut by_name: Vec<_> = in_order.iter().map(|tool| (tool.name(), Arc::clone(tool))).collect();
        by_name.sort_unstable_by_key(|(name, _)| *name);
        Ok(Self {
            modern: rendered(Revision::V2026_07_28)?,
            legacy: rendered(Revision::V2025_11_25)?,
            iconless: match described.iter().any(|tool| !tool.info.icons.is_empty()) {
                true => Some(rendered(Revision::V2025_06_18)?),
                false => None,
            },
            oldest: rendered(Revision::V2025_03_26)?,
            by_name,
            in_order,
        })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&dyn Registered> {
        let at = self.by_name.binary_search_by_key(&name, |(name, _)| *name).ok()?;
        Some(&*self.by_name[at].1)
    }

    /// The page that `cursor` points to, of all tools or of those that one caller may call; `None` if no such cursor was
    /// ever given out.
    pub(crate) fn page(
        &self,
        revision: Revision,
        cursor: Option<&str>,
        visible_to: Option<&Caller>,
    ) -> Result<Option<Page<'_>>, serde_json::Error> {
        let rendered = match revision {
            Revision::V2026_07_28 => &self.modern,
            Revision::V2025_06_18 => self.iconless.as_ref().unwrap_or(&self.legacy),
            Revision::V2025_11_25 => &self.legacy,
            Revision::V2025_03_26 => &self.oldest,
        };
        let visible = visible_to.map(|caller| {
            let all = rendered.tools.iter().zip(&self.in_order);
            all.filter(|(_, tool)| tool.is_open_to(caller)).map(|(tool, _)| &**tool).collect::<Vec<&RawValue>>()
        });
        let count = visible.as_ref().map_or(rendered.pages.len(), |tools| tools.len().div_ceil(PAGE).max(1));
        let number = match cursor {
            None => Some(0),
            Some(cursor) => (1..count).find(|page| cursor_to(*page) == cursor),
        };
        let Some(number) = number else { return Ok(None) };
        let tools = match visible {
            None => Cow::Borrowed(&*rendered.pages[number]),
            Some(tools) => Cow::Owned(array(tools.chunks(PAGE).nth(number).unwrap_or_default())?),
        };
        let next = (number + 1 < count).then(|| cursor_to(number + 1));
        Ok(Some(Page { tools, next }))
    }
}

fn array<T: Serialize>(tools: &[T]) -> Result<Box<RawValue>, serde_json::Error> {
    serde_json::value::to_raw_value(tools)
}

fn cursor_to(page: usize) -> String {
    format!("page-{page}")
}

struct Described {
    name: &'static str,
    info: ToolInfo,
    input: Value,
    output: Option<Value>,
    meta: Option<Box<RawValue>>,
}

impl Described {
    fn new(tool: &dyn Registered) -> Result<Self, serde_json::Error> {
        let info = tool.info();
        Ok(Self {
            name: tool.name(),
            info,
            input: tool.input_schema(),
            output: tool.output_schema(),
            meta: info.meta.map(serde_json::from_str).transpose()?,
        })
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
            icons: if revision.has_icons() { self.info.icons } else { &[] },
            meta: self.meta.as_deref().filter(|_| revision.has_structured_content()),
        }
    }
}

impl Rendered {
    fn new(tools: &[Described], revision: Revision) -> Result<Self, serde_json::Error> {
        let render = |tool: &Described| serde_json::value::to_raw_value(&tool.listed(revision));
        let tools: Vec<_> = tools.iter().map(render).collect::<Result<_, _>>()?;
        let mut pages: Vec<_> = tools.chunks(PAGE).map(array).collect::<Result<_, _>>()?;
        if pages.is_empty() {
            pages.push(array::<()>(&[])?);
        }
        Ok(Self { tools, pages })
    }
}
