//! The revisions of MCP, and what each can say.

/// A revision of the Model Context Protocol that this server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Revision {
    /// 2025-03-26: batches, no version header.
    V2025_03_26,
    /// 2025-06-18: structured content, titles.
    V2025_06_18,
    /// 2025-11-25: the last one with `initialize`.
    V2025_11_25,
    /// 2026-07-28: every request stands for itself.
    V2026_07_28,
}

impl Revision {
    /// All of them, newest first, as the server lists them.
    pub const SUPPORTED: [Self; 4] = [Self::V2026_07_28, Self::V2025_11_25, Self::V2025_06_18, Self::V2025_03_26];

    /// The newest revision that begins with `initialize`.
    pub(crate) const NEWEST_LEGACY: Self = Self::V2025_11_25;

    /// The date that names the revision on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The revision with this date.
    #[must_use]
    pub fn parse(date: &str) -> Option<Self> {
        Self::SUPPORTED.into_iter().find(|revision| revision.as_str() == date)
    }

    /// Whether every request stands for itself, with its metadata in headers.
    #[must_use]
    pub const fn is_stateless(self) -> bool {
        matches!(self, Self::V2026_07_28)
    }

    /// Whether an array of messages is a message.
    pub(crate) const fn has_batches(self) -> bool {
        matches!(self, Self::V2025_03_26)
    }

    /// Whether tools have icons.
    pub(crate) const fn has_icons(self) -> bool {
        matches!(self, Self::V2026_07_28 | Self::V2025_11_25)
    }

    /// Whether tools have titles, output schemas, structured content and `_meta`.
    pub(crate) const fn has_structured_content(self) -> bool {
        !matches!(self, Self::V2025_03_26)
    }
}

impl std::fmt::Display for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
