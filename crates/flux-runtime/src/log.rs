//! Log lines with upstream's keys, as JSON or for a console.

use std::fmt::{self, Write as _};

use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::args::{Encoding, Level, LogArgs};

/// Log lines of the process go to standard error from here on. Without effect when logs are set up already.
pub(crate) fn install(args: &LogArgs) {
    let layer = Lines { level: args.log_level, encoding: args.log_encoding, write: to_stderr };
    // A second controller in one process, as in tests, writes through the first one's.
    let _installed_already = tracing_subscriber::registry().with(layer).try_init();
}

fn to_stderr(line: &str) {
    use std::io::Write as _;
    // Nobody to tell when standard error is closed.
    let _closed = std::io::stderr().write_all(line.as_bytes());
}

/// Writes each event as one line.
struct Lines<W> {
    level: Level,
    encoding: Encoding,
    write: W,
}

/// A span's fields.
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_owned(), json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.0.insert(field.name().to_owned(), crate::report::message(value).into());
    }
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(&str) + Send + Sync + 'static,
{
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let most = match (self.level, own(metadata.target())) {
            (Level::Trace, true) => tracing::Level::TRACE,
            (Level::Debug, true) | (Level::Trace, false) => tracing::Level::DEBUG,
            (Level::Info, true) => tracing::Level::INFO,
            (Level::Debug | Level::Info, false) => tracing::Level::WARN,
            (Level::Error, _) => tracing::Level::ERROR,
        };
        *metadata.level() <= most
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let mut fields = Fields(Map::new());
        attributes.record(&mut fields);
        if let Some(span) = ctx.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let mut fields = Map::new();
        for span in ctx.event_scope(event).into_iter().flat_map(tracing_subscriber::registry::Scope::from_root) {
            if let Some(Fields(own)) = span.extensions().get::<Fields>() {
                fields.extend(own.clone());
            }
        }
        let mut own = Fields(Map::new());
        event.record(&mut own);
        fields.extend(own.0);
        let line = Line { level: *event.metadata().level(), now: Timestamp::now(), fields };
        (self.write)(&match self.encoding {
            Encoding::Json => line.json(),
            Encoding::Console => line.console(),
        });
    }
}

/// Whether the line comes from this project's code rather than from a library.
fn own(target: &str) -> bool {
    let name = target.split("::").next().unwrap_or_default();
    name.starts_with("flux_") || name.ends_with("_controller") || name == "source_watcher"
}

struct Line {
    level: tracing::Level,
    now: Timestamp,
    fields: Map<String, Value>,
}

impl Line {
    /// `warn` is no level of upstream's: what is not an error is information.
    fn level(&self) -> &'static str {
        match self.level {
            tracing::Level::ERROR => "error",
            tracing::Level::DEBUG => "debug",
            tracing::Level::TRACE => "trace",
            _ => "info",
        }
    }

    /// The keys in upstream's order: level, ts, msg, then the object, then the rest.
    fn keys(mut self) -> (String, String, String, Map<String, Value>) {
        let level = self.level().to_owned();
        let message = match self.fields.shift_remove("message") {
            Some(Value::String(message)) => message,
            other => other.map(|value| value.to_string()).unwrap_or_default(),
        };
        let mut rest = Map::new();
        let object = ["controllerKind", "namespace", "name"].map(|key| self.fields.get(key).and_then(Value::as_str));
        if let [Some(kind), Some(namespace), Some(name)] = object {
            let reference = (kind.to_owned(), json!({"name": name, "namespace": namespace}));
            for key in ["controller", "controllerGroup", "controllerKind"] {
                if let Some(value) = self.fields.shift_remove(key) {
                    rest.insert(key.to_owned(), value);
                }
            }
            rest.insert(reference.0, reference.1);
        }
        rest.extend(self.fields);
        let time = self.now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
        (level, time, message, rest)
    }

    fn json(self) -> String {
        let (level, time, message, rest) = self.keys();
        let mut line = Map::new();
        line.insert("level".to_owned(), level.into());
        line.insert("ts".to_owned(), time.into());
        line.insert("msg".to_owned(), message.into());
        line.extend(rest);
        let mut line = Value::Object(line).to_string();
        line.push('\n');
        line
    }

    fn console(self) -> String {
        let (level, time, message, rest) = self.keys();
        let mut line = format!("{time}\t{}\t{message}", level.to_uppercase());
        if !rest.is_empty() {
            let _infallible = write!(line, "\t{}", Value::Object(rest));
        }
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests;
