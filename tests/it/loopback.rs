//! A model server on the loopback, as far as Claude Code and codex need one: it plays the model.
//!
//! Invariant: scripted and offline. An implementer is made to write a file, to commit it and to say
//! DONE; a reviewer to read what was changed and to say PASS, but for the first one of task `beta`,
//! which says FAIL. What the clients sent is kept, so that a test sees what a model would have
//! seen.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// What every answer is said to have used.
pub const TOKENS: (u64, u64) = (100, 20);
/// What a reviewer of `beta` finds at first.
pub const FINDING: &str = "one line is not enough";

/// What was seen.
#[derive(Default)]
struct Seen {
    /// Bodies of requests, in order.
    bodies: Vec<String>,
    /// Command lines of all processes while a model worked.
    processes: String,
    /// How many verdicts were given, by task.
    verdicts: HashMap<String, usize>,
    /// How often the work on a task was done.
    works: HashMap<String, usize>,
}

/// The server; it ends with the test's process.
pub struct Loopback {
    port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Loopback {
    /// Serves agents whose worktrees are in this folder.
    pub fn new(worktrees: &Path) -> Loopback {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (own, worktrees) = (seen.clone(), worktrees.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, worktrees) = (own.clone(), worktrees.clone());
                std::thread::spawn(move || answer(stream, &seen, &worktrees));
            }
        });
        Loopback { port, seen }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns whether one request held all of these texts.
    pub fn one_request_held(&self, texts: &[&str]) -> bool {
        let seen = self.seen.lock().expect("no thread has panicked");
        seen.bodies.iter().any(|body| texts.iter().all(|text| body.contains(text)))
    }

    /// Returns the command lines of all processes, as they were while agents worked.
    pub fn processes(&self) -> String {
        self.seen.lock().expect("no thread has panicked").processes.clone()
    }
}

/// A request for the model, whatever the protocol.
struct Asked {
    task: String,
    place: PathBuf,
    /// The last that a person, or we, said.
    prompt: String,
    /// How many tools were used since then.
    steps: usize,
}

/// What the model does.
enum Act {
    Say(String),
    Write { path: PathBuf, text: String },
    Read(PathBuf),
    Shell(String),
}

fn answer(stream: TcpStream, seen: &Mutex<Seen>, worktrees: &Path) {
    let Some((method, path, body)) = read(&stream) else { return };
    let path = path.split('?').next().unwrap_or_default();
    let value: Value = serde_json::from_str(&body).unwrap_or_default();
    let (kind, text) = match (method.as_str(), path) {
        ("POST", "/v1/messages") => {
            let act = decide(asked_by_claude(&value, &body, worktrees), seen, body, Tools::Claude);
            ("text/event-stream", to_claude(&act, &value, &next_id(seen)))
        }
        ("POST", "/v1/responses") => {
            let act = decide(asked_by_codex(&value, &body, worktrees), seen, body, Tools::Codex);
            ("text/event-stream", to_codex(&act))
        }
        ("POST", "/v1/messages/count_tokens") => {
            ("application/json", json!({"input_tokens": 10}).to_string())
        }
        ("HEAD", _) => ("text/plain", String::new()),
        _ => ("application/json", json!({"data": [], "models": []}).to_string()),
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        text.len()
    );
    let mut stream = stream;
    // A client that went away needs no answer.
    let _ = stream.write_all((head + &text).as_bytes());
}

/// Reads one request: method, path and body.
fn read(stream: &TcpStream) -> Option<(String, String, String)> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut length = None;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse::<usize>().ok();
        }
    }
    let body = match length {
        Some(length) => {
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            body
        }
        None if method == "POST" => read_chunks(&mut reader)?,
        None => Vec::new(),
    };
    Some((method, path, String::from_utf8_lossy(&body).into_owned()))
}

fn read_chunks(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let length = usize::from_str_radix(line.trim(), 16).ok()?;
        let mut chunk = vec![0; length + 2];
        reader.read_exact(&mut chunk).ok()?;
        if length == 0 {
            return Some(body);
        }
        body.extend(&chunk[..length]);
    }
}

fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks.iter().filter_map(|it| it["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// A request without tools is a client's own: for a title, or to see whether we are there.
fn asked_by_claude(value: &Value, body: &str, worktrees: &Path) -> Option<Asked> {
    value["tools"].as_array().filter(|tools| !tools.is_empty())?;
    let mut asked = begin(body, worktrees)?;
    for message in value["messages"].as_array()?.iter().filter(|it| it["role"] == "user") {
        let blocks = message["content"].as_array();
        let is_result = |it: &&Value| it["type"] == "tool_result";
        match blocks.map_or(0, |blocks| blocks.iter().filter(is_result).count()) {
            0 => (asked.prompt, asked.steps) = (text_of(&message["content"]), 0),
            results => asked.steps += results,
        }
    }
    Some(asked)
}

fn asked_by_codex(value: &Value, body: &str, worktrees: &Path) -> Option<Asked> {
    let mut asked = begin(body, worktrees)?;
    for item in value["input"].as_array()? {
        match item["type"].as_str() {
            Some("function_call_output") => asked.steps += 1,
            Some("message") | None if item["role"] == "user" => {
                (asked.prompt, asked.steps) = (text_of(&item["content"]), 0);
            }
            _ => {}
        }
    }
    Some(asked)
}

/// Every client says in which folder it works.
fn begin(body: &str, worktrees: &Path) -> Option<Asked> {
    let (_, rest) = body.split_once("worktrees/feat-task-")?;
    let end = rest.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(rest.len());
    let task = rest[..end].to_owned();
    let place = worktrees.join(format!("feat-task-{task}"));
    Some(Asked { task, place, prompt: String::new(), steps: 0 })
}

/// What a client's tools for files are.
#[derive(PartialEq)]
enum Tools {
    /// One for files, and a shell that runs git alone.
    Claude,
    /// A shell.
    Codex,
}

fn decide(asked: Option<Asked>, seen: &Mutex<Seen>, body: String, tools: Tools) -> Act {
    let mut seen = seen.lock().expect("no thread has panicked");
    let Some(asked) = asked else { return Act::Say("ok".into()) };
    seen.bodies.push(body);
    let told = Command::new("ps").args(["-A", "-o", "args="]).output();
    seen.processes +=
        &told.map(|it| String::from_utf8_lossy(&it.stdout).into_owned()).unwrap_or_default();
    let task = asked.task;
    if asked.prompt.contains("VERDICT") && asked.steps == 0 {
        return match diff_of(&asked.prompt) {
            Some(diff) => Act::Read(diff),
            None => Act::Say("There is nothing to read.".into()),
        };
    }
    if asked.prompt.contains("VERDICT") {
        let count = seen.verdicts.entry(task.clone()).or_default();
        *count += 1;
        return Act::Say(if task == "beta" && *count == 1 {
            format!("- [important] beta.txt:1: {FINDING}\n\nVERDICT: FAIL")
        } else {
            "All is as it should be.\n\nVERDICT: PASS".into()
        });
    }
    if asked.steps == 0 {
        *seen.works.entry(task.clone()).or_default() += 1;
    }
    let nth = seen.works.get(&task).copied().unwrap_or_default();
    let (name, text) = (format!("{task}{nth}.txt"), format!("{task} {nth}\n"));
    let commit = format!("git add {name} && git commit -q -m 'Write {name}'");
    match (asked.steps, tools) {
        (0, Tools::Claude) => Act::Write { path: asked.place.join(name), text },
        (1, Tools::Claude) => Act::Shell(commit),
        // Its sandbox may keep it from git's own folder.
        (0, Tools::Codex) => Act::Shell(format!("echo {task} {nth} >{name}; {commit} || true")),
        _ => Act::Say(format!("I wrote {name}.\n\nSTATUS: DONE wrote {name}")),
    }
}

/// Returns the file that a reviewer is to read.
fn diff_of(prompt: &str) -> Option<PathBuf> {
    let (_, rest) = prompt.split_once("In the folder")?;
    Some(Path::new(rest.split('`').nth(1)?).join("task.diff"))
}

fn events(events: &[(&str, Value)]) -> String {
    events.iter().map(|(name, data)| format!("event: {name}\ndata: {data}\n\n")).collect()
}

/// Every answer has an id of its own: the client puts those together that have the same.
fn next_id(seen: &Mutex<Seen>) -> String {
    format!("id_{}", seen.lock().expect("no thread has panicked").bodies.len())
}

fn to_claude(act: &Act, asked: &Value, id: &str) -> String {
    let (block, delta, stop) = match act {
        Act::Say(text) => (
            json!({"type": "text", "text": ""}),
            json!({"type": "text_delta", "text": text}),
            "end_turn",
        ),
        Act::Write { path, text } => {
            tool(id, "Write", &json!({"file_path": path, "content": text}))
        }
        Act::Read(path) => tool(id, "Read", &json!({"file_path": path})),
        Act::Shell(line) => tool(id, "Bash", &json!({"command": line, "description": "commit"})),
    };
    let message = json!({"id": id, "type": "message", "role": "assistant",
        "model": asked["model"], "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": TOKENS.0, "output_tokens": 1}});
    if asked["stream"] != true {
        let text = match act {
            Act::Say(text) => text.as_str(),
            Act::Write { .. } | Act::Read(_) | Act::Shell(_) => "ok",
        };
        let mut whole = message;
        whole["content"] = json!([{"type": "text", "text": text}]);
        whole["stop_reason"] = "end_turn".into();
        return whole.to_string();
    }
    events(&[
        ("message_start", json!({"type": "message_start", "message": message})),
        (
            "content_block_start",
            json!({"type": "content_block_start", "index": 0, "content_block": block}),
        ),
        ("content_block_delta", json!({"type": "content_block_delta", "index": 0, "delta": delta})),
        ("content_block_stop", json!({"type": "content_block_stop", "index": 0})),
        (
            "message_delta",
            json!({"type": "message_delta",
            "delta": {"stop_reason": stop, "stop_sequence": null},
            "usage": {"output_tokens": TOKENS.1}}),
        ),
        ("message_stop", json!({"type": "message_stop"})),
    ])
}

fn tool(id: &str, name: &str, input: &Value) -> (Value, Value, &'static str) {
    let id = format!("toolu_{id}");
    let block = json!({"type": "tool_use", "id": id, "name": name, "input": {}});
    (block, json!({"type": "input_json_delta", "partial_json": input.to_string()}), "tool_use")
}

fn to_codex(act: &Act) -> String {
    let item = match act {
        Act::Say(text) => json!({"type": "message", "id": "m", "role": "assistant",
            "status": "completed", "content": [{"type": "output_text", "text": text, "annotations": []}]}),
        Act::Shell(line) => call(line),
        Act::Read(path) => call(&format!("cat '{}'", path.display())),
        Act::Write { path, text } => call(&format!("printf '{text}' >'{}'", path.display())),
    };
    let usage = json!({"input_tokens": TOKENS.0, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": TOKENS.1, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": TOKENS.0 + TOKENS.1});
    let response = json!({"id": "resp_1", "object": "response", "status": "completed",
        "output": [item], "usage": usage});
    events(&[
        ("response.created", json!({"type": "response.created", "response": {"id": "resp_1"}})),
        (
            "response.output_item.done",
            json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        ),
        ("response.completed", json!({"type": "response.completed", "response": response})),
    ])
}

fn call(line: &str) -> Value {
    json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "exec_command",
        "arguments": json!({"cmd": line}).to_string()})
}
