//! A small HTTP server whose every answer a test decides.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What a client asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// How many requests came before.
    pub number: usize,
    /// The first byte of the range that was asked for, if one was.
    pub from: Option<usize>,
}

/// A running server; its thread ends with the test.
pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Starts a server that answers each request, on a connection of its own, with `answer`.
    pub fn start(answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/ggml-test.bin", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let mut from = None;
                    for line in BufReader::new(&stream).lines() {
                        let line = line.unwrap().to_lowercase();
                        if let Some(range) = line.strip_prefix("range: bytes=") {
                            from = range.trim_end_matches('-').parse().ok();
                        }
                        if line.is_empty() {
                            break;
                        }
                    }
                    let request = {
                        let mut log = log.lock().unwrap();
                        let request = Asked { number: log.len(), from };
                        log.push(request.clone());
                        request
                    };
                    answer(&request, &mut stream);
                });
            }
        });
        Self { url, asked }
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// Answers as a good server does, ranges included; breaks off after `cut` bytes of the body.
pub fn serve(asked: &Asked, stream: &mut TcpStream, content: &[u8], cut: usize) {
    let from = asked.from.unwrap_or(0);
    let body = &content[from..];
    let status = match asked.from {
        Some(_) => format!(
            "206 Partial Content\r\nContent-Range: bytes {from}-{}/{}",
            content.len() - 1,
            content.len()
        ),
        None => "200 OK".to_owned(),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    // The client may have left; that is what some tests are about.
    _ = stream.write_all(head.as_bytes());
    _ = stream.write_all(&body[..body.len().min(cut)]);
}

/// Answers with these words and no more.
pub fn say(stream: &mut TcpStream, words: &str) {
    _ = stream.write_all(words.as_bytes());
}
