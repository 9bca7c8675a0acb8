//! A person with a browser, as far as logging in needs one: pages, forms, cookies, redirects.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use reqwest::{Client, RequestBuilder, Response, Url, redirect::Policy};

/// More pages than there are.
const PAGES: usize = 8;

pub(crate) fn client() -> Client {
    Client::builder().no_proxy().redirect(Policy::none()).build().unwrap()
}

pub(crate) fn post(url: Url, form: &[(String, String)]) -> RequestBuilder {
    let form = Url::parse_with_params("form:", form).unwrap();
    let request = client().post(url).header("Content-Type", "application/x-www-form-urlencoded");
    request.body(form.query().unwrap_or_default().to_owned())
}

pub(crate) struct Person {
    /// The name and the password to log in with; `None` if nobody is asked.
    pub(crate) entries: Option<(String, String)>,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Person {
    pub(crate) fn nobody() -> Self {
        Self { entries: None, cookies: Mutex::default() }
    }

    pub(crate) fn named(name: &str, password: &str) -> Self {
        Self { entries: Some((name.to_owned(), password.to_owned())), ..Self::nobody() }
    }

    /// What the server sees when this person allows something, for the first time or in a session.
    pub(crate) fn requests(&self, first: bool) -> &'static [&'static str] {
        match (&self.entries, first) {
            (None, _) => &["GET /authorize 302"],
            (Some(_), true) => {
                &["GET /authorize 303", "GET /login 200", "POST /login 303", "GET /authorize 200", "POST /consent 303"]
            }
            (Some(_), false) => &["GET /authorize 200", "POST /consent 303"],
        }
    }

    /// Forgets all cookies.
    pub(crate) fn forget(&self) {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Allows what is asked, and tells where that leads.
    pub(crate) async fn visit(&self, url: &str) -> String {
        let mut url = Url::parse(url).unwrap();
        let home = url.origin();
        let mut answer = self.send(&url, None).await;
        for _ in 0..PAGES {
            if answer.status().is_redirection() {
                let location = answer.headers()["location"].to_str().unwrap().to_owned();
                url = url.join(&location).unwrap();
                if url.origin() != home {
                    return location;
                }
                answer = self.send(&url, None).await;
                continue;
            }
            assert_eq!(answer.status(), 200, "{url}");
            let page = answer.text().await.unwrap();
            let (action, fields) = self.filled(&page);
            url = url.join(&action).unwrap();
            answer = self.send(&url, Some(fields)).await;
        }
        panic!("more than {PAGES} pages")
    }

    async fn send(&self, url: &Url, form: Option<Vec<(String, String)>>) -> Response {
        let cookies: Vec<_> = {
            let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
            cookies.iter().map(|(name, value)| format!("{name}={value}")).collect()
        };
        let request = match form {
            None => client().get(url.clone()),
            Some(form) => post(url.clone(), &form).header("Origin", url.origin().ascii_serialization()),
        };
        let answer = request.header("Cookie", cookies.join("; ")).send().await.unwrap();
        let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        for set in answer.headers().get_all("set-cookie") {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            cookies.insert(name.to_owned(), value.to_owned());
        }
        drop(cookies);
        answer
    }

    /// The first form of a page as it is sent: logged in with, or allowed.
    fn filled(&self, page: &str) -> (String, Vec<(String, String)>) {
        let (name, password) = self.entries.as_ref().expect("nobody is asked");
        let form = page.split("<form").nth(1).expect("a form").split("</form>").next().unwrap();
        let mut fields: Vec<_> = form
            .split("<input")
            .skip(1)
            .map(|input| match attribute(input, "name").unwrap() {
                field if field == "username" => (field, name.clone()),
                field if field == "password" => (field, password.clone()),
                field => (field, attribute(input, "value").unwrap()),
            })
            .collect();
        if form.contains(r#"name="decision""#) {
            fields.push(("decision".to_owned(), "allow".to_owned()));
        }
        (attribute(form, "action").unwrap(), fields)
    }
}

fn attribute(element: &str, name: &str) -> Option<String> {
    let start = element.find(&format!(" {name}=\""))? + name.len() + 3;
    let value = element[start..].split('"').next()?;
    Some(value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}
