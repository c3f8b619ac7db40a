//! The real `gh` against a forge on a local socket: what it is called with is what it takes.
//!
//! Invariant: nothing leaves the machine: `http_unix_socket` in its configuration is the only way
//! out that it has. Where `gh` is not installed this is skipped aloud.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::env::Env;
use crate::forge::{prepared, resolve_elsewhere, run_into_conflict, with_remote};
use crate::summary::skip;

const HOST: &str = "github.com:\n    user: ada\n    oauth_token: fake\n    git_protocol: https\n";

/// A forge that knows one repository, and the pull requests that were opened in it.
#[derive(Clone, Default)]
struct Forge(Arc<Mutex<Vec<Value>>>);

impl Forge {
    /// Answers at a socket from now on.
    fn listen(env: &Env) -> Forge {
        let forge = Forge::default();
        let listener = UnixListener::bind(env.root().join("gh.sock")).expect("a socket");
        let own = forge.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let own = own.clone();
                std::thread::spawn(move || own.serve(stream));
            }
        });
        forge
    }

    fn serve(&self, stream: UnixStream) {
        let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
        let mut writer = stream;
        while let Some(asked) = request(&mut reader) {
            let text = json!({ "data": self.answer(&asked) }).to_string();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length:";
            if write!(writer, "{head} {}\r\n\r\n{text}", text.len()).is_err() {
                return;
            }
        }
    }

    fn answer(&self, asked: &Value) -> Value {
        let query = asked["query"].as_str().unwrap_or_default();
        let variables = &asked["variables"];
        let mut pulls = self.0.lock().expect("no test thread panics here");
        if query.contains("RepositoryInfo") {
            return json!({ "repository": {
                "id": "R1", "name": "r", "owner": { "login": "o" }, "hasIssuesEnabled": true,
                "description": "", "hasWikiEnabled": true, "viewerPermission": "WRITE",
                "defaultBranchRef": { "name": "main" }, "parent": null,
                "mergeCommitAllowed": true, "rebaseMergeAllowed": true, "squashMergeAllowed": true,
            } });
        }
        if query.contains("createPullRequest") {
            let mut pull = variables["input"].clone();
            let number = pulls.len() + 1;
            pull["number"] = json!(number);
            pull["url"] = json!(format!("https://github.com/o/r/pull/{number}"));
            pull["state"] = json!("OPEN");
            pulls.push(pull.clone());
            return json!({ "createPullRequest": { "pullRequest": { "id": "P", "url": pull["url"] } } });
        }
        if query.contains("pullRequest(number") {
            let number = variables["pr_number"].as_u64().expect("a number") as usize;
            let pull = &pulls[number - 1];
            return json!({ "repository": { "pullRequest": {
                "id": "P", "number": number, "url": pull["url"], "state": pull["state"],
                "mergeCommit": pull["mergeCommit"],
            } } });
        }
        let head = variables.get("headBranch").or(variables.get("headRefName"));
        let is_it = |pull: &&Value| Some(&pull["headRefName"]) == head && pull["state"] == "OPEN";
        let nodes: Vec<Value> = pulls.iter().filter(is_it).cloned().collect();
        json!({ "repository": { "defaultBranchRef": { "name": "main" }, "pullRequests": {
            "nodes": nodes, "totalCount": nodes.len(),
            "pageInfo": { "hasNextPage": false, "endCursor": "" },
        } } })
    }

    fn pulls(&self) -> Vec<Value> {
        self.0.lock().expect("no test thread panics here").clone()
    }

    /// Marks a pull request as merged.
    fn merge(&self, index: usize, commit: &str) {
        let mut pulls = self.0.lock().expect("no test thread panics here");
        pulls[index]["state"] = json!("MERGED");
        pulls[index]["mergeCommit"] = json!({ "oid": commit });
    }
}

/// Reads one request; `None` at the end of the connection.
fn request(reader: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line).ok()? > 0 {
        if line == "\r\n" {
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            return Some(serde_json::from_slice(&body).unwrap_or_default());
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        line.clear();
    }
    None
}

fn has_gh() -> bool {
    let path = std::env::var_os("PATH").expect("PATH is set");
    std::env::split_paths(&path).any(|folder| folder.join("gh").is_file())
}

#[test]
fn the_real_gh_opens_finds_and_tells() {
    if !has_gh() {
        return skip("gh", "it is not installed");
    }
    let env = prepared();
    with_remote(&env);
    let home = env.root().join("home/.config/gh");
    let socket = env.root().join("gh.sock");
    env.write(home.join("config.yml"), format!("http_unix_socket: {}\n", socket.display()));
    let why = || env.task("b")["unopened"]["why"].as_str().map(str::to_owned);

    run_into_conflict(&env);
    assert_eq!(why().as_deref(), Some("not-logged-in"), "{}", env.task("b"));

    env.write(home.join("hosts.yml"), HOST);
    env.start(&[]).fails(3);
    assert_eq!(why().as_deref(), Some("no-network"), "{}", env.task("b"));

    let forge = Forge::listen(&env);
    env.start(&[]).fails(3).has("https://github.com/o/r/pull/1");
    let pulls = forge.pulls();
    assert_eq!(pulls.len(), 1);
    assert_eq!(
        (&pulls[0]["draft"], &pulls[0]["headRefName"]),
        (&json!(true), &json!("feat/task-b"))
    );
    assert_eq!(pulls[0]["baseRefName"], "feat/clash");
    assert!(pulls[0]["body"].as_str().is_some_and(|body| body.contains("## How to resolve")));

    // It is found again where the journal does not know of it.
    env.run(["merge", "b"]).fails(3);
    assert_eq!(env.task("b")["url"], "https://github.com/o/r/pull/1");
    assert_eq!(forge.pulls().len(), 1, "one pull request for a branch");

    resolve_elsewhere(&env, true, "feat/clash");
    let bare = env.root().join("remote.git");
    let there = env.git(["--git-dir", bare.to_str().expect("UTF-8"), "rev-parse", "feat/clash"]);
    forge.merge(0, &there);
    env.start(&[]).ok();
    env.stands("b", "done", None);
    assert_eq!(env.blob("feat/clash", "src/shared.txt"), "a and b");

    env.run(["finish", "--pr"]).ok().has("https://github.com/o/r/pull/2");
    let asked = forge.pulls().remove(1);
    assert_eq!((&asked["draft"], &asked["baseRefName"]), (&json!(false), &json!("main")));
    assert!(asked["body"].as_str().is_some_and(|body| body.contains("4 of 4 tasks merged")));
}
