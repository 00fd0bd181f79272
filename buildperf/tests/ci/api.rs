//! A stand-in for GitHub's API on loopback: keeps comments, and remembers every request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// The token that may write, of those that may only read all others.
pub(crate) const TOKEN: &str = "secret-token";

#[derive(Debug, Default)]
struct State {
    /// Methods and paths.
    requests: Vec<String>,
    /// Ids and bodies.
    comments: Vec<(u64, String)>,
}

/// The stand-in.
pub(crate) struct Api {
    address: String,
    state: Arc<Mutex<State>>,
}

impl Api {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let of_thread = Arc::clone(&state);
        // It ends with the process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let state = Arc::clone(&of_thread);
                thread::spawn(move || answer(stream.unwrap(), &state));
            }
        });
        Self { address, state }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Comments of others, before any of ours.
    pub(crate) fn comment(&self, body: &str) {
        let mut state = self.state.lock().unwrap();
        let id = state.comments.len() as u64 + 1;
        state.comments.push((id, body.to_owned()));
    }

    pub(crate) fn comments(&self) -> Vec<String> {
        self.state.lock().unwrap().comments.iter().map(|(_, body)| body.clone()).collect()
    }

    /// The requests since the last call.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }
}

fn answer(stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let (mut length, mut may_write) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ").unwrap();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => may_write = value == format!("Bearer {TOKEN}"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let what = first.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let (status, reply) = reply(&what, &body, may_write, &mut state.lock().unwrap());
    state.lock().unwrap().requests.push(what);
    let reply = reply.to_string();
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        reply.len()
    );
    let mut stream = reader.into_inner();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(reply.as_bytes()).unwrap();
}

fn reply(what: &str, body: &Value, may_write: bool, state: &mut State) -> (u16, Value) {
    let (method, path) = what.split_once(' ').unwrap();
    let path = path.strip_prefix("/repos/owner/site/").unwrap();
    let text = || body["body"].as_str().unwrap().to_owned();
    match (method, path) {
        ("GET", "pulls/7") => (200, json!({ "head": { "sha": "abc123" } })),
        ("GET", path) if path.starts_with("issues/7/comments?per_page=100&page=") => {
            let page: usize = path.rsplit('=').next().unwrap().parse().unwrap();
            let page = state.comments.iter().skip((page - 1) * 100).take(100);
            (200, page.map(|(id, body)| json!({ "id": id, "body": body })).collect())
        }
        (_, _) if !may_write => (403, json!({ "message": "Resource not accessible" })),
        ("POST", "issues/7/comments") => {
            let id = state.comments.len() as u64 + 1;
            state.comments.push((id, text()));
            (201, json!({ "id": id }))
        }
        ("PATCH", path) => {
            let id: u64 = path.strip_prefix("issues/comments/").unwrap().parse().unwrap();
            let comment = state.comments.iter_mut().find(|(known, _)| *known == id).unwrap();
            comment.1 = text();
            (200, json!({ "id": id }))
        }
        _ => (404, json!({ "message": "Not Found" })),
    }
}
