//! What can stand in a header, and in which.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// No values of headers.
#[tool]
async fn values(
    #[arg(header = "Rate")] a: f64,
    #[arg(header = "List")] b: Vec<String>,
    #[arg(header = "Maybe")] c: Option<f32>,
    #[arg(header = "Large")] d: u128,
) {
}

/// No names of headers.
#[tool]
async fn names(
    #[arg(header = "")] a: u8,
    #[arg(header = "Two words")] b: u8,
    #[arg(header = "Gr\u{f6}\u{df}e")] c: u8,
    #[arg(header = "Line\r\nSet-Cookie")] d: u8,
    #[arg(header)] e: u8,
    #[arg(header = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")] f: u8,
) {
}

/// One header for two.
#[tool]
async fn twice(#[arg(header = "Region")] a: String, #[arg(header = "REGION")] b: String) {}

/// Sent or not?
#[tool]
async fn default(#[arg(header = "Region", default = "eu")] region: String) {}

fn main() {
    let _ = tools![values, names, twice, default];
}
