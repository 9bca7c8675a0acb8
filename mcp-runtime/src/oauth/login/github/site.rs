//! Where GitHub is: github.com, a server of one's own, a place on ghe.com.

use crate::auth::WebUrl;

/// How the public one is called; also who vouches for its accounts, as it has no issuer of its own.
const PUBLIC: &str = "https://github.com";

pub(super) struct Site {
    /// Where people are sent, and who vouches for them. Without a slash at its end.
    pub(super) web: String,
    /// Where programs ask.
    pub(super) api: String,
}

impl Site {
    pub(super) fn public() -> Self {
        Self { web: PUBLIC.to_owned(), api: "https://api.github.com".to_owned() }
    }

    /// Of one's own: below its path the API of a server, on a host beside it that of ghe.com.
    pub(super) fn of(url: String) -> Self {
        let web = url.trim_end_matches('/');
        if web == PUBLIC {
            return Self::public();
        }
        let api = match web.strip_prefix("https://") {
            Some(host) if host.ends_with(".ghe.com") => format!("https://api.{host}"),
            _ => format!("{web}/api/v3"),
        };
        Self { web: web.to_owned(), api }
    }

    pub(super) fn is_secure(&self) -> bool {
        WebUrl::split(&self.web).is_none_or(|url| url.secure)
    }

    pub(super) fn problem(&self) -> Option<String> {
        let what = match WebUrl::split(&self.web) {
            Some(url) if !url.path.is_empty() || !url.query.is_empty() => {
                "has a path: name the host alone, `https://github.example.com`"
            }
            Some(url) if !url.secure && !url.is_loopback() => {
                "must be https: whoever is on the way could change who came (plain http is for loopback only)"
            }
            Some(url) if url.origin.bytes().any(|b| b.is_ascii_uppercase()) => {
                "must be written in lower case: accounts are told by it"
            }
            Some(_) => return None,
            None => "is no URL; write it as `https://github.example.com`",
        };
        Some(format!("its address `{}` {what}", self.web.escape_debug()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_is_where_github_has_it() {
        for (url, web, api) in [
            ("https://github.com/", "https://github.com", "https://api.github.com"),
            ("https://github.example.com", "https://github.example.com", "https://github.example.com/api/v3"),
            (
                "https://github.example.com:8443/",
                "https://github.example.com:8443",
                "https://github.example.com:8443/api/v3",
            ),
            ("https://octocorp.ghe.com", "https://octocorp.ghe.com", "https://api.octocorp.ghe.com"),
            ("https://octocorp-ghe.com", "https://octocorp-ghe.com", "https://octocorp-ghe.com/api/v3"),
            ("http://127.0.0.1:1", "http://127.0.0.1:1", "http://127.0.0.1:1/api/v3"),
        ] {
            let site = Site::of(url.to_owned());
            assert_eq!((&*site.web, &*site.api), (web, api), "{url}");
            assert_eq!((site.problem(), site.is_secure()), (None, url.starts_with("https")), "{url}");
        }
        let public = Site::public();
        assert!(public.web == PUBLIC && public.problem().is_none() && public.is_secure());
    }

    #[test]
    fn what_is_no_place_for_it() {
        for (url, why) in [
            ("", "no URL"),
            ("github.example.com", "no URL"),
            ("https://me@github.example.com", "no URL"),
            ("http://github.example.com", "must be https"),
            ("http://127.0.0.1.example.com", "must be https"),
            ("https://github.example.com/api/v3", "has a path"),
            ("https://github.example.com?x=1", "has a path"),
            ("https://GitHub.example.com", "lower case"),
        ] {
            let problem = Site::of(url.to_owned()).problem().expect(url);
            assert!(problem.contains(why), "{url}: {problem}");
        }
    }
}
