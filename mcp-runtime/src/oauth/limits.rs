//! How often one address may use each route.

/// The limits of all routes.
pub(crate) struct RouteLimits;
