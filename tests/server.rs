//! A scripted HTTP/1.1 server on loopback: a function answers each request, and all are kept.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path and query, or what else stands there.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    /// What came after them, where its length was stated.
    pub(crate) body: String,
    /// How many requests for the same target came before.
    pub(crate) before: usize,
}

impl Request {
    /// The value of a header; the name in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The first byte asked for with `Range: bytes=N-`.
    pub(crate) fn range_start(&self) -> Option<usize> {
        let value = self.header("range")?.strip_prefix("bytes=")?;
        value.strip_suffix('-')?.parse().ok()
    }
}

/// What a body is made of.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Bytes(Vec<u8>),
    /// One piece of `Transfer-Encoding: chunked`.
    Chunk(Vec<u8>),
    Pause(Duration),
    /// The same bytes for ever.
    Endless(Vec<u8>),
    /// Nothing more, and the connection stays open.
    Hang,
    /// The connection is closed here.
    Cut,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    steps: Vec<Step>,
    stated_length: Option<usize>,
}

impl Reply {
    /// `200` with this body and its length.
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self {
            status: 200,
            headers: Vec::new(),
            stated_length: Some(body.len()),
            steps: vec![Step::Bytes(body)],
        }
    }

    /// This status, and a short text.
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::ok(format!("status {status}\n"))
        }
    }

    /// A redirect.
    pub(crate) fn redirect(to: impl Into<String>) -> Self {
        Self::status(302).header("Location", to)
    }

    /// `206` with the bytes from `start` on.
    pub(crate) fn part(body: &[u8], start: usize) -> Self {
        let last = body.len() - 1;
        let range = format!("bytes {start}-{last}/{}", body.len());
        Self {
            status: 206,
            ..Self::ok(&body[start..])
        }
        .header("Content-Range", range)
    }

    /// `206` or `200`, as the request asks.
    pub(crate) fn whole_or_part(body: &[u8], request: &Request) -> Self {
        match request.range_start() {
            Some(start) => Self::part(body, start),
            None => Self::ok(body),
        }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// States the whole length, sends the first `count` bytes and closes the connection.
    pub(crate) fn cut_after(mut self, count: usize) -> Self {
        self.truncate(count);
        self.steps.push(Step::Cut);
        self
    }

    /// States the whole length, sends the first `count` bytes and no more.
    pub(crate) fn hang_after(mut self, count: usize) -> Self {
        self.truncate(count);
        self.steps.push(Step::Hang);
        self
    }

    /// States this length, or with none that the body goes on until the connection is closed.
    pub(crate) fn length(mut self, length: Option<usize>) -> Self {
        self.stated_length = length;
        self
    }

    /// Sends these instead of the body.
    pub(crate) fn steps(mut self, steps: Vec<Step>) -> Self {
        if steps.iter().any(|step| matches!(step, Step::Chunk(_))) {
            self.stated_length = None;
            self = self.header("Transfer-Encoding", "chunked");
        }
        self.steps = steps;
        self
    }

    /// Does not state how long the body is.
    pub(crate) fn without_length(mut self) -> Self {
        self.stated_length = None;
        self
    }

    fn truncate(&mut self, count: usize) {
        if let Some(Step::Bytes(body)) = self.steps.first_mut() {
            body.truncate(count);
        }
    }

    /// Whether the connection can serve another request afterwards.
    fn is_reusable(&self) -> bool {
        let is_plain = |step: &Step| matches!(step, Step::Bytes(_) | Step::Pause(_));
        self.stated_length.is_some() && self.steps.iter().all(is_plain)
    }

    /// Another status.
    pub(crate) const fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    fn send(self, to: &mut dyn Write, stop: &AtomicBool) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {} Scripted\r\n", self.status);
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        if let Some(length) = self.stated_length {
            head = format!("{head}Content-Length: {length}\r\n");
        }
        if !self.is_reusable() {
            head += "Connection: close\r\n";
        }
        to.write_all(format!("{head}\r\n").as_bytes())?;
        let mut is_chunked = false;
        for step in self.steps {
            match step {
                Step::Bytes(bytes) => to.write_all(&bytes)?,
                Step::Chunk(bytes) => {
                    is_chunked = true;
                    to.write_all(format!("{:x}\r\n", bytes.len()).as_bytes())?;
                    to.write_all(&bytes)?;
                    to.write_all(b"\r\n")?;
                }
                Step::Pause(time) => {
                    to.flush()?;
                    thread::sleep(time);
                }
                Step::Endless(bytes) => {
                    while !stop.load(Ordering::Relaxed) {
                        to.write_all(&bytes)?;
                    }
                }
                Step::Hang => {
                    to.flush()?;
                    while !stop.load(Ordering::Relaxed) {
                        thread::sleep(Duration::from_millis(20));
                    }
                }
                Step::Cut => return to.flush(),
            }
        }
        if is_chunked {
            to.write_all(b"0\r\n\r\n")?;
        }
        to.flush()
    }
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

struct Shared {
    handler: Box<Handler>,
    tls: Option<Arc<rustls::ServerConfig>>,
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
    stop: AtomicBool,
}

/// A server that runs until it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Server {
    /// Listens on a free port of 127.0.0.1.
    pub(crate) fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self::listen(listener, None, handler)
    }

    /// The same with TLS.
    pub(crate) fn start_tls(
        tls: Arc<rustls::ServerConfig>,
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self::listen(listener, Some(tls), handler)
    }

    /// Serves on a listener that is there.
    pub(crate) fn listen(
        listener: TcpListener,
        tls: Option<Arc<rustls::ServerConfig>>,
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            handler: Box::new(handler),
            tls,
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        });
        let server = Self {
            address,
            shared: Arc::clone(&shared),
        };
        thread::spawn(move || {
            for connection in listener.incoming() {
                if shared.stop.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(connection) = connection else { continue };
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.serve(connection));
            }
        });
        server
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT/path`, or `https://localhost:PORT/path` with TLS.
    pub(crate) fn url(&self, path: &str) -> String {
        if self.shared.tls.is_some() {
            format!("https://localhost:{}{path}", self.address.port())
        } else {
            format!("http://{}{path}", self.address)
        }
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// The most connections that were open at the same time.
    pub(crate) fn most_open(&self) -> usize {
        self.shared.most_open.load(Ordering::Relaxed)
    }

    /// All connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees the flag.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn serve(&self, connection: TcpStream) {
        self.connections.fetch_add(1, Ordering::Relaxed);
        let open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_open.fetch_max(open, Ordering::Relaxed);
        // A client that goes away in the middle is no error of the server.
        let _ = match &self.tls {
            None => self.talk(connection),
            Some(config) => {
                let tls = rustls::ServerConnection::new(Arc::clone(config)).unwrap();
                let mut stream = rustls::StreamOwned::new(tls, connection);
                let talked = self.talk(&mut stream);
                stream.conn.send_close_notify();
                talked.and_then(|()| stream.flush())
            }
        };
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    fn talk(&self, mut stream: impl Read + Write) -> io::Result<()> {
        while let Some(request) = self.read(&mut stream)? {
            let reply = (self.handler)(&request);
            let is_reusable = reply.is_reusable();
            reply.send(&mut stream, &self.stop)?;
            if !is_reusable {
                break;
            }
        }
        Ok(())
    }

    fn read(&self, stream: &mut impl Read) -> io::Result<Option<Request>> {
        let Some((mut first, headers)) = read_head(stream)? else {
            return Ok(None);
        };
        let length = headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length = length.map_or(0, |(_, length)| length.parse().unwrap_or(0));
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        let mut requests = self.requests.lock().unwrap();
        let target = first.remove(1);
        let before = requests.iter().filter(|old| old.target == target).count();
        let request = Request {
            method: first.remove(0),
            target,
            headers,
            body: String::from_utf8_lossy(&body).into_owned(),
            before,
        };
        requests.push(request.clone());
        Ok(Some(request))
    }
}

/// The words of the first line, and the headers; none at the end of the stream.
#[expect(clippy::type_complexity, reason = "it is taken apart at once")]
pub(crate) fn read_head(
    stream: &mut impl Read,
) -> io::Result<Option<(Vec<String>, Vec<(String, String)>)>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    let first = first.split(' ').map(str::to_owned).collect();
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    Ok(Some((first, headers.collect())))
}
