//! `callboard playbook`: check a playbook's text, and try its rules on a written transcript. No stack is needed.

use std::{
    io::{self, BufRead, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use callboard_domain::{
    Channel,
    coaching::{Progress, Rules, Said},
    playbook::{self, Playbook, Problem},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// How long a line without times is taken to last.
const LINE_MS: u64 = 5_000;

/// What can be done with a playbook.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum PlaybookCommand {
    /// Checks a playbook file; names each problem as FILE:LINE:COLUMN.
    Check {
        /// The YAML file.
        file: PathBuf,
    },
    /// Runs the rules of a playbook over a written transcript and shows what a dashboard would get.
    ///
    /// The transcript has one JSON object a line: {"channel":"customer","text":"…"}, with start_ms and end_ms where
    /// they are known. A line without them is taken to begin 5 s after the line before it began.
    Try {
        /// The id of a shipped playbook (sales, tax_relief), or a YAML file.
        playbook: String,
        /// The transcript; - reads standard input.
        transcript: PathBuf,
        /// One message a line, as a dashboard gets it, with the number of the line that caused it.
        #[arg(long)]
        json: bool,
        /// Takes every line as a call of its own.
        #[arg(long)]
        each: bool,
    },
}

/// Runs the command.
pub(crate) fn run(command: PlaybookCommand) -> anyhow::Result<ExitCode> {
    match command {
        PlaybookCommand::Check { file } => check(&file),
        PlaybookCommand::Try { playbook, transcript, json, each } => {
            let Some(playbook) = load(&playbook)? else { return Ok(ExitCode::FAILURE) };
            let input: Box<dyn BufRead> = if transcript == Path::new("-") {
                Box::new(io::stdin().lock())
            } else {
                let file = std::fs::File::open(&transcript)
                    .with_context(|| format!("cannot read the transcript {}", transcript.display()))?;
                Box::new(io::BufReader::new(file))
            };
            try_out(playbook, input, &Output { json, each })
        }
    }
}

fn check(file: &Path) -> anyhow::Result<ExitCode> {
    let text = read_text(file)?;
    match playbook::check(&text) {
        Ok(playbook) => {
            let (landmarks, objections) = (playbook.landmarks.len(), playbook.objections.len());
            writeln!(
                io::stdout(),
                "{} is valid: {landmarks} {}, {objections} {}",
                file.display(),
                plural(landmarks, "landmark"),
                plural(objections, "objection")
            )?;
            Ok(ExitCode::SUCCESS)
        }
        Err(problems) => {
            tell(&mut io::stdout(), file, &problems)?;
            Ok(ExitCode::FAILURE)
        }
    }
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}

fn tell(out: &mut impl Write, file: &Path, problems: &[Problem]) -> io::Result<()> {
    for Problem { line, column, message } in problems {
        writeln!(out, "{}:{line}:{column}: {message}", file.display())?;
    }
    Ok(())
}

fn read_text(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read the playbook {}", file.display()))
}

/// The shipped playbook of this id, else the one in this file; none where it has problems, which are told.
fn load(id_or_file: &str) -> anyhow::Result<Option<Playbook>> {
    if let Some(playbook) = playbook::shipped(id_or_file) {
        return Ok(Some(playbook));
    }
    let file = Path::new(id_or_file);
    if !file.exists() {
        let ids: Vec<&str> = playbook::SHIPPED.iter().map(|(file, _)| file.trim_end_matches(".yaml")).collect();
        anyhow::bail!("there is no playbook and no file \"{id_or_file}\"; shipped are {}", ids.join(" and "));
    }
    match playbook::check(&read_text(file)?) {
        Ok(playbook) => Ok(Some(playbook)),
        Err(problems) => {
            tell(&mut io::stderr(), file, &problems)?;
            Ok(None)
        }
    }
}

/// A line of a transcript.
#[derive(Debug, Deserialize)]
struct Line {
    channel: String,
    text: String,
    start_ms: Option<u64>,
    end_ms: Option<u64>,
}

struct Output {
    json: bool,
    each: bool,
}

fn try_out(playbook: Playbook, input: impl BufRead, output: &Output) -> anyhow::Result<ExitCode> {
    let rules = Rules::compile(playbook);
    let mut out = io::stdout().lock();
    let mut progress = Progress::default();
    let mut next_ms = 0;
    let mut code = ExitCode::SUCCESS;
    for (number, bytes) in (1..).zip(input.split(b'\n')) {
        let bytes = bytes.context("cannot read the transcript to its end")?;
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let (channel, line) = match parse(&bytes) {
            Ok(parsed) => parsed,
            Err(problem) => {
                writeln!(io::stderr(), "line {number}: {problem}")?;
                code = ExitCode::FAILURE;
                continue;
            }
        };
        let start_ms = line.start_ms.unwrap_or(next_ms);
        let end_ms = line.end_ms.unwrap_or(start_ms + LINE_MS).max(start_ms);
        next_ms = start_ms + LINE_MS;
        if output.each {
            progress = Progress::default();
        }
        let said = Said { channel, start_ms, end_ms, text: &line.text };
        for message in messages(&rules, &mut progress, &said) {
            if output.json {
                writeln!(out, "{}", with_line(message, number))?;
            } else {
                writeln!(out, "{number:>4}  {}", readable(&message))?;
            }
        }
    }
    Ok(code)
}

/// What a line of a transcript says, or what is wrong with it and what to do.
fn parse(bytes: &[u8]) -> Result<(Channel, Line), String> {
    const SHAPE: &str = r#"write {"channel":"customer","text":"…"}"#;
    let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("this is not JSON ({error}); {SHAPE}"))?;
    let Value::Object(fields) = &value else { return Err(format!("this is not an object; {SHAPE}")) };
    for field in ["channel", "text"] {
        match fields.get(field) {
            Some(Value::String(_)) => {}
            Some(_) => return Err(format!("{field} is not text; {SHAPE}")),
            None => return Err(format!("{field} is missing; {SHAPE}")),
        }
    }
    let line: Line = serde_json::from_value(value)
        .map_err(|error| format!("start_ms and end_ms are whole milliseconds from 0 up, or left out ({error})"))?;
    let channel = Channel::parse(&line.channel)
        .ok_or_else(|| format!("there is no channel \"{}\"; use agent or customer", line.channel))?;
    Ok((channel, line))
}

/// What a dashboard would get for this utterance: the progress if it changed, and the cards that are new or other.
fn messages(rules: &Rules, progress: &mut Progress, said: &Said<'_>) -> Vec<Value> {
    let before = progress.clone();
    if !progress.add_all(&rules.read(said)) {
        return Vec::new();
    }
    let playbook = rules.playbook();
    let view = progress.view(playbook);
    let changed = (view != before.view(playbook)).then(|| typed("progress", json!(view)));
    let cards = progress.cards_since(&before, playbook);
    changed.into_iter().chain(cards.into_iter().map(|card| typed("card", json!(card)))).collect()
}

fn typed(kind: &str, fields: Value) -> Value {
    with("type", json!(kind), fields)
}

fn with_line(message: Value, number: u64) -> Value {
    with("line", json!(number), message)
}

fn with(name: &str, value: Value, mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
    object
}

fn readable(message: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if message["type"] == "card" {
        return format!(
            "card      {} ({}): \"{}\"\n          say: {}\n          ask: {}",
            text(&message["label"]),
            text(&message["status"]),
            text(&message["evidence"]["quote"]),
            text(&message["say"]),
            text(&message["follow_up"])
        );
    }
    let landmarks = message["landmarks"].as_array().into_iter().flatten();
    let done: Vec<String> = landmarks.filter(|it| it["state"] == "done").map(|it| text(&it["label"])).collect();
    let next = message["next_question"].as_str().map(|question| format!("\n          next: {question}"));
    format!("progress  {} %, done: {}{}", message["percent"], done.join(", "), next.unwrap_or_default())
}
