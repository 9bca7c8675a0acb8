//! The notebook of the quickstart with its own authorization server, under a clock that other programs move: what
//! `tests/interop/login` runs other people's clients against.
//!
//!     oauth --data DIR [--auto-approve NAME] [--user NAME PASSWORD SCOPES]… [--oidc NAME ISSUER CLIENT SECRET]…
//!         [--firebase PROJECT GOOGLE] [--tls CERTIFICATE KEY]
//!
//! Prints `Listening on URL` and `Control on URL`. Below the second, `POST /advance` moves the clock by the seconds in its
//! body, and `GET /seen` tells the requests since it was last asked, each as method, path and query, status and challenge.
//! Documents of clients are read from this machine.

#[path = "oauth/under_test.rs"]
mod under_test;

use std::{error::Error, io, path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use http::StatusCode;
use tokio::net::TcpListener;
use under_test::{Certificate, Login, UnderTest, Upstream};

fn arguments() -> Result<(PathBuf, Vec<Login>, Option<Certificate>), String> {
    let mut arguments = std::env::args().skip(1);
    let (mut data, mut logins, mut certificate) = (None, Vec::new(), None);
    while let Some(option) = arguments.next() {
        let mut next = || arguments.next().ok_or(format!("{option} lacks a value"));
        match option.as_str() {
            "--data" => data = Some(PathBuf::from(next()?)),
            "--auto-approve" => logins.push(Login::AutoApprove(next()?)),
            "--user" => logins.push(Login::User { name: next()?, password: next()?, scopes: next()? }),
            "--firebase" => logins.push(Login::Firebase { project: next()?, google: next()? }),
            "--tls" => certificate = Some(Certificate { chain: next()?.into(), key: next()?.into() }),
            "--oidc" => {
                let (name, issuer, client) = (next()?, next()?, (next()?, next()?));
                logins.push(Login::Oidc(Upstream { name, issuer, client }));
            }
            _ => return Err(format!("{option}?")),
        }
    }
    Ok((data.ok_or("--data is needed")?, logins, certificate))
}

async fn serve_control(under_test: Arc<UnderTest>, listener: TcpListener) -> io::Result<()> {
    let advance = |State(under_test): State<Arc<UnderTest>>, seconds: String| async move {
        let Ok(seconds) = seconds.parse() else { return StatusCode::BAD_REQUEST };
        under_test.clock.advance(Duration::from_secs(seconds));
        StatusCode::NO_CONTENT
    };
    let seen = |State(under_test): State<Arc<UnderTest>>| async move { Json(under_test.take_seen()) };
    let control = Router::new().route("/advance", post(advance)).route("/seen", get(seen)).with_state(under_test);
    axum::serve(listener, control).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (data, logins, certificate) = arguments()?;
    examples::log_to_stderr();
    std::fs::create_dir_all(&data)?;
    let control = TcpListener::bind("127.0.0.1:0").await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let under_test = Arc::new(UnderTest::new(listener.local_addr()?, &data, logins, certificate).await?);
    println!("Listening on {}", under_test.url);
    println!("Control on http://{}", control.local_addr()?);
    tokio::try_join!(serve_control(Arc::clone(&under_test), control), under_test.serve(listener))?;
    Ok(())
}
